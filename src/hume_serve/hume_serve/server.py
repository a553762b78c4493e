"""The websocket server: many clients, one thread that reads and one that computes.

The event loop only moves bytes. One thread reads each message, and answers where a row is there already. Another asks
the systems. A client has one job at a time, and each thread does its jobs in the order in which they came. So clients
take turns, at most as many jobs wait as there are clients, and no row that is ready waits for another client's thought.
"""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from hume_serve.client import ClientSession, Reply
from hume_serve.serve_settings import ServerLimits
from hume_serve.wire import pack

HEALTH = "/healthz"
_PING_INTERVAL, _PING_TIMEOUT, _OPEN_TIMEOUT, _CLOSE_TIMEOUT = 20.0, 60.0, 10.0, 2.0
_Value = TypeVar("_Value")
_log = logging.getLogger("hume_serve")


class _SendTimeoutError(Exception):
    """A client did not take what was sent to it."""


class PolicyServer:
    """Serves a policy.

    Threads: everything in the event loop, but for the sessions.

    Args:
        new_session: makes the state of a new client.
        metadata: what each client gets first.
        limits: of clients and messages.
        enter_thread: called once in the computing thread.

    Attributes:
        clients: that are connected.
        jobs: that wait or are computed, at most one for each client.
    """

    def __init__(
        self,
        new_session: Callable[[], ClientSession],
        metadata: Mapping[str, Any],
        limits: ServerLimits,
        enter_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._new_session = new_session
        self._greeting = pack(dict(metadata))
        self._limits = limits
        self.clients = self.jobs = 0
        self._reading = ThreadPoolExecutor(1, "reading")
        self._computing = ThreadPoolExecutor(1, "computing", initializer=enter_thread)

    async def listen(self, host: str, port: int) -> Server:
        """Begin to accept clients. Close what is returned, then call `stop`.

        Raises:
            OSError: the address is not free, or not one of this computer.
        """
        return await serve(
            self._handle,
            host,
            port,
            compression=None,
            max_size=self._limits.max_bytes,
            # What a client sends ahead of its answers stays in its own socket.
            max_queue=1,
            # A browser names the page's origin. No page may reach a server of its visitor.
            origins=[None],
            process_request=_health,
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            ping_interval=_PING_INTERVAL,
            ping_timeout=_PING_TIMEOUT,
            logger=_quiet(),
        )

    def stop(self) -> None:
        """Drop the jobs that wait."""
        for thread in (self._reading, self._computing):
            thread.shutdown(wait=False, cancel_futures=True)

    async def _handle(self, connection: ServerConnection) -> None:
        if self.clients >= self._limits.max_clients:
            await connection.close(CloseCode.TRY_AGAIN_LATER, f"the server has its {self.clients} clients already")
            return
        self.clients += 1
        try:
            await self._converse(connection)
        except ConnectionClosed:
            pass
        except _SendTimeoutError:
            _log.info("client %s was disconnected: it did not take its answer", _name(connection))
            # What waits for it must not be sent first.
            connection.transport.abort()
        except asyncio.TimeoutError:
            _log.info("client %s was disconnected: it sent no whole message in time", _name(connection))
            await connection.close(CloseCode.POLICY_VIOLATION, "no whole message came in time")
        finally:
            self.clients -= 1

    async def _converse(self, connection: ServerConnection) -> None:
        session = self._new_session()
        await self._send(connection, self._greeting)
        while True:
            message = await asyncio.wait_for(connection.recv(), self._limits.idle_timeout)
            reply = await self._answered(connection, session, message)
            await self._send(connection, reply.message)
            if reply.close is not None:
                _log.info("client %s was disconnected: %s", _name(connection), reply.message)
                await connection.close(reply.close, "see the message before")
                return

    async def _send(self, connection: ServerConnection, message: bytes | str) -> None:
        try:
            await asyncio.wait_for(connection.send(message), self._limits.send_timeout)
        except asyncio.TimeoutError as error:
            raise _SendTimeoutError from error

    async def _answered(self, connection: ServerConnection, session: ClientSession, message: bytes | str) -> Reply:
        """The reply, unless the client goes away meanwhile: then its job is dropped where it still waits."""
        self.jobs += 1
        try:
            reply = await self._run(connection, self._reading, partial(session.read, message))
            return reply if isinstance(reply, Reply) else await self._run(connection, self._computing, reply)
        finally:
            self.jobs -= 1

    async def _run(
        self, connection: ServerConnection, thread: ThreadPoolExecutor, work: Callable[[], _Value]
    ) -> _Value:
        return await _unless(connection.wait_closed(), asyncio.get_running_loop().run_in_executor(thread, work))


async def _unless(event: Awaitable[Any], job: asyncio.Future[_Value]) -> _Value:
    """The result of a job. Where the event comes first the job is cancelled.

    Raises:
        ConnectionClosed: the event came first.
    """
    watch = asyncio.ensure_future(event)
    try:
        await asyncio.wait([watch, job], return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ConnectionClosed(None, None)
        return job.result()
    finally:
        watch.cancel()
        job.cancel()


def _health(connection: ServerConnection, request: Request) -> Response | None:
    """Answers a plain HTTP request that asks whether the server is there."""
    return connection.respond(http.HTTPStatus.OK, "OK\n") if request.path == HEALTH else None


def _name(connection: ServerConnection) -> str:
    address = connection.remote_address
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "?"


def _quiet() -> logging.Logger:
    """The library logs every bad handshake with a traceback. Anybody who connects could fill the log."""
    logger = logging.getLogger("hume_serve.websockets")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
