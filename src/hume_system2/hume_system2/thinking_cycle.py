"""What System 2 thinks about, and when the next thought may begin. No thread, no node: time comes from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hume_core.chunk import Chunk
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import ObservationBuffer, SensorFrame
from hume_system2.motion_in_progress import MotionInProgress, motion_in_progress
from hume_system2.thinker import ThoughtResult

RETRY_PERIOD = 0.05
"""After an observation that cannot be used, s."""


@dataclass(frozen=True)
class Assignment:
    """What to think about: an instruction within an epoch."""

    instruction: str
    epoch: int


@dataclass(frozen=True)
class PendingThought:
    """One thought to carry out.

    Attributes:
        assignment: what for.
        frame: the observation to think about.
        in_progress: what is being carried out meanwhile. None: nothing.
    """

    assignment: Assignment
    frame: SensorFrame
    in_progress: MotionInProgress | None = None

    @property
    def observation(self) -> Observation:
        """What the policy is asked about."""
        return self.frame.observation(self.assignment.instruction)


class ThinkingCycle:
    """One thought after the other, each about the newest observation, none begun before it is due.

    Args:
        observer: source of observations.
        profile: the robot that the chunks are for. Its rate of System 2 is the upper bound on thoughts per second.
        start: when the first thought may begin, s on the steady clock.
        first_seq: chunks are numbered from here on.
        model_id: identity of the checkpoint.

    Attributes:
        assignment: what is being thought about. None at rest.
        next_start: when the next thought may begin, s on the steady clock.
    """

    def __init__(
        self, observer: ObservationBuffer, profile: RobotProfile, start: float, first_seq: int = 0, model_id: str = ""
    ) -> None:
        self._observer = observer
        self._profile = profile
        self._layout, self._continuous = profile.action_layout(), profile.motion_limits().continuous
        self._period = 1.0 / profile.rates.system2
        self._seq = first_seq
        self._model_id = model_id
        self.assignment: Assignment | None = None
        self.next_start = start
        self._last: tuple[float, int] = (float("-inf"), 0)
        self._executed: tuple[Assignment, Chunk] | None = None

    @property
    def last_stamp(self) -> float:
        """Of the observation last thought about, s on the ROS clock. Minus infinity after time went back."""
        stamp, beginnings = self._last
        return stamp if beginnings == self._observer.beginnings else float("-inf")

    def begin(self, steady: float, now: float) -> PendingThought | None:
        """Take the newest observation for a thought. None at rest.

        Args:
            steady: steady clock, s.
            now: ROS clock, s.

        Raises:
            ObservationError: the observation cannot be used.
        """
        assignment = self.assignment
        if assignment is None:
            return None
        self.next_start = max(steady, self.next_start + self._period)
        frame = self._observer.take(now)
        return PendingThought(assignment, frame, self._in_progress(assignment, frame))

    def _in_progress(self, assignment: Assignment, frame: SensorFrame) -> MotionInProgress | None:
        """What is being carried out at an observation. Another task or epoch breaks with what was before."""
        if self._executed is None or self._executed[0] is not assignment:
            return None
        return motion_in_progress(self._layout, self._continuous, self._executed[1], frame.stamp, frame.joint_positions)

    def finish(self, task: PendingThought, result: ThoughtResult, now: float) -> Chunk | None:
        """A thought is over at `now` (s, ROS clock).

        Returns:
            Its chunk, or None if the assignment has changed or time went back meanwhile.
        """
        frame, assignment = task.frame, task.assignment
        self._last = frame.stamp, frame.beginnings
        if assignment is not self.assignment or frame.beginnings != self._observer.beginnings:
            return None
        self._seq += 1
        chunk = Chunk(
            stamp=frame.stamp,
            epoch=assignment.epoch,
            seq=self._seq,
            dt=self._profile.action.dt,
            rows=result.chunk,
            anchor=frame.joint_positions,
            names=self._profile.joint_names,
            action_space=self._layout.action_space,
            model_id=self._model_id,
            instruction=assignment.instruction,
            value=result.value,
            noise_level=result.noise_level,
            think_duration=result.duration,
        )
        # System 1 begins a chunk when it is there, where none was before it.
        self._executed = assignment, replace(chunk, stamp=now) if task.in_progress is None else chunk
        return chunk
