"""Starts a set of nodes without launch_ros, and stops them all within two seconds."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

from hume_bringup.environment import default_environment
from hume_bringup.node_spec import REFUSED, NodeSpec, OnExit
from hume_bringup.programs import command
from hume_bringup.signals import interrupt_on_signals, signals_to

RESPAWN_DELAY = 2.0
"""Pause before a process is started again, s."""

_INTERRUPT_SECONDS = 1.4
_POLL_SECONDS = 0.02
_WAIT_SECONDS = 0.1


class Supervisor:
    """Runs nodes as child processes; use it as a context manager.

    Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches it once, from here.

    Args:
        specs: what to run.
        environment: variables on top of the present ones and the defaults.

    Raises:
        ConfigError: a program is not installed; nothing was started.
    """

    def __init__(self, specs: Sequence[NodeSpec], environment: dict[str, str] | None = None) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._commands = {spec.name: command(spec) for spec in specs}
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
        """Block until all have ended, or one without which nothing works; returns an exit code.

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
                    self._start(name)
        return max((abs(code) for code in self.ended().values()), default=0)

    def stop(self) -> None:
        """Interrupt every node, then kill what is left; takes two seconds at most."""
        # A second Ctrl-C during clean-up must not leave anything behind.
        with signals_to(signal.SIG_IGN):
            self._stop()

    def _start(self, name: str) -> None:
        environment = {**self._environment, **self._specs[name].environment}
        came: list[int] = []
        # An exception between the start of a process and its entry here would leave it behind.
        with signals_to(lambda number, frame: came.append(number)):
            self._children[name] = subprocess.Popen(self._commands[name], env=environment, start_new_session=True)
        for number in came[:1]:
            signal.raise_signal(number)

    def _on_exit(self, name: str, code: int) -> OnExit:
        """What follows from the end of a process, said in one line."""
        after = self._specs[name].on_exit
        if after is not OnExit.IGNORE and code == REFUSED:
            print(f"hume: {name} could not start, its message is above; stopping", file=sys.stderr, flush=True)
            return OnExit.STOP
        what = {OnExit.STOP: "stopping", OnExit.RESPAWN: "starting it again", OnExit.IGNORE: "the others go on"}[after]
        print(f"hume: {name} ended with exit code {code}; {what}", file=sys.stderr, flush=True)
        return after

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


def run_until_interrupted(specs: Sequence[NodeSpec]) -> int:
    """Run nodes until Ctrl-C, SIGTERM, or until `Supervisor.wait` returns; returns an exit code."""
    interrupt_on_signals()
    try:
        with Supervisor(specs) as supervisor:
            return supervisor.wait()
    except KeyboardInterrupt:
        return 0
