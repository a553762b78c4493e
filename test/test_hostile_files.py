"""Whatever a file holds, reading it gives a result or one typed error, soon and in little memory.

A longer run by hand: `python test/test_hostile_files.py KIND SEED COUNT`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

READER = Path(__file__).with_name("support") / "hostile_files.py"
COUNTS = {"profile": 150, "bag": 120, "dataset": 250, "video": 120, "checkpoint": 60}
_GROWTH = 1024
"""Of memory while one file is read, MB."""


def results(kind: str, seed: int, count: int, folder: Path) -> list[dict[str, Any]]:
    """What came of every file. A process that ends early is started again behind the file it ended at."""
    found: list[dict[str, Any]] = []
    first = 0
    while first < count:
        command = [sys.executable, READER, kind, seed, count - first, folder / f"{kind}_{first}", first]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        found += [line for line in lines if "number" in line]
        begun = [line["begun"] for line in lines if "begun" in line]
        assert begun, done.stderr
        if done.returncode:
            ending = f"UNTYPED the process ended with {done.returncode}: {done.stderr[-500:]}"
            found.append({"number": begun[-1], "outcome": ending, "s": 0.0, "MB": 0})
        first = begun[-1] + 1
    return found


def wrong(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are neither read nor one typed error, or take too much memory."""
    return [result for result in found if result["outcome"].startswith("UNTYPED") or result["MB"] > _GROWTH]


@pytest.mark.parametrize("kind", COUNTS)
def test_a_mutated_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    found = results(kind, 7, COUNTS[kind], tmp_path)
    assert wrong(found) == []
    assert len(found) == COUNTS[kind]
    outcomes = Counter(result["outcome"] for result in found)
    assert len(outcomes) > 1, f"the mutations change nothing, or everything: {outcomes}"


def main(kind: str, seed: int, count: int) -> None:
    """Print what is wrong, and figures."""
    with TemporaryDirectory() as folder:
        found = results(kind, seed, count, Path(folder))
    for result in wrong(found):
        print(result)
    slowest = max(found, key=lambda result: float(result["s"]))
    largest = max(found, key=lambda result: float(result["MB"]))
    print(kind, len(found), dict(Counter(result["outcome"].split(":")[0][:40] for result in found)))
    print(f"slowest {slowest['s']} s (file {slowest['number']}), most memory {largest['MB']} MB ({largest['number']})")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
