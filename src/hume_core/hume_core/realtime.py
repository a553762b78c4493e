"""What the operating system can do for a punctual thread: SCHED_FIFO, locked memory, absolute sleep.

For users other than root, `/etc/security/limits.conf` (then a new login):

    @realtime  -  rtprio   95
    @realtime  -  memlock  unlimited
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hume_core import memory_lock

_CLOCK_MONOTONIC = 1
_TIMER_ABSTIME = 1


@dataclass(frozen=True)
class Scheduling:
    """What was granted.

    Attributes:
        policy: "fifo:<priority>" or "other".
        memory_locked: whether mlockall succeeded.
        warning: one line for the log on what was refused and how to allow it, or "".
    """

    policy: str
    memory_locked: bool
    warning: str


def enter_realtime(priority: int = 60, lock_memory: bool = True, freeze_garbage: bool = True) -> Scheduling:
    """Make the calling thread punctual, as far as the system allows. Never raises.

    Args:
        priority: SCHED_FIFO priority, 1 to 99. 0 leaves the scheduler alone.
        lock_memory: keep what the process uses in memory, and the stack of the calling thread (`memory_lock`).
        freeze_garbage: collect once and keep what is alive now out of every later collection.
    """
    if freeze_garbage:
        gc.collect()
        gc.freeze()
    refused = []
    policy = "other"
    if priority > 0:
        problem = _set_policy(os.SCHED_FIFO, priority)
        if problem:
            refused.append(f"SCHED_FIFO {priority} refused ({problem})")
        else:
            policy = f"fifo:{priority}"
    locked = False
    if lock_memory:
        problem = memory_lock.lock_memory()
        locked = not problem
        memory_lock.prepare_thread()
        if problem:
            refused.append(f"mlockall refused ({problem})")
    warning = ""
    if refused:
        warning = (
            f"{'; '.join(refused)}: commands may come late. "
            "Allow 'rtprio 95' and 'memlock unlimited' for this user in /etc/security/limits.conf"
        )
    return Scheduling(policy, locked, warning)


def raise_ordinary_threads(priority: int, round_robin: bool = False) -> str:
    """Give SCHED_FIFO to every thread of this process that has ordinary scheduling, as far as the system allows.

    Among them are the middleware's. Publishing and taking a message wait for their mutexes, with the interpreter's lock
    held. While such a thread waits for a core that another process has, every Python thread stands still. (Priority
    inversion: Sha, Rajkumar and Lehoczky, Priority inheritance protocols, 1990.)

    Args:
        priority: 1 to 99. In the command process below the command loop, above threads that wait for the middleware.
        round_robin: SCHED_RR in place of SCHED_FIFO, for threads that compute for long.

    Returns:
        Why one was refused, or "".
    """
    policy = os.SCHED_RR if round_robin else os.SCHED_FIFO
    refused = ""
    for entry in Path("/proc/self/task").glob("*"):
        thread = int(entry.name)
        if _is_ordinary(thread):
            refused = _set_policy(policy, priority, thread) or refused
    return refused


def last_cores(count: int) -> list[int]:
    """The last cores the calling thread may use, `count` at most: the first ones serve the most interrupts."""
    return sorted(os.sched_getaffinity(0))[-count:] if hasattr(os, "sched_getaffinity") else []


def pin_thread(core: int) -> None:
    """Keep the calling thread, and threads it starts, on one core, if the system allows. Never raises."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {core})


def _is_ordinary(thread: int) -> bool:
    try:
        return os.sched_getscheduler(thread) == os.SCHED_OTHER
    except (OSError, AttributeError):  # it has ended
        return False


def _set_policy(policy: int, priority: int, thread: int = 0) -> str:
    try:
        # Child processes and threads start with ordinary scheduling: inference must never run at the loop's priority.
        os.sched_setscheduler(thread, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (OSError, AttributeError, ValueError) as error:
        return str(error)
    return ""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class AbsoluteSleep:
    """`clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME)`. One object per thread, nothing is allocated per call."""

    def __init__(self) -> None:
        self._timespec = _Timespec()
        self._pointer = ctypes.byref(self._timespec)
        self._call = ctypes.CDLL(None).clock_nanosleep

    def __call__(self, deadline: float) -> None:
        """Sleep until `deadline`, s on the steady clock. Returns at once when it has passed."""
        seconds = int(deadline)
        self._timespec.tv_sec = seconds
        self._timespec.tv_nsec = int((deadline - seconds) * 1e9)
        while self._call(_CLOCK_MONOTONIC, _TIMER_ABSTIME, self._pointer, None) != 0:
            if time.monotonic() >= deadline:
                return


class _IntervalSleep:
    """`time.sleep` to the deadline: since Python 3.11 that is an absolute clock_nanosleep inside."""

    def __call__(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining > 0.0:
            time.sleep(remaining)


class InterpreterLock:
    """How soon threads must pass on the interpreter's lock. Holds for the whole process.

    Python lets a thread keep it for 5 ms (`sys.getswitchinterval`) once another wants it.
    """

    _SHARED = 1e-4  # s
    _KEPT = 1e-3  # s

    def __init__(self) -> None:
        self._let_go = ctypes.CDLL(None).getppid

    def share(self) -> None:
        """From now on a thread that wants the lock has it soon."""
        sys.setswitchinterval(self._SHARED)

    def keep(self) -> None:
        """From now on it stays with the calling thread for 1 ms, or until that sleeps.

        A thread that waits for the lock already goes by the interval it began to wait with. Any call of a foreign
        function lets go of the lock for less than it takes to wake that thread. That makes it begin to wait again.
        """
        sys.setswitchinterval(self._KEPT)
        self._let_go()


def deadline_sleep() -> AbsoluteSleep | _IntervalSleep:
    """The most punctual way to sleep until an absolute steady time on this Python."""
    return _IntervalSleep() if sys.version_info >= (3, 11) else AbsoluteSleep()
