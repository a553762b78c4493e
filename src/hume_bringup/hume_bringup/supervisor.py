"""Starts a set of nodes without launch_ros, and stops them all within two seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from hume_bringup.description import NodeSpec
from hume_bringup.environment import default_environment
from hume_core.errors import ConfigError

_INTERRUPT_SECONDS = 1.4
_POLL_SECONDS = 0.02


def find_executable(package: str, executable: str) -> str:
    """Path of an installed node.

    Raises:
        ConfigError: it is not installed in any sourced workspace.
    """
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix) / "lib" / package / executable
        if prefix and path.is_file():
            return str(path)
    raise ConfigError(f"{package}/{executable} is not installed; build the workspace and source install/setup.bash")


class Supervisor:
    """Runs nodes as child processes; use it as a context manager.

    Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches it once, from here.

    Args:
        specs: what to run.
        environment: variables on top of the present ones and the defaults.
    """

    def __init__(self, specs: Sequence[NodeSpec], environment: dict[str, str] | None = None) -> None:
        self._commands = {
            spec.name: [sys.executable, find_executable(spec.package, spec.executable), *spec.ros_arguments()]
            for spec in specs
        }
        self._environment = {**os.environ, **default_environment(), **(environment or {})}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Supervisor:
        for name, command in self._commands.items():
            self._children[name] = subprocess.Popen(command, env=self._environment, start_new_session=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def pid(self, name: str) -> int:
        """Process id of a node."""
        return self._children[name].pid

    def ended(self) -> dict[str, int]:
        """Exit codes of the nodes that are gone, by name."""
        codes = {name: child.poll() for name, child in self._children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def wait(self) -> dict[str, int]:
        """Block until every node is gone, saying which ended; returns their exit codes."""
        told: set[str] = set()
        while len(self.ended()) < len(self._children):
            for name, code in self.ended().items():
                if name not in told:
                    print(f"hume: {name} ended with exit code {code}; the others go on", file=sys.stderr)
                    told.add(name)
            time.sleep(0.1)
        return self.ended()

    def stop(self) -> None:
        """Interrupt every node, then kill what is left; takes two seconds at most."""
        if threading.current_thread() is threading.main_thread():
            # A second Ctrl-C during clean-up must not leave anything behind.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                self._stop()
            finally:
                signal.signal(signal.SIGINT, before)
        else:
            self._stop()

    def _stop(self) -> None:
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGINT)
        deadline = time.monotonic() + _INTERRUPT_SECONDS
        while len(self.ended()) < len(self._children) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._signal(signal.SIGKILL)
        for child in self._children.values():
            child.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Only leaders that still live are signalled for a stop; a kill goes to the whole group."""
        for child in self._children.values():
            try:
                if number is signal.SIGKILL:
                    os.killpg(child.pid, number)
                elif child.poll() is None:
                    os.kill(child.pid, number)
            except ProcessLookupError:
                continue


def interrupt_on_signals() -> None:
    """SIGINT and SIGTERM raise KeyboardInterrupt here; a shell starts background jobs with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def run_until_interrupted(specs: Sequence[NodeSpec]) -> int:
    """Run nodes until Ctrl-C, SIGTERM, or until all have ended; returns an exit code."""
    interrupt_on_signals()
    with Supervisor(specs) as supervisor:
        try:
            return max((abs(code) for code in supervisor.wait().values()), default=0)
        except KeyboardInterrupt:
            return 0
