"""Sessions that are forked, left behind or late: nothing but the given times matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hume_session.schedule import NS

MS = NS // 1000


def test_a_fork_does_not_disturb_the_original(make_rig: Any, make_engine: Any) -> None:
    alone, watched = make_rig().started(0.4), make_rig().started(0.4)
    fork = watched.fork(make_engine(target=-watched.TARGET))
    for _ in range(10):
        fork.play(0.1)
        watched.play(0.1)
        alone.play(0.1)
    fork.play(1.5)
    assert watched.notes.stream == alone.notes.stream
    assert [chunk.seq for _, _, chunk in watched.notes.thoughts if chunk] == list(
        range(1, len(watched.notes.thoughts) + 1)
    )
    np.testing.assert_allclose(fork.arm, -fork.TARGET, atol=1e-3)
    assert fork.notes.stream[:100] != alone.notes.stream[:100]


def test_forks_of_one_moment_are_alike(make_rig: Any) -> None:
    rig = make_rig().started(0.4)
    first, second = rig.fork(), rig.fork()
    first.play(1.0)
    rig.play(0.3)
    second.play(1.0)
    assert second.notes.stream == first.notes.stream


@pytest.mark.parametrize("moment", [0.2, 0.3, 0.325, 0.5, 1.2])
def test_a_fork_goes_on_without_a_jump(make_rig: Any, make_engine: Any, moment: float) -> None:
    rig = make_rig().started(moment)
    fork = rig.fork(make_engine(target=-rig.TARGET))
    fork.play(2.0)
    assert fork.notes.times[0] == rig.notes.times[-1] + 5 * MS
    assert set(fork.notes.modes) <= {"running", "idle"}
    rig.assert_smooth(fork)
    assert not [event for event in fork.notes.events if event[1] == "chunk dropped"]
    assert fork.session.commands.core.state.reason.value == rig.session.commands.core.state.reason.value
    np.testing.assert_allclose(fork.arm, -rig.TARGET, atol=1e-3)


def test_a_fork_of_the_first_moment_starts_as_the_original_does(make_rig: Any) -> None:
    rig = make_rig().started()
    fork = rig.fork()
    fork.play(2.5)
    np.testing.assert_allclose(fork.arm, rig.TARGET, atol=1e-3)
    assert not rig.notes.times


def test_a_fork_numbers_chunks_above_one_that_the_core_has_yet_to_see(make_rig: Any) -> None:
    rig = make_rig().started(0.5)
    waiting = rig.notes.thoughts[-1][2]
    assert waiting is not None
    chunk = replace(waiting, seq=40)
    rig.session.offer(chunk)
    fork = rig.fork()
    fork.play(0.5)
    assert [made.seq for _, _, made in fork.notes.thoughts if made][:2] == [41, 42]
    assert not fork.session.commands.core.error


def drama(rig: Any, keep_up: bool) -> bytes:
    """Arrivals every millisecond or so, an outage, an emergency stop, a rest. The core kept up, or left behind."""
    rig.begin()
    for ms in range(1, 5000):
        rig.now = rig.BEGIN + ms * MS
        stage = rig.session.command_until if keep_up else rig.session.advance
        rig.answer(stage(rig.now))
        if ms == 100:
            rig.session.assign("go")
        elif ms == 2503:
            rig.session.estop()
        elif ms == 4207:
            rig.session.rest("enough")
        elif ms == 4309:
            rig.session.assign("go back")
        if ms % 7 == 0 and not 1000 < ms < 1400:
            rig.sense()
    rig.answer(rig.session.command_until(rig.BEGIN + 5 * NS))
    stream: bytes = rig.notes.stream
    return stream


@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_depends_on_how_far_the_core_is_left_behind(make_rig: Any, make_engine: Any, at_once: bool) -> None:
    rigs = [make_rig(follows=False, engine=make_engine(at_once=answers)) for answers in (True, at_once)]
    kept_up, left_behind = drama(rigs[0], True), drama(rigs[1], False)
    assert left_behind == kept_up
    assert {"running", "fault", "estop", "hold", "idle"} <= set(rigs[0].notes.modes)
    assert len(rigs[0].notes.times) == 999
    assert rigs[0].notes.epochs == rigs[1].notes.epochs
    assert [event[1] for event in rigs[0].notes.events].count("reset") == 2


def test_the_clock_on_the_wall_is_not_looked_at(make_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = make_rig().started(0.8).notes.stream

    def refuse() -> float:
        raise AssertionError("somebody looked at the clock")

    monkeypatch.setattr("time.monotonic", refuse)
    monkeypatch.setattr("time.time", refuse)
    assert make_rig().started(0.8).notes.stream == expected
