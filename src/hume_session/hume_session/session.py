"""The closed loop of one robot: think, denoise, `ControlCore.step`, on a clock that is given.

Every delay is a number: a message is there when it is handed over, a thought or segment when its latency is over. Who
computes them, and how fast, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hume_core.chunk import Chunk
from hume_core.epochs import ahead, following
from hume_core.kinematics import ArmsKinematics
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import JOINT_STATES
from hume_session.commanding import CommandStage
from hume_session.denoising import DenoisingStage
from hume_session.engine import Engine, PolicyFacts
from hume_session.latency import LatencyModel
from hume_session.listener import Listener
from hume_session.schedule import NS, Rank, Schedule, Waits
from hume_session.thinking import ThinkingStage
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.report import STATUS_PERIOD


@dataclass(frozen=True)
class SessionOptions:
    """How the loop is set up.

    Attributes:
        chunk_switch: as of the denoiser.
        control: settings of the control core. Rate and action space come from the robot.
        limit_scales: kind of limit -> share of the robot's.
        kinematics: of the arms, for action spaces of the end effector.
        follows: whether the measured arm follows the commands. See `CommandStage`.
    """

    chunk_switch: ChunkSwitch = ChunkSwitch.AT_ONCE
    control: ControlSettings = field(default_factory=ControlSettings)
    limit_scales: Mapping[str, float] = field(default_factory=dict)
    kinematics: ArmsKinematics | None = None
    follows: bool = True


class Session:
    """Both systems and the control core. Times are ns on the ROS clock. The steady clock counts from `begin`.

    Methods that give `Waits` do their work while they are iterated. Each future they give has to be done before the
    next step of the iteration.

    Args:
        profile: robot.
        policy: what has to be known of it.
        engine: computes thoughts and segments.
        latency: how long they take.
        options: see `SessionOptions`.
        listener: told what happens.
        commands: the command stage to go on with. None: a new one.
    """

    def __init__(
        self,
        profile: RobotProfile,
        policy: PolicyFacts,
        engine: Engine,
        latency: LatencyModel,
        options: SessionOptions,
        listener: Listener,
        commands: CommandStage | None = None,
    ) -> None:
        self._listener = listener
        self._resumed = commands is not None
        # Numbers of chunks and segments go on above those that the command stage has seen.
        first_chunk, first_segment = (0, 0) if commands is None else commands.newest_numbers()
        self.schedule = schedule = Schedule() if commands is None else commands.schedule
        self.commands = commands or CommandStage(
            profile, options.control, options.limit_scales, options.follows, schedule, listener
        )
        self._denoising = DenoisingStage(
            profile, policy, engine, options.chunk_switch, options.kinematics, latency.denoise, schedule, listener,
            self.commands, options.control, first_segment,
        )  # fmt: skip
        self._thinking = ThinkingStage(
            profile, policy, engine, latency.think, schedule, listener, self.offer, first_chunk
        )
        self._epoch = 0

    def begin(self, start: int) -> None:
        """Time begins. With a command stage that was handed over it goes on."""
        schedule = self.schedule
        if self._resumed:
            self._epoch = self.commands.core.intake.epoch
        else:
            schedule.begin(start)
            self.commands.begin()
        schedule.at(start, Rank.START, self._denoising.round)
        schedule.at(start, Rank.REPORT, self._report)

    def advance(self, time: int) -> Waits:
        """Think and denoise until `time`. The core may be left behind."""
        yield from self.schedule.advance(time)

    def command_until(self, time: int) -> Waits:
        """Think, denoise, and run every tick of the core before `time`. Its last command is `commands.command`."""
        yield from self.schedule.advance(time)
        yield from self.commands.advance(time)

    def receive(self, source: str, message: Any, arrival: int | None = None) -> None:
        """A sensor message reaches the nodes now.

        Args:
            source: camera key, or `JOINT_STATES`.
            message: with the fields of `sensor_msgs`.
            arrival: when it is said to have come, where that was before the session began. None: now.
        """
        elapsed = self.schedule.elapsed if arrival is None else arrival - self.schedule.start
        self._listener.received(source, elapsed, message)
        if source == JOINT_STATES:
            self.commands.receive(message)
        self._denoising.receive(source, message)
        self._thinking.receive(source, message)

    def assign(self, instruction: str, reason: str = "") -> None:
        """Carry out an instruction from now on, in a new epoch."""
        self._begin_epoch(following(self._epoch), reason or f"instruction: {instruction}")
        self.commands.begin_epoch(self._epoch)
        self._thinking.assign(instruction, self._epoch)

    def resume(self, instruction: str) -> None:
        """Carry out an instruction in the present epoch: motion goes on."""
        self._thinking.assign(instruction, self._epoch)

    def offer(self, chunk: Chunk) -> None:
        """A chunk reaches System 1."""
        self._denoising.offer(chunk)
        self.commands.offer(chunk)

    def rest(self, reason: str) -> None:
        """Carry out nothing, in a new epoch."""
        self._begin_epoch(following(self._epoch), reason)
        self._thinking.rest()
        self.commands.begin_epoch(self._epoch)

    def estop(self) -> None:
        """Emergency stop."""
        self.commands.estop()

    def why_idle(self) -> str:
        """Why no thought could begin. Empty if one could."""
        return self._thinking.why_idle()

    def _begin_epoch(self, epoch: int, reason: str) -> None:
        self._epoch = epoch
        self._denoising.begin_epoch(epoch)
        self._listener.epoch(self.schedule.elapsed, epoch, reason)

    def _report(self) -> Waits:
        """What System 1's status timer does: tell the others of an epoch that the core began."""
        epoch = yield from self.commands.epoch()
        if ahead(epoch, self._epoch) > 0:
            self._begin_epoch(epoch, f"System 1: {self.commands.state}")
            self._thinking.begin_epoch(self._epoch)
        self.schedule.at(self.schedule.now + round(STATUS_PERIOD * NS), Rank.REPORT, self._report)
