"""The closed loop on a clock that is given: what is commanded, when, and that nothing but the given times matters.

An engine that is told what to answer, and an arm that is where it is commanded to be.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.errors import ConfigError, ObservationError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import JOINT_STATES
from hume_session import Latencies, LatencyModel, Listener, PolicyFacts, Session, SessionOptions
from hume_session.commanding import CommandStage
from hume_session.engine import answered
from hume_session.schedule import NS, Rank, Schedule, Waits
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.stream_check import stream_ratios
from hume_system1.denoiser import SegmentRequest
from hume_system2.cycle import Task
from hume_system2.thinker import ThoughtResult

BEGIN = 1_700_000_000 * NS
MS = NS // 1000
JOINTS = ("a", "b")
TARGET = np.array([0.3, -0.2])
ROWS, ROW_TIME = 10, 0.1


class Rows:
    """Stands for System 1: the chunk's own rows, which are joint positions already."""

    chunk_size, segment_size = ROWS, 4
    origin = "anchor"

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        start = int(stamp * self.chunk_size + 1e-9)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, :2].astype(np.float64)


@dataclass
class FakeEngine:
    """Answers with one target, at once or when it is told to.

    Attributes:
        target: where every chunk leads.
        at_once: whether answers are there when they are asked for.
        now: the session's time, ns since its start.
        thoughts, segments: when they were asked for, and what about.
        open: what is not answered yet.
    """

    target: NDArray[np.float64] = field(default_factory=TARGET.copy)
    at_once: bool = True
    now: Callable[[], int] = lambda: 0
    thoughts: list[tuple[int, Observation]] = field(default_factory=list)
    segments: list[tuple[int, SegmentRequest]] = field(default_factory=list)
    open: list[tuple[Future[Any], Any]] = field(default_factory=list)

    def think(self, observation: Observation) -> Future[ThoughtResult]:
        self.thoughts.append((self.now(), observation))
        chunk = np.tile(self.target, (ROWS, 1)).astype(np.float32)
        one = np.ones(1, np.float32)
        return self._answer(ThoughtResult(chunk, chunk[None], one, 0 * one, one, 0.0))

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        self.segments.append((self.now(), request))
        return self._answer(Rows().segment(request.observation, request.chunk.rows, request.stamp, request.moved))

    def answer_all(self) -> None:
        for future, value in self.open:
            future.set_result(value)
        self.open.clear()

    def _answer(self, value: Any) -> Future[Any]:
        if self.at_once:
            return answered(value)
        self.open.append((Future(), value))
        return self.open[-1][0]


