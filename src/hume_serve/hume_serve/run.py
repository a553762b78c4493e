"""`hume serve`: load a checkpoint and answer clients until Ctrl-C."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import signal
from dataclasses import asdict
from typing import Any

import torch
from websockets.asyncio.server import Server

from hume_core.errors import ConfigError
from hume_core.policy_contract import PolicyContract, check_sizes, fitted_robot
from hume_core.robot import RobotProfile
from hume_serve.client import ClientSession
from hume_serve.inputs import MAX_BATCH, InputReader
from hume_serve.log_throttle import LogThrottle
from hume_serve.policy import CascadedPolicy
from hume_serve.robot_view import RobotView
from hume_serve.serve_settings import ServeSettings
from hume_serve.server import PolicyServer
from hume_system1.model import System1
from hume_system2.model import System2

_log = logging.getLogger("hume_serve")


def run_serve(settings: ServeSettings) -> int:
    """Serve until SIGINT or SIGTERM.

    Returns:
        The exit code, 0.

    Raises:
        HumeError: checkpoint, contract or robot profile cannot be used, or the address is not free.
    """
    logging.basicConfig(level=logging.INFO, format="hume serve: %(message)s")
    _log.addFilter(LogThrottle())
    server = make_server(settings)
    if not is_local(settings.host):
        _log.warning(
            "%s is open to other computers. There is neither password nor encryption: whoever reaches the port moves "
            "what its clients move. Use it in a network of your own only",
            settings.host,
        )
    asyncio.run(_serve(server, settings.host, settings.port))
    return 0


def make_server(settings: ServeSettings) -> PolicyServer:
    """The server of a checkpoint, warmed up. It does not listen yet.

    Raises:
        HumeError: checkpoint, contract or robot profile cannot be used.
    """
    torch.set_num_threads(settings.threads)
    system2 = _load(System2, settings)
    system1 = _load(System1, settings) if system2.config.has_system1 else None
    policy, infer = CascadedPolicy(system2, system1), settings.infer
    robot = _robot(settings, system2)
    if system2.contract is None:
        _log.warning(
            "nobody says what the numbers of '%s' mean. Clients must know. Name a contract with --contract",
            settings.checkpoint,
        )
    else:
        check_sizes(system2.config, system2.contract)
    policy.warm_up(infer.resolved(policy.config))
    return PolicyServer(
        lambda: ClientSession(policy, infer, robot, settings.limits.max_candidates),
        metadata(settings, policy, system2.contract, robot),
        settings.limits,
        lambda: torch.set_num_threads(settings.threads),
    )


def metadata(
    settings: ServeSettings, policy: CascadedPolicy, contract: PolicyContract | None, robot: RobotView | None
) -> dict[str, Any]:
    """What a client gets first: the contract, sizes, names and limits."""
    config, limits = policy.config, settings.limits
    return {
        "server": "hume",
        "checkpoint": settings.checkpoint,
        "contract": None if contract is None else json.loads(contract.to_json()),
        "robot": settings.robot or None,
        "fields": list(InputReader(config, robot).fields),
        "cameras": list(config.camera_keys),
        "state_dim": config.state_dim,
        "action_dim": config.action_dim,
        "history": config.s1_his_state_size,
        "chunk_rows": config.s2_chunk_size,
        "segment_rows": config.s1_chunk_size,
        "init_infer": asdict(settings.infer.resolved(config)),
        "limits": {
            "clients": limits.max_clients,
            "message_bytes": limits.max_bytes,
            "batch": MAX_BATCH,
            "candidates": limits.max_candidates,
            "idle_timeout": limits.idle_timeout,
        },
    }


def _load(system: Any, settings: ServeSettings) -> Any:
    return system.from_pretrained(
        settings.checkpoint,
        device=settings.device,
        dtype=getattr(torch, settings.dtype),
        engine=settings.engine,
        contract=settings.contract,
    )


def _robot(settings: ServeSettings, system2: System2) -> RobotView | None:
    if not settings.robot:
        return None
    profile = RobotProfile.load(settings.robot)
    fitted = fitted_robot(system2.config, system2.contract, profile, settings.checkpoint)
    return RobotView(fitted, system2.normalizer, settings.state_deviations)


def is_local(host: str) -> bool:
    """Whether only programs of this computer reach an address. A name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _listen(server: PolicyServer, host: str, port: int) -> Server:
    try:
        return await server.listen(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigError(f"cannot listen at {host}:{port}: {reason}. Choose another --port or --host") from error


async def _serve(server: PolicyServer, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        listener = await _listen(server, host, port)
        # With port 0 the system has chosen one.
        port = listener.sockets[0].getsockname()[1]
        print(f"hume serve: ready at ws://{f'[{host}]' if ':' in host else host}:{port}. Ctrl-C ends it", flush=True)
        await stop.wait()
        listener.close()
        await listener.wait_closed()
    finally:
        server.stop()
