"""The watch that tells a machine that stood still from a test that fails."""

from __future__ import annotations

import os
import signal
import time

from standstill import StandstillWatch


def _may_watch() -> bool:
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, *before)
    return True


def test_a_processor_that_stands_still_is_seen_by_its_length_and_its_time() -> None:
    watch = StandstillWatch()
    try:
        time.sleep(1.0)
        begun = time.monotonic()
        # For the watch it is the same whether its machine stops or it alone.
        os.kill(watch._process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(watch._process.pid, signal.SIGCONT)
        time.sleep(0.5)
        assert watch.longest(begun) >= 0.45 if _may_watch() else watch.longest(begun) == 0.0
        assert watch.longest(time.monotonic()) == 0.0
    finally:
        watch.close()
