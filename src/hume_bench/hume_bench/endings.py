"""What is left of the arm's motion and of the processes when `hume up` ends, however it ends."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.progress import Progress

from hume_bench.watched_stack import ARGUMENTS, ROBOT, WatchedStack, guarded
from hume_core.errors import HumeError
from hume_core.robot import RobotProfile

LEFT_AFTER = 3.0
"""When no process of the stack may be left, s."""

_AT_REST = 1e-4  # rad in one message. In motion it is ten times that

ENDINGS = {
    "Ctrl-C": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "terminal closed": signal.SIGHUP,
    "killed": signal.SIGKILL,
    "crashed": signal.SIGSEGV,
}


def measure_endings(progress: Progress) -> dict[str, Any]:
    """What is left of arm and processes after each end of the parent."""
    bar = progress.add_task("endings", total=len(ENDINGS) + 1)
    rows = {}
    for name, number, moving in (
        *((n, s, True) for n, s in ENDINGS.items()),
        ("Ctrl-C at start", signal.SIGINT, False),
    ):
        progress.update(bar, description=name)
        rows[name] = guarded(lambda number=number, moving=moving: measure_ending(number, moving))  # type: ignore[misc]
        progress.advance(bar)
    return rows


def measure_ending(number: signal.Signals, moving: bool) -> dict[str, Any]:
    """End the parent of a stack by a signal.

    Args:
        number: the signal.
        moving: wait until the arm moves. Else end it while the nodes start.

    Returns:
        Time of the last motion and of the last process, ms, the last step of the stream, rad.

    Raises:
        HumeError: a process was left, the stream was cut off in motion, or there was a traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = [f"robot:={ROBOT}", *ARGUMENTS]
        with WatchedStack(arguments, RobotProfile.load(ROBOT), "", Path(folder) / "log") as stack:
            if moving:
                stack.wait_for_motion()
            else:
                stack.wait(lambda: len(stack.processes()) > 2, 60.0, "the first nodes")
            stack.commands.clear()
            caused = time.monotonic()
            stack.send(number)
            while stack.processes() and time.monotonic() < caused + LEFT_AFTER:
                stack.spin_once()
                stack.collect()
            ended = time.monotonic() - caused
            left = [process.name() for process in stack.processes()]
            stack.spin(0.1)
            figures = {"standstill_ms": 1e3 * stack.last_motion(caused), "ended_ms": 1e3 * ended}
            return _judged({**figures, "last_step_rad": stack.last_step()}, left, stack.output)


def _judged(figures: dict[str, Any], left: list[str], output: str) -> dict[str, Any]:
    if left:
        raise HumeError(f"{len(left)} processes are left after {LEFT_AFTER:.0f} s: {', '.join(left)}")
    if figures["last_step_rad"] > _AT_REST:
        raise HumeError(f"the stream was cut off in motion: its last step was {figures['last_step_rad']:.1e} rad")
    if "Traceback" in output:
        raise HumeError("there was a traceback")
    return figures
