"""What a process has in memory: the parts make up the whole, and each is of its kind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hume_bench.process_memory import resident_figures, urgent_page_faults


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process that waits."""
    program = "print('ready', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_parts_are_all_that_the_kernel_counts(child: subprocess.Popen[str]) -> None:
    figures = resident_figures(child.pid)
    rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    counted = next(int(line.split()[1]) for line in rollup if line.startswith("Rss:"))
    assert figures["resident_mb"] == pytest.approx(counted / 1024.0)
    assert figures["resident_mb"] == pytest.approx(sum(figures["resident_by_cause_mb"].values()))


@pytest.mark.parametrize("priority", [1, 7])
def test_faults_are_those_of_the_most_urgent_threads(child: subprocess.Popen[str], priority: int) -> None:
    assert urgent_page_faults(child.pid) is None
    try:
        os.sched_setscheduler(child.pid, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        return
    faults = urgent_page_faults(child.pid)
    assert faults is not None
    assert faults > 0