class Notes(Listener):
    """Writes down everything; the commands as numbers, so that streams can be compared byte by byte."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.positions: list[NDArray[np.float64]] = []
        self.modes: list[str] = []
        self.stream = b""
        self.thoughts: list[tuple[int, int, Chunk | None]] = []
        self.segments: list[tuple[int, int, Segment]] = []
        self.epochs: list[tuple[int, int, str]] = []
        self.events: list[tuple[int, str, str]] = []

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        self.times.append(time)
        self.positions.append(command.position.copy())
        self.modes.append(command.mode.value)
        numbers = np.concatenate([[time, command.publish], command.position, command.velocity, command.acceleration])
        self.stream += numbers.tobytes() + str(core.state).encode()

    def thought(self, start: int, end: int, task: Task, result: ThoughtResult, chunk: Chunk | None) -> None:
        self.thoughts.append((start, end, chunk))

    def segment(self, start: int, end: int, segment: Segment) -> None:
        self.segments.append((start, end, segment))

    def epoch(self, time: int, epoch: int, reason: str) -> None:
        self.epochs.append((time, epoch, reason))

    def event(self, time: int, kind: str, text: str) -> None:
        self.events.append((time, kind, text))

    def mode_at(self, time: int) -> str:
        return self.modes[self.times.index(time)]


def run(waits: Waits, engine: FakeEngine) -> int:
    """Step to the end and answer what is waited for; how often something was."""
    count = 0
    for future in waits:
        assert not future.done()
        count += 1
        engine.answer_all()
        assert future.done()
    return count


def joint_state(time: int, position: NDArray[np.float64]) -> Any:
    """As `sensor_msgs/JointState`, at rest."""
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=time // NS, nanosec=time % NS)),
        name=JOINTS,
        position=position.tolist(),
        velocity=[0.0] * len(JOINTS),
        effort=[0.0] * len(JOINTS),
    )


class Rig:
    """A session and its arm.

    Args:
        profile: robot.
        think, denoise: latencies, s.
        engine: answers.
        follows: whether the arm does what it is told.
        commands: to go on with.
    """

    def __init__(
        self,
        profile: RobotProfile,
        think: float = 0.1,
        denoise: float = 0.02,
        engine: FakeEngine | None = None,
        follows: bool = True,
        commands: CommandStage | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.profile = profile
        self.notes, self.engine, self.follows = notes or Notes(), engine or FakeEngine(), follows
        latency = LatencyModel(Latencies.constant(think), Latencies.constant(denoise))
        facts = PolicyFacts((), 1, Rows(), "fake")
        options = SessionOptions(follows=follows)
        self.session = Session(profile, facts, self.engine, latency, options, self.notes, commands)
        self.engine.now = lambda: self.session.schedule.elapsed
        self.arm = np.zeros(2)
        self.now = BEGIN
        self.waited = 0

    def begin(self, now: int = BEGIN) -> None:
        self.now = now
        self.session.begin(now)
        self.sense()

    def sense(self) -> None:
        self.session.receive(JOINT_STATES, joint_state(self.now, self.arm))

    def play(self, seconds: float, step: int = 5 * MS, sensing: bool = True) -> None:
        """Follow the commands, and measure at 100 Hz."""
        end = self.now + round(seconds * NS)
        while self.now < end:
            self.now += step
            self.waited += run(self.session.command_until(self.now), self.engine)
            command = self.session.commands.command
            if self.follows and command.publish:
                self.arm = command.position.copy()
            if sensing and (self.now - BEGIN) % (10 * MS) == 0:
                self.sense()

    def fork(self, engine: FakeEngine | None = None) -> Rig:
        """A copy that goes its own way, in the present epoch."""
        notes = Notes()
        twin = Rig(self.profile, engine=engine, commands=self.session.commands.fork(notes), notes=notes)
        twin.arm = self.arm.copy()
        twin.begin(self.now)
        twin.session.resume("go")
        return twin


RigMaker = Callable[..., Rig]


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> RobotProfile:
    joint = {"position": [-3.0, 3.0], "velocity": 1.0, "acceleration": 4.0, "jerk": 80.0}
    data = {
        "name": "two",
        "joints": [{"name": name, **joint} for name in JOINTS],
        "cameras": {},
        "state": ["joint_positions"],
        "action": {"space": "joint_position", "dt": ROW_TIME},
        "controllers": {"arm": {"type": "forward_command", "topic": "x"}},
        "rates": {"stream": 200.0, "system1": 20.0, "system2": 5.0},
    }
    path = tmp_path_factory.mktemp("robots") / "robot.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return RobotProfile.load(path)


@pytest.fixture
def make_rig(profile: RobotProfile) -> RigMaker:
    """Build a rig: `make_rig(think=0.1, denoise=0.02, engine=None, follows=True)`."""
    return lambda **options: Rig(profile, **options)


def started(rig: Rig, seconds: float = 0.0) -> Rig:
    rig.begin()
    rig.session.assign("go")
    rig.play(seconds)
    return rig


def assert_smooth(rig: Rig, *others: Rig) -> None:
    """Limits hold, also from one stream to the next."""
    notes = [rig.notes, *(other.notes for other in others)]
    times = np.concatenate([np.array(note.times) for note in notes]) / NS
    positions = np.concatenate([np.array(note.positions) for note in notes])
    assert np.all(np.diff(times) > 0)
    # The streams begin when the core does.
    ratios = stream_ratios(times[2:], positions[2:], rig.session.commands.core.limits)
    assert ratios.worst <= 1.0 + 1e-6, ratios


def test_an_instruction_moves_the_arm_to_the_rows_of_the_chunk(make_rig: RigMaker) -> None:
    rig = make_rig()
    rig.begin()
    rig.play(0.5)
    assert not rig.engine.thoughts
    assert rig.session.why_idle() == "no instruction"
    assert set(rig.notes.modes[2:]) == {"idle"}
    np.testing.assert_array_equal(rig.arm, [0.0, 0.0])
    rig.session.assign("go")
    rig.play(2.5)
    np.testing.assert_allclose(rig.arm, TARGET, atol=1e-4)
    assert rig.notes.modes[-1] == "running"
    assert rig.session.why_idle() == ""
    assert rig.notes.epochs == [(500 * MS, 1, "instruction: go")]
    assert rig.engine.thoughts[0][1].task == ["go"]
    chunk = rig.notes.thoughts[0][2]
    assert chunk is not None
    assert (chunk.epoch, chunk.seq, chunk.instruction, chunk.model_id) == (1, 1, "go", "fake")
    assert_smooth(rig)


def test_thoughts_and_segments_keep_their_rates_and_numbers(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 2.02)
    assert [start for start, _ in rig.engine.thoughts] == [k * 200 * MS for k in range(11)]
    assert [start for start, _ in rig.engine.segments] == [k * 50 * MS for k in range(2, 41)]
    assert [segment.seq for _, _, segment in rig.notes.segments] == list(range(1, len(rig.notes.segments) + 1))


@pytest.mark.parametrize(("latency", "used"), [(0.15, 150), (0.150000001, 200), (0.0, 0)])
def test_a_chunk_is_used_when_its_latency_is_over(make_rig: RigMaker, latency: float, used: int) -> None:
    """The denoiser looks every 50 ms. What is over at the same instant counts."""
    rig = started(make_rig(think=latency), 0.6)
    start, end, chunk = rig.notes.thoughts[0]
    assert (start, end) == (0, round(latency * NS))
    assert chunk is not None
    assert chunk.stamp == pytest.approx(BEGIN / NS, abs=1e-6)
    assert chunk.think_duration == pytest.approx(latency)
    first, request = rig.engine.segments[0]
    # With no latency at all the instruction comes after the first look.
    assert first == used * MS or (latency == 0.0 and first == 50 * MS)
    assert request.chunk.seq == 1
    # The segment starts at the row in force now, whatever the thought took.
    assert request.stamp * ROWS * ROW_TIME == pytest.approx(first / NS, abs=1e-6)


@pytest.mark.parametrize(("latency", "first"), [(0.04, 190), (0.040000001, 195), (0.045, 195)])
def test_the_core_follows_a_segment_from_the_tick_at_which_its_latency_is_over(
    make_rig: RigMaker, latency: float, first: int
) -> None:
    rig = started(make_rig(think=0.15, denoise=latency), 0.6)
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


def test_an_answer_that_is_not_there_is_waited_for_and_changes_nothing(make_rig: RigMaker) -> None:
    at_once = started(make_rig(), 1.5)
    late = started(make_rig(engine=FakeEngine(at_once=False)), 1.5)
    assert at_once.waited == 0
    assert late.waited > 10
    assert late.notes.stream == at_once.notes.stream


def test_a_thought_is_asked_for_when_its_latency_is_over_and_not_before(make_rig: RigMaker) -> None:
    rig = make_rig(engine=FakeEngine(at_once=False))
    started(rig)
    assert list(rig.session.command_until(BEGIN + 100 * MS)) == []
    waits = rig.session.command_until(BEGIN + 100 * MS + 1)
    future = next(waits)
    assert not future.done()
    assert rig.session.schedule.elapsed == 100 * MS
    rig.engine.answer_all()
    assert list(waits) == []


def test_the_core_asks_for_a_segment_at_the_first_tick_after_it(make_rig: RigMaker) -> None:
    rig = make_rig(denoise=0.022, engine=FakeEngine(at_once=False))
    started(rig)
    run(rig.session.command_until(BEGIN + 101 * MS), rig.engine)
    # Thinking and denoising go on without the segment; only the core needs it.
    assert list(rig.session.advance(BEGIN + 130 * MS)) == []
    assert list(rig.session.commands.advance(BEGIN + 125 * MS)) == []
    waits = rig.session.commands.advance(BEGIN + 125 * MS + 1)
    next(waits)
    rig.engine.answer_all()
    assert list(waits) == []
    assert rig.notes.mode_at(125 * MS) == "running"


def test_a_thought_that_cannot_be_had_is_told_and_tried_again(make_rig: RigMaker) -> None:
    class Refusing(FakeEngine):
        def think(self, observation: Any) -> Future[Any]:
            if not self.thoughts:
                self.thoughts.append((self.now(), observation))
                future: Future[Any] = Future()
                future.set_exception(ObservationError("no good"))
                return future
            return super().think(observation)

    rig = started(make_rig(engine=Refusing()), 1.0)
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


def test_a_message_is_seen_by_what_is_due_at_the_same_instant(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 0.2)
    # `play` has handed over a joint state of 200 ms; the next thought is due then.
    rig.play(0.005)
    start, observation = rig.engine.thoughts[1]
    assert start == 200 * MS
    chunk = rig.engine.segments[-1][1].chunk
    assert observation.state.shape == (1, 1, 2)
    rig.play(0.2)
    assert rig.notes.thoughts[1][2] is not None
    assert rig.notes.thoughts[1][2].stamp == pytest.approx(BEGIN / NS + 0.2, abs=1e-6)
    assert chunk.seq == 1


def test_a_fork_does_not_disturb_the_original(make_rig: RigMaker) -> None:
    alone, watched = started(make_rig(), 0.4), started(make_rig(), 0.4)
    fork = watched.fork(FakeEngine(target=-TARGET))
    for _ in range(10):
        fork.play(0.1)
        watched.play(0.1)
        alone.play(0.1)
    fork.play(1.5)
    assert watched.notes.stream == alone.notes.stream
    assert [chunk.seq for _, _, chunk in watched.notes.thoughts if chunk] == list(
        range(1, len(watched.notes.thoughts) + 1)
    )
    np.testing.assert_allclose(fork.arm, -TARGET, atol=1e-3)
    assert fork.notes.stream[:100] != alone.notes.stream[:100]


def test_forks_of_one_moment_are_alike(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 0.4)
    first, second = rig.fork(), rig.fork()
    first.play(1.0)
    rig.play(0.3)
    second.play(1.0)
    assert second.notes.stream == first.notes.stream


@pytest.mark.parametrize("moment", [0.2, 0.3, 0.325, 0.5, 1.2])
def test_a_fork_goes_on_without_a_jump(make_rig: RigMaker, moment: float) -> None:
    rig = started(make_rig(), moment)
    fork = rig.fork(FakeEngine(target=-TARGET))
    fork.play(2.0)
    assert fork.notes.times[0] == rig.notes.times[-1] + 5 * MS
    assert set(fork.notes.modes) <= {"running", "idle"}
    assert_smooth(rig, fork)
    assert not [event for event in fork.notes.events if event[1] == "chunk dropped"]
    assert fork.session.commands.core.state.reason.value == rig.session.commands.core.state.reason.value
    np.testing.assert_allclose(fork.arm, -TARGET, atol=1e-3)


def test_a_fork_of_the_first_moment_starts_as_the_original_does(make_rig: RigMaker) -> None:
    rig = started(make_rig())
    fork = rig.fork()
    fork.play(2.5)
    np.testing.assert_allclose(fork.arm, TARGET, atol=1e-3)
    assert not rig.notes.times


def test_a_fork_numbers_chunks_above_one_that_the_core_has_yet_to_see(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 0.5)
    waiting = rig.notes.thoughts[-1][2]
    assert waiting is not None
    chunk = replace(waiting, seq=40)
    rig.session.offer(chunk)
    fork = rig.fork()
    fork.play(0.5)
    assert [made.seq for _, _, made in fork.notes.thoughts if made][:2] == [41, 42]
    assert not fork.session.commands.core.error


def test_an_emergency_stop_stops_the_arm_and_the_others_hear_of_it(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 0.6)
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
    assert_smooth(rig)


def test_at_rest_the_arm_stops_and_nothing_is_thought(make_rig: RigMaker) -> None:
    rig = started(make_rig(), 0.6)
    rig.session.rest("enough")
    thoughts, segments = len(rig.engine.thoughts), len(rig.engine.segments)
    rig.play(1.0)
    assert rig.notes.modes[rig.notes.times.index(600 * MS)] == "hold"
    assert rig.notes.modes[-1] == "idle"
    np.testing.assert_array_equal(rig.session.commands.command.velocity, [0.0, 0.0])
    assert rig.notes.epochs[-1] == (600 * MS, 2, "enough")
    assert (len(rig.engine.thoughts), len(rig.engine.segments)) == (thoughts, segments)
    # The thought at hand was for nothing.
    assert rig.notes.thoughts[-1][2] is None
    rig.session.assign("go")
    rig.play(2.0)
    np.testing.assert_allclose(rig.arm, TARGET, atol=1e-3)
    assert_smooth(rig)


def drama(rig: Rig, keep_up: bool) -> bytes:
    """Arrivals every millisecond or so, an outage, an emergency stop, a rest; the core kept up, or left behind."""
    rig.begin()
    for ms in range(1, 5000):
        rig.now = BEGIN + ms * MS
        stage = rig.session.command_until if keep_up else rig.session.advance
        run(stage(rig.now), rig.engine)
        if ms == 100:
            rig.session.assign("go")
        elif ms == 2503:
            rig.session.estop()
        elif ms == 4207:
            rig.session.rest("enough")
        elif ms == 4309:
            rig.session.assign("go back")
        if ms % 7 == 0 and not 1000 < ms < 1400:
            rig.session.receive(JOINT_STATES, joint_state(rig.now, rig.arm))
    run(rig.session.command_until(BEGIN + 5 * NS), rig.engine)
    return rig.notes.stream


@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_depends_on_how_far_the_core_is_left_behind(make_rig: RigMaker, at_once: bool) -> None:
    rigs = [make_rig(follows=False, engine=FakeEngine(at_once=answers)) for answers in (True, at_once)]
    kept_up, left_behind = drama(rigs[0], True), drama(rigs[1], False)
    assert left_behind == kept_up
    assert {"running", "fault", "estop", "hold", "idle"} <= set(rigs[0].notes.modes)
    assert len(rigs[0].notes.times) == 999
    assert rigs[0].notes.epochs == rigs[1].notes.epochs
    assert [event[1] for event in rigs[0].notes.events].count("reset") == 2


def test_the_clock_on_the_wall_is_not_looked_at(make_rig: RigMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = started(make_rig(), 0.8).notes.stream

    def refuse() -> float:
        raise AssertionError("somebody looked at the clock")

    monkeypatch.setattr("time.monotonic", refuse)
    monkeypatch.setattr("time.time", refuse)
    assert started(make_rig(), 0.8).notes.stream == expected


def test_a_session_needs_neither_ros_nor_a_network() -> None:
    program = "import sys, hume_session; assert not {'rclpy', 'hume_msgs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
