"""What a process has in memory, by cause, and how often its most urgent threads had to wait for a page."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")
_MINOR_FAULTS, _MAJOR_FAULTS = 7, 9
"""Places in /proc/PID/stat after the name, from 0 (proc(5))."""

_FILES, _SHARED, _OWN = "programs and libraries", "shared memory of the middleware", "heap, stacks and buffers"


def resident_figures(pid: int) -> dict[str, Any]:
    """What is resident of a process now.

    Returns:
        `resident_mb`, and `resident_by_cause_mb` with the parts that make it up.
    """
    causes = dict.fromkeys((_FILES, _SHARED, _OWN), 0.0)
    for name, megabytes in _mappings(Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace")):
        causes[_cause(name)] += megabytes
    return {"resident_mb": sum(causes.values()), "resident_by_cause_mb": causes}


def _cause(name: str) -> str:
    if name.startswith("/dev/shm/"):
        return _SHARED
    return _FILES if name.startswith("/") else _OWN


def _mappings(smaps: str) -> Iterator[tuple[str, float]]:
    """Name of each mapping, and how much of it is resident, MB."""
    name = ""
    for line in smaps.splitlines():
        begins = _MAPPING.fullmatch(line)
        if begins:
            name = begins[1]
        elif line.startswith("Rss:"):
            yield name, int(line.split()[1]) / 1024.0


def urgent_page_faults(pid: int) -> int | None:
    """Pages that threads with the highest SCHED_FIFO priority had to wait for so far. None where no thread has it."""
    threads = [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    priorities = {thread: _priority(thread) for thread in threads}
    highest = max(priorities.values(), default=0)
    if highest == 0:
        return None
    return sum(_page_faults(pid, thread) for thread, priority in priorities.items() if priority == highest)


def _priority(thread: int) -> int:
    try:
        return os.sched_getparam(thread).sched_priority
    except ProcessLookupError:
        return 0


def _page_faults(pid: int, thread: int) -> int:
    fields = Path(f"/proc/{pid}/task/{thread}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[_MINOR_FAULTS]) + int(fields[_MAJOR_FAULTS])
