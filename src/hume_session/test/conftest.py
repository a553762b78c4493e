"""A session on a clock that is given: an engine told what to answer, and an arm that is where it is commanded to be."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.chunk import Chunk, Segment
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import JOINT_STATES
from hume_session import Latencies, LatencyModel, Listener, PolicyFacts, Session, SessionOptions
from hume_session.commanding import CommandStage
from hume_session.engine import answered
from hume_session.schedule import NS, Waits
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.stream_check import stream_ratios
from hume_system1.segment_planner import SegmentRequest
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import PendingThought

BEGIN = 1_700_000_000 * NS
MS = NS // 1000
JOINTS = ("a", "b")
TARGET = np.array([0.3, -0.2])
ROWS, ROW_TIME = 10, 0.1


class Rows:
    """Stands for System 1: the chunk's own rows, which are joint positions already.

    Args:
        width: numbers of a row.
    """

    chunk_size, segment_size = ROWS, 4
    origin, sees_images = "anchor", False

    def __init__(self, width: int = len(JOINTS)) -> None:
        self._width = width

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        start = int(stamp * self.chunk_size + 1e-9)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, : self._width].astype(np.float64)


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

    def think(self, observation: Observation, in_progress: Any = None) -> Future[ThoughtResult]:
        self.thoughts.append((self.now(), observation))
        chunk = np.tile(self.target, (ROWS, 1)).astype(np.float32)
        one = np.ones(1, np.float32)
        return self._answer(ThoughtResult(chunk, chunk[None], one, 0 * one, one, 0.0))

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        self.segments.append((self.now(), request))
        rows = Rows(len(self.target))
        return self._answer(rows.segment(request.observation, request.chunk.rows, request.progress, request.moved))

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
    """Writes down everything. The commands as numbers, so that streams can be compared byte by byte."""

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

    def thought(self, start: int, end: int, task: PendingThought, result: ThoughtResult, chunk: Chunk | None) -> None:
        self.thoughts.append((start, end, chunk))

    def segment(self, start: int, end: int, segment: Segment) -> None:
        self.segments.append((start, end, segment))

    def epoch(self, time: int, epoch: int, reason: str) -> None:
        self.epochs.append((time, epoch, reason))

    def event(self, time: int, kind: str, text: str) -> None:
        self.events.append((time, kind, text))

    def mode_at(self, time: int) -> str:
        return self.modes[self.times.index(time)]


def joint_state(time: int, position: NDArray[np.float64], names: tuple[str, ...] = JOINTS) -> Any:
    """As `sensor_msgs/JointState`, at rest."""
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=time // NS, nanosec=time % NS)),
        name=names,
        position=position.tolist(),
        velocity=[0.0] * len(names),
        effort=[0.0] * len(names),
    )


class Rig:
    """A session and its arm.

    Args:
        profile: robot.
        think, denoise: latencies, s.
        engine: answers. None: one that leads to `TARGET` at once.
        follows: whether the arm does what it is told.
        commands: to go on with.
        kinematics: of the arms, where rows are about their tools.

    Attributes:
        report: what the driver makes of the arm's position.
        BEGIN: when sessions begin, ns.
        TARGET: where chunks lead, rad.
        HORIZON: of a chunk, s.
    """

    BEGIN, TARGET, HORIZON = BEGIN, TARGET, ROWS * ROW_TIME

    def __init__(
        self,
        profile: RobotProfile,
        think: float = 0.1,
        denoise: float = 0.02,
        engine: FakeEngine | None = None,
        follows: bool = True,
        commands: CommandStage | None = None,
        notes: Notes | None = None,
        kinematics: Any = None,
    ) -> None:
        self.profile = profile
        self.notes, self.engine, self.follows = notes or Notes(), engine or FakeEngine(), follows
        latency = LatencyModel(Latencies.constant(think), Latencies.constant(denoise))
        facts = PolicyFacts((), 1, Rows(profile.action_dim), "fake")
        options = SessionOptions(follows=follows, kinematics=kinematics)
        self.session = Session(profile, facts, self.engine, latency, options, self.notes, commands)
        self.engine.now = lambda: self.session.schedule.elapsed
        self.arm = np.zeros(len(profile.joints))
        self.report: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda position: position
        self.now = BEGIN
        self.waited = 0

    def begin(self, now: int = BEGIN) -> None:
        self.now = now
        self.session.begin(now)
        self.sense()

    def sense(self) -> None:
        self.session.receive(JOINT_STATES, joint_state(self.now, self.report(self.arm), self.profile.joint_names))

    def play(self, seconds: float, step: int = 5 * MS, sensing: bool = True) -> None:
        """Follow the commands, and measure at 100 Hz."""
        end = self.now + round(seconds * NS)
        while self.now < end:
            self.now += step
            self.waited += self.answer(self.session.command_until(self.now))
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

    def started(self, seconds: float = 0.0) -> Rig:
        """Begin, with an instruction, and go on for some time."""
        self.begin()
        self.session.assign("go")
        self.play(seconds)
        return self

    def answer(self, waits: Waits) -> int:
        """Step to the end and answer what is waited for. Returns how often something was."""
        count = 0
        for future in waits:
            assert not future.done()
            count += 1
            self.engine.answer_all()
            assert future.done()
        return count

    def assert_smooth(self, *others: Rig) -> None:
        """Limits hold, also from one stream to the next."""
        notes = [self.notes, *(other.notes for other in others)]
        times = np.concatenate([np.array(note.times) for note in notes]) / NS
        positions = np.concatenate([np.array(note.positions) for note in notes])
        assert np.all(np.diff(times) > 0)
        # The streams begin when the core does.
        ratios = stream_ratios(times[2:], positions[2:], self.session.commands.core.limits)
        assert ratios.worst <= 1.0 + 1e-6, ratios


@pytest.fixture(scope="session")
def profile() -> RobotProfile:
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
    # From a file it would need a camera.
    return RobotProfile.model_validate(data)


@pytest.fixture
def make_rig(profile: RobotProfile) -> Callable[..., Rig]:
    """Build a rig: `make_rig(think=0.1, denoise=0.02, engine=None, follows=True)`. `profile` takes another robot."""
    return lambda **options: Rig(options.pop("profile", profile), **options)


@pytest.fixture
def make_engine() -> type[FakeEngine]:
    """Build an engine: `make_engine(target=..., at_once=False)`."""
    return FakeEngine
