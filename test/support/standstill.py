"""Times at which the machine itself stood still, as a shared virtual machine does while its host runs others.

A thread of the highest priority on each processor sleeps for 10 ms, again and again. No program of ours can delay it:
where it wakes up far too late, the processor was taken away from the whole system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

LIMIT = 0.1  # s. The kernel may keep real-time threads waiting for 0.05 s when they use up their share of a second.
_STEP = 0.01  # s
_PRIORITY = 98


class StandstillWatch:
    """Knows when the machine stood still. Without the right to real-time scheduling it knows of nothing."""

    def __init__(self) -> None:
        self.standstills: list[tuple[float, float]] = []
        self._process = subprocess.Popen([sys.executable, "-u", __file__], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def longest(self, begin: float) -> float:
        """The longest standstill that ended after steady time `begin`, s. 0 without one."""
        return max((length for end, length in tuple(self.standstills) if end > begin), default=0.0)

    def close(self) -> None:
        """End the process that watches."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            end, length = map(float, line.split())
            self.standstills.append((end, length))


def _watch(processor: int) -> None:
    """Print the end, steady clock, and the length of each standstill of a processor, s."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    before = time.monotonic()
    while True:
        time.sleep(_STEP)
        now = time.monotonic()
        if now - before > LIMIT:
            os.write(1, f"{now} {now - before}\n".encode())  # in one piece, beside the other threads
        before = now


def _main() -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        return
    threads = [threading.Thread(target=_watch, args=(number,)) for number in os.sched_getaffinity(0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    _main()
