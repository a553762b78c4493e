"""Starting, watching and stopping the denoiser process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from rclpy.node import Node

from hume_core.parent_death import tied
from hume_system1.child_arguments import inherited_arguments
from hume_system1.control.control_settings import ControlSettings
from hume_system1.denoiser_settings import DenoiserSettings, ros_arguments

_NODE = "hume_system1_denoiser"
_ENCLAVE = f"/hume/{_NODE}"
"""Of SROS2. Of no effect while security is off."""


class DenoiserProcess:
    """The denoiser as a child process. It ends when this process ends, however that happens.

    Args:
        node: gives name, namespace and clock settings.
        settings: handed on as parameters.
        control: of the control core, handed on too: both processes admit chunks by the same rules.
        arguments: command line whose remapping rules and log levels hold for the denoiser too. None: this process's.
    """

    def __init__(
        self,
        node: Node,
        settings: DenoiserSettings,
        control: ControlSettings,
        arguments: Sequence[str] | None = None,
    ) -> None:
        clock = ["-p", f"use_sim_time:={str(node.get_parameter('use_sim_time').value).lower()}"]
        inherited = inherited_arguments(
            sys.argv[1:] if arguments is None else arguments, node.get_fully_qualified_name(), _NODE
        )
        # Parameters of any node come first, so that a section of a parameter file for the denoiser by name goes above
        # them. The settings come last, so that nothing else does.
        self._command = [
            sys.executable, "-m", "hume_system1.programs", "--ros-args",
            "-r", f"__ns:={node.get_namespace()}", *clock, "--enclave", _ENCLAVE, *inherited,
            *clock, *ros_arguments(settings), *ros_arguments(control),
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it is running."""
        if not self.running:
            # Inference on spinning threads starves the command loop.
            environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
            self._child = subprocess.Popen(tied(self._command), env=environment)

    @property
    def running(self) -> bool:
        """The process is alive."""
        return self._child is not None and self._child.poll() is None

    def exit_text(self) -> str:
        """How the process ended. Empty while it runs or before it was started."""
        if self._child is None or self._child.poll() is None:
            return ""
        code = self._child.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def stop(self, timeout: float = 1.5) -> None:
        """End it: SIGTERM, then SIGKILL after `timeout` seconds."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.terminate()
            try:
                self._child.wait(timeout)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._child = None
