"""A child process whose end, stop or silence is noticed, and that can be started again."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from hume_core.parent_death import tied


class WatchedProcess:
    """A child process. It ends when this process ends, however that happens.

    Args:
        command: its command line.
        timeout: longest silence before `revive` starts it again, s.
        startup_timeout: the same before its first sign of life, s.
        on_change: called with how the process ended or was stopped, and with "" when it works again. From any thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        timeout: float,
        startup_timeout: float,
        on_change: Callable[[str], object] = lambda ended: None,
    ) -> None:
        self._command = tied(command)
        self._timeout, self._startup_timeout = timeout, startup_timeout
        self._on_change = on_change
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped_by, self._starting = "", False
        self._heard = self._started = -math.inf

    def start(self) -> None:
        """Start it, unless it is running."""
        if self.running:
            return
        # Inference on spinning threads starves the command loop.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        self._child = subprocess.Popen(self._command, env=environment)
        self._stopped_by, self._started = "", time.monotonic()
        self._starting = True
        threading.Thread(target=self._watch, args=(self._child,), name="child process", daemon=True).start()

    def heard(self, ready: bool = True) -> None:
        """It has just given a sign of life. Once started, it counts as working when it says that it is ready."""
        self._heard = time.monotonic()
        if ready and self._starting:
            self._starting = False
            self._on_change("")

    def revive(self) -> None:
        """Start it again if it has ended, was stopped, or hangs. Returns at once."""
        if self.running and (self._stopped_by or self._hangs(time.monotonic())):
            child, self._child = self._child, None
            assert child is not None
            child.kill()
            child.wait()
        self.start()

    def _hangs(self, now: float) -> bool:
        loading = self._heard < self._started
        return now - max(self._heard, self._started) > (self._startup_timeout if loading else self._timeout)

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
        child, self._child = self._child, None
        if child is None or child.poll() is not None:
            return
        child.send_signal(signal.SIGCONT)
        child.terminate()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """On a thread of its own: the kernel tells of an end or a stop at once, a missing heartbeat much later."""
        while (stopped_by := _next_change(child.pid)) is not None and self._child is child:
            self._stopped_by = stopped_by
            self._on_change(stopped_by and f"stopped by {stopped_by}")
        if self._child is child:
            child.wait()
            self._on_change(self.exit_text())


def _next_change(pid: int) -> str | None:
    """Wait until a child is stopped, goes on or ends: the signal that stopped it, "", or None.

    Its exit code is left for `subprocess`.
    """
    changes = os.WSTOPPED | os.WCONTINUED
    try:
        # Without WNOWAIT an end would be collected here too.
        seen = os.waitid(os.P_PID, pid, os.WEXITED | changes | os.WNOWAIT)
        if seen is None or seen.si_code not in (os.CLD_STOPPED, os.CLD_CONTINUED):
            return None
        os.waitid(os.P_PID, pid, changes | os.WNOHANG)
    except ChildProcessError:  # collected by `subprocess` meanwhile
        return None
    return signal.Signals(seen.si_status).name if seen.si_code == os.CLD_STOPPED else ""
