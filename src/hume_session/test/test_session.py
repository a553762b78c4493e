"""The closed loop on a clock that is given: what is commanded, and when."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from hume_core.errors import ConfigError, ObservationError
from hume_session import Latencies
from hume_session.schedule import NS, Rank, Schedule

MS = NS // 1000


def test_an_instruction_moves_the_arm_to_the_rows_of_the_chunk(make_rig: Any) -> None:
    rig = make_rig()
    rig.begin()
    rig.play(0.5)
    assert not rig.engine.thoughts
    assert rig.session.why_idle() == "no instruction"
    assert set(rig.notes.modes[2:]) == {"idle"}
    np.testing.assert_array_equal(rig.arm, [0.0, 0.0])
    rig.session.assign("go")
    rig.play(2.5)
    np.testing.assert_allclose(rig.arm, rig.TARGET, atol=1e-4)
    assert rig.notes.modes[-1] == "running"
    assert rig.session.why_idle() == ""
    assert rig.notes.epochs == [(500 * MS, 1, "instruction: go")]
    assert rig.engine.thoughts[0][1].task == ["go"]
    chunk = rig.notes.thoughts[0][2]
    assert chunk is not None
    assert (chunk.epoch, chunk.seq, chunk.instruction, chunk.model_id) == (1, 1, "go", "fake")
    rig.assert_smooth()


def test_thoughts_and_segments_keep_their_rates_and_numbers(make_rig: Any) -> None:
    rig = make_rig().started(2.02)
    assert [start for start, _ in rig.engine.thoughts] == [k * 200 * MS for k in range(11)]
    assert [start for start, _ in rig.engine.segments] == [k * 50 * MS for k in range(2, 41)]
    assert [segment.seq for _, _, segment in rig.notes.segments] == list(range(1, len(rig.notes.segments) + 1))


@pytest.mark.parametrize(("latency", "used"), [(0.15, 150), (0.150000001, 200), (0.0, 0)])
def test_a_chunk_is_used_when_its_latency_is_over(make_rig: Any, latency: float, used: int) -> None:
    """The denoiser looks every 50 ms. What is over at the same instant counts."""
    rig = make_rig(think=latency).started(0.6)
    start, end, chunk = rig.notes.thoughts[0]
    assert (start, end) == (0, round(latency * NS))
    assert chunk is not None
    assert chunk.stamp == pytest.approx(rig.BEGIN / NS, abs=1e-6)
    assert chunk.think_duration == pytest.approx(latency)
    first, request = rig.engine.segments[0]
    # With no latency at all the instruction comes after the first look.
    assert first == used * MS or (latency == 0.0 and first == 50 * MS)
    assert request.chunk.seq == 1
    # Nothing was in use, so it starts with its first row, whatever the thought took.
    assert request.progress == 0.0
    (one, *_), (other, *_) = rig.engine.segments[0], rig.engine.segments[1]
    assert rig.engine.segments[1][1].progress * rig.HORIZON == pytest.approx((other - one) / NS, abs=1e-6)


@pytest.mark.parametrize(("latency", "first"), [(0.04, 190), (0.040000001, 195), (0.045, 195)])
def test_the_core_follows_a_segment_from_the_tick_at_which_its_latency_is_over(
    make_rig: Any, latency: float, first: int
) -> None:
    rig = make_rig(think=0.15, denoise=latency).started(0.6)
    start, end, segment = rig.notes.segments[0]
    assert (start, end) == (150 * MS, 150 * MS + round(latency * NS))
    assert segment.denoise_duration == pytest.approx(latency)
    assert rig.notes.mode_at((first - 5) * MS) == "idle"
    assert rig.notes.mode_at(first * MS) == "running"


def test_latencies_may_change_over_time() -> None:
    latencies = Latencies((100, 200), (5, 7), "recorded")
    assert [latencies.at(time) for time in (0, 100, 199, 200, 900)] == [5, 5, 5, 7, 7]
    with pytest.raises(ConfigError, match=r"latency -0\.1 s is not valid"):
        Latencies.constant(-0.1)


def test_an_answer_that_is_not_there_is_waited_for_and_changes_nothing(make_rig: Any, make_engine: Any) -> None:
    at_once = make_rig().started(1.5)
    late = make_rig(engine=make_engine(at_once=False)).started(1.5)
    assert at_once.waited == 0
    assert late.waited > 10
    assert late.notes.stream == at_once.notes.stream


def test_a_thought_is_asked_for_when_its_latency_is_over_and_not_before(make_rig: Any, make_engine: Any) -> None:
    rig = make_rig(engine=make_engine(at_once=False))
    rig.started()
    assert list(rig.session.command_until(rig.BEGIN + 100 * MS)) == []
    waits = rig.session.command_until(rig.BEGIN + 100 * MS + 1)
    future = next(waits)
    assert not future.done()
    assert rig.session.schedule.elapsed == 100 * MS
    rig.engine.answer_all()
    assert list(waits) == []


def test_the_core_asks_for_a_segment_at_the_first_tick_after_it(make_rig: Any, make_engine: Any) -> None:
    rig = make_rig(denoise=0.022, engine=make_engine(at_once=False))
    rig.started()
    rig.answer(rig.session.command_until(rig.BEGIN + 101 * MS))
    # Thinking and denoising go on without the segment. Only the core needs it.
    assert list(rig.session.advance(rig.BEGIN + 130 * MS)) == []
    assert list(rig.session.commands.advance(rig.BEGIN + 125 * MS)) == []
    waits = rig.session.commands.advance(rig.BEGIN + 125 * MS + 1)
    next(waits)
    rig.engine.answer_all()
    assert list(waits) == []
    assert rig.notes.mode_at(125 * MS) == "running"


def test_a_thought_that_cannot_be_had_is_reported_and_tried_again(make_rig: Any, make_engine: Any) -> None:
    class Refusing(make_engine):  # type: ignore[misc]
        def think(self, observation: Any, in_progress: Any = None) -> Future[Any]:
            if not self.thoughts:
                self.thoughts.append((self.now(), observation))
                future: Future[Any] = Future()
                future.set_exception(ObservationError("no good"))
                return future
            return super().think(observation, in_progress)

    rig = make_rig(engine=Refusing()).started(1.0)
    assert (100 * MS, "thinking", "no good") in rig.notes.events
    assert len(rig.engine.thoughts) > 2
    assert rig.notes.modes[-1] == "running"


def test_what_happens_at_the_same_instant_has_an_order() -> None:
    schedule, done = Schedule(), list[str]()
    schedule.begin(5)
    for name, rank in (("report", Rank.REPORT), ("start", Rank.START), ("second", Rank.START), ("end", Rank.FINISH)):
        schedule.at(10, rank, lambda name=name: done.append(name))  # type: ignore[misc]
    schedule.at(9, Rank.REPORT, lambda: done.append("before"))
    # What comes from outside at 10 comes first: nothing of that time is done yet.
    assert list(schedule.advance(10)) == []
    assert done == ["before"]
    assert (schedule.now, schedule.elapsed) == (10, 5)
    list(schedule.advance(11))
    assert done == ["before", "end", "start", "second", "report"]


def test_a_message_is_seen_by_what_is_due_at_the_same_instant(make_rig: Any) -> None:
    rig = make_rig().started(0.2)
    # `play` has handed over a joint state of 200 ms. The next thought is due then.
    rig.play(0.005)
    start, observation = rig.engine.thoughts[1]
    assert start == 200 * MS
    chunk = rig.engine.segments[-1][1].chunk
    assert observation.state.shape == (1, 1, 2)
    rig.play(0.2)
    assert rig.notes.thoughts[1][2] is not None
    assert rig.notes.thoughts[1][2].stamp == pytest.approx(rig.BEGIN / NS + 0.2, abs=1e-6)
    assert chunk.seq == 1


def test_an_emergency_stop_stops_the_arm_and_the_others_hear_of_it(make_rig: Any) -> None:
    rig = make_rig().started(0.6)
    assert np.abs(rig.session.commands.command.velocity).max() > 0.1
    rig.session.estop()
    rig.play(1.0)
    stopped = rig.notes.times.index(600 * MS)
    assert set(rig.notes.modes[stopped:]) == {"estop"}
    np.testing.assert_array_equal(rig.session.commands.command.velocity, [0.0, 0.0])
    time, epoch, reason = rig.notes.epochs[-1]
    assert epoch == 2
    assert 600 * MS <= time <= 655 * MS
    assert reason.startswith("System 1: estop")
    # System 2 thinks on, in the new epoch.
    chunk = rig.notes.thoughts[-1][2]
    assert chunk is not None
    assert chunk.epoch == 2
    rig.assert_smooth()


def test_at_rest_the_arm_stops_and_nothing_is_thought(make_rig: Any) -> None:
    rig = make_rig().started(0.6)
    rig.session.rest("enough")
    thoughts, segments = len(rig.engine.thoughts), len(rig.engine.segments)
    rig.play(1.0)
    assert rig.notes.modes[rig.notes.times.index(600 * MS)] == "hold"
    assert rig.notes.modes[-1] == "idle"
    np.testing.assert_array_equal(rig.session.commands.command.velocity, [0.0, 0.0])
    assert rig.notes.epochs[-1] == (600 * MS, 2, "enough")
    assert (len(rig.engine.thoughts), len(rig.engine.segments)) == (thoughts, segments)
    # The current thought is dropped.
    assert rig.notes.thoughts[-1][2] is None
    rig.session.assign("go")
    rig.play(2.0)
    np.testing.assert_allclose(rig.arm, rig.TARGET, atol=1e-3)
    rig.assert_smooth()


def test_a_session_needs_neither_ros_nor_a_network() -> None:
    program = "import sys, hume_session; assert not {'rclpy', 'hume_msgs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(("space", "sign"), [("joint_position", [1, -1]), ("joint_delta", [1, 1])])
def test_a_policy_that_counts_in_degrees_moves_the_arm_by_degrees(
    make_rig: Any, profile: Any, space: str, sign: Any
) -> None:
    degrees = np.array([12.0, -7.0])
    rig = make_rig(profile=profile.with_action(space, unit="deg", sign=sign, offset=[0.0, 0.0]))
    rig.engine.target = degrees
    rig.started(0.45 if space == "joint_delta" else 2.5)
    wanted = np.radians(degrees * sign)
    if space == "joint_position":
        np.testing.assert_allclose(rig.arm, wanted, atol=1e-4)
    else:
        # Every thought asks for as much again, from where the arm is by then.
        segment = rig.notes.segments[0][2]
        np.testing.assert_allclose(segment.positions[-1], wanted, atol=1e-9)
