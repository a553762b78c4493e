"""How the denoiser process is started."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from hume_msgs.msg import Heartbeat
from rclpy.node import Node
from rclpy.wait_for_message import wait_for_message

from hume_core.errors import CheckpointError, HumeError
from hume_ros import qos
from hume_system1.child_arguments import inherited_arguments
from hume_system1.denoiser_settings import ros_arguments
from hume_system1.settings import System1Settings
from hume_system1.watched_process import WatchedProcess

_NODE = "hume_system1_denoiser"
_ENCLAVE = f"/hume/{_NODE}"
"""Of SROS2. Of no effect while security is off."""


class DenoiserProcess(WatchedProcess):
    """The denoiser as a child process of this one.

    Args:
        node: gives name, namespace and clock settings.
        settings: those of the denoiser and of the control core are handed on as parameters. Both processes admit chunks
            by the same rules.
        on_change: called with how the process ended or was stopped, and with "" when it works. From any thread.
        arguments: command line whose remapping rules and log levels hold for the denoiser too. None: this process's.
    """

    def __init__(
        self,
        node: Node,
        settings: System1Settings,
        on_change: Callable[[str], object] = lambda ended: None,
        arguments: Sequence[str] | None = None,
    ) -> None:
        clock = ["-p", f"use_sim_time:={str(node.get_parameter('use_sim_time').value).lower()}"]
        inherited = inherited_arguments(
            sys.argv[1:] if arguments is None else arguments, node.get_fully_qualified_name(), _NODE
        )
        # Parameters of any node come first, so that a section of a parameter file for the denoiser by name goes above
        # them. The settings come last, so that nothing else does.
        command = [
            sys.executable, "-m", "hume_system1.programs", "--ros-args",
            "-r", f"__ns:={node.get_namespace()}", *clock, "--enclave", _ENCLAVE, *inherited,
            *clock, *ros_arguments(settings.denoiser), *ros_arguments(settings.control),
        ]  # fmt: skip
        super().__init__(command, settings.control.denoiser_timeout, settings.startup_timeout, on_change)


def await_ready(node: Node, denoiser: DenoiserProcess, timeout: float) -> None:
    """Wait until the denoiser says that it is ready.

    Args:
        node: listens.
        denoiser: has been started.
        timeout: s.

    Raises:
        CheckpointError: it cannot load its checkpoint.
        HumeError: it has ended, or is not ready in time.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found, beat = wait_for_message(
            Heartbeat, node, "hume/system1/heartbeat", qos_profile=qos.STATUS, time_to_wait=0.5
        )
        if found and beat is not None and beat.ready:
            return
        if found and beat is not None and "Error: " in beat.detail:
            raise CheckpointError(f"the denoiser could not start: {beat.detail}")
        if not denoiser.running:
            raise HumeError(f"the denoiser {denoiser.exit_text()} while starting. Its message is above")
    raise HumeError(f"the denoiser was not ready within {timeout} s")
