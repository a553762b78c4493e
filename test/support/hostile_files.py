"""Reads mutated files of one kind in a process with little memory to spare, as `test_hostile_files.py` asks for.

    python hostile_files.py KIND SEED COUNT FOLDER

Prints a JSON line per file: number, result ("read", a typed error, or "UNTYPED ..."), time, and growth of memory.
A file that takes longer than the limit ends the process, which tells its number first.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

from hostile_kinds import KINDS, Kind

from hume_core.errors import HumeError

TIME_LIMIT = 10  # s of computing: a busy machine must not count
LONGEST = 120  # s, for one that waits for something
MEMORY_LIMIT = 1 << 30  # bytes, beyond what the process has once everything is imported


def outcome(kind: Kind) -> str:
    """What came of reading."""
    try:
        kind.read()
    except HumeError as error:
        length = len(str(error))
        return type(error).__name__ if 0 < length < 5000 else f"UNTYPED a text of {length} characters"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-3:]
        return f"UNTYPED {type(error).__name__}: {str(error)[:200]} at {[(f.filename[-40:], f.lineno) for f in where]}"
    return "read"


def main(name: str, seed: int, count: int, folder: Path, first: int = 0) -> None:
    """Mutate and read `count` files."""
    kind = KINDS[name](folder)
    kind.spoil(random.Random(0))
    outcome(kind)
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(first, first + count):
        kind.spoil(random.Random(f"{name} {seed} {number}"))
        print(json.dumps({"begun": number}), flush=True)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        signal.setitimer(signal.ITIMER_PROF, TIME_LIMIT)
        signal.alarm(LONGEST)
        found = outcome(kind)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        result = {"number": number, "outcome": found, "s": round(time.monotonic() - began, 3), "MB": round(grown)}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), *map(int, sys.argv[5:6]))
