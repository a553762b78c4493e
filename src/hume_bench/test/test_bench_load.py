"""`hume bench load`: what is beside the stack, and what is reported of each load."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from hume_msgs.msg import System1Status

from hume_bench import load
from hume_bench.demo.client import DemoEpisode
from hume_bench.demo.measurements import Measurements

EPISODE = DemoEpisode(0, "lift the red cube", True, "success", 4.0, 4.0, 50.0, 0.5)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_busy_processes_compute_and_end_with_the_block(count: int) -> None:
    with load.busy_processes(count) as pids:
        processes = [psutil.Process(pid) for pid in pids]
        assert len(processes) == count
        deadline = time.monotonic() + 60.0
        while any(process.cpu_times().user < 0.05 for process in processes):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert all(process.nice() == psutil.Process().nice() for process in processes)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_every_load_runs_the_same_episodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    played: list[tuple[Any, int]] = []
    busy: list[int] = []

    class Beside:
        def __init__(self, count: int) -> None:
            busy.append(count)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    def play(options: Any, _: object) -> tuple[list[DemoEpisode], Measurements]:
        played.append(options)
        return [EPISODE] * options.episodes, Measurements(
            seconds=10.0, segments=500, holds=Counter({"late": len(played)})
        )

    monkeypatch.setattr(load, "play", play)
    monkeypatch.setattr(load, "busy_processes", Beside)
    assert load.run_bench(tmp_path / "load.json", tmp_path / "load.svg", 3, 7) == 0
    assert busy == [0, 2, 4]
    assert [(options.episodes, options.seed) for options in played] == [(3, 7)] * 3
    runs = json.loads((tmp_path / "load.json").read_text())["runs"]
    assert list(runs) == ["quiet", "busy2", "busy4"]
    assert [run["holds"] for run in runs.values()] == [1, 2, 3]
    assert runs["busy4"]["system1_hz"] == 50.0
    assert runs["quiet"]["successes"] == runs["quiet"]["episodes"] == 3


def test_holds_count_from_motion_and_by_reason() -> None:
    measured = Measurements()
    hold, running = System1Status.HOLD, System1Status.RUNNING
    told = [
        (running, ""),
        (hold, "late"),
        (hold, "late"),
        (running, ""),
        (hold, "stale"),
        (running, ""),
        (hold, "late"),
    ]
    for mode, reason in told:
        measured.see(System1Status(mode=mode, reason=reason, observation_to_command=0.1), measuring=True)
    measured.see(System1Status(mode=running), measuring=False)
    measured.see(System1Status(mode=hold, reason="late"), measuring=False)
    assert measured.holds == {"late": 2, "stale": 1}
    assert len(measured.observation_to_command) == 3
