"""The command loop: deadlines, statistics, errors."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.realtime import (
    AbsoluteSleep,
    Scheduling,
    deadline_sleep,
    enter_realtime,
    raise_ordinary_threads,
)
from hume_system1.control import command_loop
from hume_system1.control.command_loop import CommandLoop, DeadlineGrid
from hume_system1.control.periods import PeriodStatistics, summarize_periods


@given(durations=st.lists(st.floats(0.0, 5.0), max_size=50))
def test_deadlines_stay_on_the_grid_and_none_is_in_the_past_by_a_period(durations: list[float]) -> None:
    grid = DeadlineGrid(10.0, 1.0)
    now = 10.0
    for ticks, duration in enumerate(durations, start=1):
        now = max(now, grid.deadline) + duration
        grid.advance(now)
        assert grid.deadline == 10.0 + ticks + grid.skipped
        assert grid.deadline > now - 1.0 - 1e-9


def test_an_overrun_is_counted_and_its_missed_deadlines_are_skipped() -> None:
    grid = DeadlineGrid(10.0, 1.0)
    grid.advance(10.4)
    assert (grid.deadline, grid.overruns, grid.skipped) == (11.0, 0, 0)
    grid.advance(12.5)
    assert (grid.deadline, grid.overruns, grid.skipped) == (12.0, 1, 0)
    grid.advance(16.2)
    assert (grid.deadline, grid.overruns, grid.skipped) == (16.0, 2, 3)


def test_loop_calls_with_the_steady_clock_until_stopped() -> None:
    times: list[float] = []
    enough = threading.Event()

    def tick(now: float) -> None:
        times.append(now)
        if len(times) == 20:
            enough.set()

    loop = CommandLoop(tick, 500.0, priority=0, lock_memory=False)
    before = time.monotonic()
    loop.start()
    with pytest.raises(RuntimeError, match="runs already"):
        loop.start()
    assert enough.wait(10.0)
    assert loop.stop(5.0)
    assert not loop.running
    assert times == sorted(times)
    assert before < times[0]
    assert times[-1] < time.monotonic()
    status = loop.status()
    assert status.ticks == len(times)
    assert status.periods.count == len(times) - 1
    assert status.scheduling.policy == "other"


def test_loop_goes_on_after_an_error_and_reports_the_first() -> None:
    calls: list[float] = []
    enough = threading.Event()
    reported: list[Exception] = []

    def tick(now: float) -> None:
        calls.append(now)
        if len(calls) >= 5:
            enough.set()
        raise ValueError(f"tick {len(calls)}")

    loop = CommandLoop(tick, 500.0, priority=0, lock_memory=False, on_error=reported.append)
    loop.start()
    assert enough.wait(10.0)
    loop.stop(5.0)
    status = loop.status()
    assert status.errors == status.ticks >= 5
    assert status.error == "ValueError: tick 1"
    assert len(reported) == 1


@pytest.mark.parametrize("held_up", [0, 1])
def test_a_thread_that_wakes_late_does_not_hold_up_the_ticks(held_up: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SCHED_FIFO, two threads wait for each deadline. Here one of them wakes half a second late."""
    threads: list[int] = []
    times: list[float] = []
    enough = threading.Event()

    def sleep(deadline: float) -> None:
        late = 0.5 if threads.index(threading.get_native_id()) == held_up else 0.0
        time.sleep(max(0.0, deadline + late - time.monotonic()))

    def granted(*_: object, **__: object) -> Scheduling:
        threads.append(threading.get_native_id())
        return Scheduling("fifo:60", False, "")

    def tick(now: float) -> None:
        times.append(now)
        if len(times) == 30:
            enough.set()

    monkeypatch.setattr(command_loop, "enter_realtime", granted)
    monkeypatch.setattr(command_loop, "deadline_sleep", lambda: sleep)
    monkeypatch.setattr(command_loop, "last_cores", lambda _: [0, 1])
    monkeypatch.setattr(command_loop, "pin_thread", lambda _: None)
    loop = CommandLoop(tick, 20.0)
    loop.start()
    assert enough.wait(10.0)
    assert loop.stop(5.0)
    status = loop.status()
    assert len(threads) == 2
    assert status.ticks + status.skipped == pytest.approx((times[-1] - times[0]) * 20.0 + 1.0, abs=1.0)
    assert np.diff(times).min() > 0.0
    assert np.median(np.diff(times)) < 0.06


def test_loop_can_be_started_again() -> None:
    ticked = threading.Event()
    loop = CommandLoop(lambda _: ticked.set(), 200.0, priority=0, lock_memory=False)
    for _ in range(2):
        ticked.clear()
        loop.start()
        assert ticked.wait(10.0)
        assert loop.stop(5.0)


def test_statistics_keep_the_newest_periods() -> None:
    statistics = PeriodStatistics(0.01, window=4)
    for now in np.cumsum([0.0, 9.0, 9.0, 0.01, 0.012, 0.01, 0.025]):
        statistics.record(float(now))
    summary = statistics.summary()
    assert summary.count == 4
    assert summary.max == pytest.approx(15000.0)
    assert summary.p50 == pytest.approx(2000.0)
    assert summary.gaps_over_two_periods == 1
    assert summary.rate_hz == pytest.approx(4.0 / 0.057)
    statistics.request_reset()
    statistics.record(100.0)
    assert statistics.summary().count == 0


def test_summary_figures_have_the_names_of_the_report() -> None:
    figures = summarize_periods(np.array([0.01, 0.01, 0.03]), 0.01).figures("fifo:60")
    assert set(figures["period_error_us"]) == {"p50", "p99", "p999", "max"}
    assert figures["gaps_over_two_periods"] == 1
    assert figures["scheduler"] == "fifo:60"


@pytest.mark.parametrize("sleep", [AbsoluteSleep(), deadline_sleep()])
def test_sleep_ends_after_its_deadline(sleep: AbsoluteSleep) -> None:
    deadline = time.monotonic() + 0.02
    sleep(deadline)
    assert time.monotonic() >= deadline
    sleep(0.0)


def test_refused_scheduling_gives_one_warning_that_says_what_to_do() -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(enter_realtime(10**6, False, False)))
    thread.start()
    thread.join()
    assert results[0].policy == "other"
    assert "SCHED_FIFO" in results[0].warning
    assert "limits.conf" in results[0].warning
    assert "\n" not in results[0].warning


def test_only_threads_with_ordinary_scheduling_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: dict[int, tuple[int, int]] = {}
    here = threading.get_native_id()

    def policy_of(thread: int) -> int:
        return os.SCHED_FIFO if thread == here else os.SCHED_OTHER

    def note(thread: int, policy: int, parameters: os.sched_param) -> None:
        raised[thread] = (policy, parameters.sched_priority)

    monkeypatch.setattr(os, "sched_getscheduler", policy_of)
    monkeypatch.setattr(os, "sched_setscheduler", note)
    end = threading.Event()
    worker = threading.Thread(target=end.wait)
    worker.start()
    raise_ordinary_threads(55)
    end.set()
    worker.join()
    assert worker.native_id is not None
    assert raised[worker.native_id] == (os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, 55)
    assert here not in raised


def test_threads_that_end_meanwhile_or_may_not_be_raised_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not permitted")

    def gone(_: int) -> int:
        raise ProcessLookupError("no such thread")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    raise_ordinary_threads(55)
    monkeypatch.setattr(os, "sched_getscheduler", gone)
    raise_ordinary_threads(55)
