"""A small recorded checkpoint behind a server, and clients that know only websockets and msgpack."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from websockets.sync.client import ClientConnection, connect

from hume_serve.client import ClientSession, Reply
from hume_serve.infer_settings import InferSettings
from hume_serve.policy import CascadedPolicy
from hume_serve.serve_settings import ServerLimits
from hume_serve.server import PolicyServer
from hume_system1.model import System1
from hume_system2.model import System2

FOLDER = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"
Arrays = dict[str, NDArray[Any]]


def packed(content: Any) -> bytes:
    """As openpi's clients write a message."""
    return msgpack.packb(content, default=_packed_array)


def _packed_array(value: Any) -> dict[bytes, Any]:
    if isinstance(value, np.generic):
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}


def unpacked(message: bytes) -> Any:
    """As openpi's clients read one."""
    return msgpack.unpackb(message, object_hook=_unpacked_array)


def _unpacked_array(found: dict[Any, Any]) -> Any:
    if b"__ndarray__" not in found:
        return found
    return np.ndarray(buffer=found[b"data"], dtype=np.dtype(found[b"dtype"]), shape=found[b"shape"])


class Client:
    """One connection. The greeting is in `metadata`."""

    def __init__(self, port: int) -> None:
        self._left = ExitStack()
        address = f"ws://127.0.0.1:{port}"
        self.connection: ClientConnection = self._left.enter_context(connect(address, compression=None, max_size=None))
        self.metadata = unpacked(self.receive())

    def receive(self) -> Any:
        """The next message as it comes. It fails the test where none comes."""
        return self.connection.recv(timeout=60)

    def ask(self, content: Any) -> Any:
        """The answer: a text where it is an error."""
        self.connection.send(content if isinstance(content, (bytes, str)) else packed(content))
        answer = self.receive()
        return answer if isinstance(answer, str) else unpacked(answer)

    def close(self) -> None:
        """Leave. It may be called again."""
        self._left.close()


class RawSocket:
    """A websocket whose bytes the test writes and reads itself, or does not."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def send_frame(self, data: bytes, announced: int | None = None) -> None:
        """A binary frame, of which more may be announced than is sent."""
        length = len(data) if announced is None else announced
        self.socket.sendall(b"\x82\xff" + struct.pack(">Q", length) + bytes(4) + data)

    def vanish(self) -> None:
        """Without a word: the connection is reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read_to_the_end(self) -> bytes:
        """Everything until the server ends the connection."""
        found = b""
        while data := self._receive():
            found += data
        return found

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


class RunningServer:
    """A server in a thread of the test's process."""

    def __init__(self, new_session: Callable[[], Any], limits: ServerLimits, metadata: Mapping[str, Any]) -> None:
        self.server = PolicyServer(new_session, metadata, limits)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(60)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = await self.server.listen("127.0.0.1", 0)
        self.port: int = listener.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        listener.close()
        await listener.wait_closed()
        self.server.stop()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def start() -> Iterator[Callable[..., RunningServer]]:
    """Start servers that end with the test."""
    running: list[RunningServer] = []

    def begin(
        new_session: Callable[[], Any], metadata: Mapping[str, Any] | None = None, **limits: Any
    ) -> RunningServer:
        running.append(RunningServer(new_session, ServerLimits(**limits), metadata or {"server": "test"}))
        return running[-1]

    yield begin
    for server in running:
        server.close()


@pytest.fixture
def client() -> Iterator[Callable[[int], Client]]:
    """Connect clients that leave with the test."""
    connected: list[Client] = []

    def begin(port: int) -> Client:
        connected.append(Client(port))
        return connected[-1]

    yield begin
    for each in connected:
        each.close()


@pytest.fixture
def raw() -> Iterator[Callable[..., RawSocket]]:
    """Connect raw sockets that are closed with the test."""
    connected: list[RawSocket] = []

    def begin(*args: Any) -> RawSocket:
        connected.append(RawSocket(*args))
        return connected[-1]

    yield begin
    for each in connected:
        each.socket.close()


@pytest.fixture(scope="session")
def folder() -> Path:
    """The recorded checkpoint."""
    return FOLDER


@pytest.fixture(scope="session")
def system2() -> System2:
    """Of the recorded checkpoint."""
    return System2.from_pretrained(FOLDER)


@pytest.fixture(scope="session")
def system1() -> System1:
    """Of the recorded checkpoint."""
    return System1.from_pretrained(FOLDER)


@pytest.fixture(scope="session")
def policy(system2: System2, system1: System1) -> CascadedPolicy:
    """Both systems."""
    return CascadedPolicy(system2, system1)


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    """What the released implementation computed in a closed loop, by name without ``infer/``."""
    with np.load(FOLDER / "io.npz") as content:
        return {name.removeprefix("infer/"): content[name] for name in content.files if name.startswith("infer/")}


@pytest.fixture(scope="session")
def recorded_settings(arrays: Arrays) -> dict[str, Any]:
    """The fields of `init_infer` of the recorded episode."""
    return dict(json.loads(str(arrays["config_json"])))


@pytest.fixture(scope="session")
def recorded(arrays: Arrays, recorded_settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The recorded observations as the authors' client sends them, with the recorded noise where a thought begins."""
    candidates = recorded_settings["s2_candidates_num"]
    steps: list[dict[str, Any]] = []
    draws = 0
    for step, state in enumerate(arrays["observation.state"]):
        frame = int(arrays["image_index"][step])
        names = ("observation.images.image", "observation.images.wrist_image")
        sent: dict[str, Any] = {name: arrays[name][frame] for name in names}
        sent |= {"observation.state": state.astype(np.float64), "task": [str(text) for text in arrays["task"]]}
        if step % recorded_settings["s2_replan_steps"] == 0:
            sent["noise"] = arrays["noise"][draws : draws + candidates]
            draws += candidates
        steps.append(sent)
    return steps


@pytest.fixture
def session(policy: CascadedPolicy) -> Callable[..., ClientSession]:
    """Makes the state of a client, with settings that differ from the defaults."""

    def make(**settings: Any) -> ClientSession:
        return ClientSession(policy, InferSettings(**settings))

    return make


@pytest.fixture
def generator() -> Callable[[int], torch.Generator]:
    """A seeded source of noise."""
    return lambda seed: torch.Generator().manual_seed(seed)


READY = packed({"ready": True})


class GatedSession:
    """Stands for a client's state. It answers with what was sent, once the gate is open; to `READY` at once.

    Args:
        gate: closed: the computing thread waits.
        done: takes the content of each message that is computed.
    """

    def __init__(self, gate: threading.Event, done: list[Any], answer: bytes | None = None) -> None:
        self._gate, self._done, self._answer = gate, done, answer

    def read(self, message: bytes | str) -> Reply | Callable[[], Reply]:
        if message == READY:
            return Reply(b"\xc3")
        return lambda: self._compute(message)

    def _compute(self, message: bytes | str) -> Reply:
        assert self._gate.wait(60)
        assert isinstance(message, bytes)
        self._done.append(msgpack.unpackb(message))
        return Reply(self._answer or message)


@pytest.fixture
def gated() -> type[GatedSession]:
    """Sessions whose computing the test holds up."""
    return GatedSession


@pytest.fixture
def pack() -> Callable[[Any], bytes]:
    """Writes a message as openpi's clients do."""
    return packed
