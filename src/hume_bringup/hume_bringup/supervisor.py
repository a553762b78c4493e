"""Starts a set of nodes without launch_ros, and stops them all within two seconds.

Nodes that play the robot end after System 1. If the supervisor itself is killed, the kernel signals the children:
`tied`.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Sequence, Set
from contextlib import suppress
from types import TracebackType

from hume_bringup.environment import default_environment
from hume_bringup.node_spec import REFUSED, NodeSpec, OnExit
from hume_bringup.programs import command
from hume_bringup.shared_memory import remove_orphaned_segments
from hume_bringup.signals import interrupt_on_signals, signals_to
from hume_core.console import say
from hume_core.parent_death import tied
from hume_core.process_environment import prepare_environment

RESPAWN_DELAY = 2.0
"""Pause before a process is started again, s."""

_REST_SECONDS = 1.4
_LAST_SECONDS = 0.6
_POLL_SECONDS = 0.02
_WAIT_SECONDS = 0.1


class Supervisor:
    """Runs nodes as child processes. Use it as a context manager, from a thread that lives as long as they do.

    Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches it once, from here.

    Args:
        specs: what to run.
        environment: variables on top of the present ones and the defaults.

    Raises:
        ConfigError: a program is not installed, or the process may do too little here. Nothing was started.
    """

    def __init__(self, specs: Sequence[NodeSpec], environment: dict[str, str] | None = None) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._commands = {spec.name: command(spec) for spec in specs}
        prepare_environment()
        self._environment = {**os.environ, **default_environment(), **(environment or {})}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Supervisor:
        try:
            for name in self._specs:
                self._start(name)
        except BaseException:
            self.stop()
            raise
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

    def wait(self) -> int:
        """Block until all have ended, or one without which nothing works. Returns an exit code.

        What is to be respawned is started again.
        """
        restart: dict[str, float] = {}
        while any(restart.get(name) != math.inf for name in self._specs):
            time.sleep(_WAIT_SECONDS)
            for name, code in self.ended().items():
                if name not in restart:
                    after = self._on_exit(name, code)
                    if after is OnExit.STOP:
                        return abs(code)
                    restart[name] = time.monotonic() + RESPAWN_DELAY if after is OnExit.RESPAWN else math.inf
                elif time.monotonic() >= restart[name]:
                    del restart[name]
                    remove_orphaned_segments()
                    self._start(name)
        return max((abs(code) for code in self.ended().values()), default=0)

    def stop(self) -> None:
        """End every node, those that play the robot last, then kill what is left. Takes two seconds at most."""
        last = {name for name, spec in self._specs.items() if spec.stops_last}
        # A second Ctrl-C during clean-up must not leave anything behind.
        with signals_to(signal.SIG_IGN):
            self._end(self._children.keys() - last, _REST_SECONDS)
            self._end(self._children.keys() & last, _LAST_SECONDS)
            for child in self._children.values():
                # The whole group: a leader that has ended may have left others behind.
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            remove_orphaned_segments()

    def _start(self, name: str) -> None:
        variables = {**self._environment, **self._specs[name].environment}
        came: list[int] = []
        # An exception between the start of a process and its entry here would leave it behind.
        with signals_to(lambda number, frame: came.append(number)):
            self._children[name] = subprocess.Popen(tied(self._commands[name]), env=variables, start_new_session=True)
        for number in came[:1]:
            signal.raise_signal(number)

    def _on_exit(self, name: str, code: int) -> OnExit:
        """What follows from the end of a process, said in one line."""
        after = self._specs[name].on_exit
        if after is not OnExit.IGNORE and code == REFUSED:
            say(f"{name} could not start, its message is above. Stopping")
            return OnExit.STOP
        what = {OnExit.STOP: "Stopping", OnExit.RESPAWN: "Starting it again", OnExit.IGNORE: "The others go on"}[after]
        say(f"{name} ended with exit code {code}. {what}")
        return after

    def _end(self, names: Set[str], seconds: float) -> None:
        """Ask some nodes to end, and give them a time."""
        for name in names:
            child = self._children[name]
            if child.poll() is None:
                # Python prints a traceback for a SIGINT that comes while a program is still being imported.
                number = signal.SIGTERM if self._specs[name].is_ours else signal.SIGINT
                for each in (signal.SIGCONT, number):
                    os.kill(child.pid, each)
        deadline = time.monotonic() + seconds
        while not names <= self.ended().keys() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def run_until_interrupted(specs: Sequence[NodeSpec]) -> int:
    """Run nodes until Ctrl-C, SIGTERM, SIGHUP, or until `Supervisor.wait` returns. Returns an exit code."""
    interrupt_on_signals()
    try:
        with Supervisor(specs) as supervisor:
            return supervisor.wait()
    except KeyboardInterrupt:
        return 0
