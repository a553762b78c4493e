"""What System 2 thinks about, and when the next thought may begin. No thread, no node: time comes from outside."""

from __future__ import annotations

from dataclasses import dataclass

from hume_ros.observation_buffer import Frame, ObservationBuffer


@dataclass(frozen=True)
class Assignment:
    """What to think about: an instruction within an epoch."""

    instruction: str
    epoch: int


@dataclass(frozen=True)
class Task:
    """One thought to carry out.

    Attributes:
        assignment: what for.
        frame: the observation to think about.
    """

    assignment: Assignment
    frame: Frame


class ThinkingCycle:
    """One thought after the other, each about the newest observation, none begun before it is due.

    Args:
        observer: source of observations.
        rate: upper bound on thoughts per second, Hz.
        start: when the first thought may begin, s on the steady clock.

    Attributes:
        assignment: what is being thought about; None at rest.
        next_start: when the next thought may begin, s on the steady clock.
        last_stamp: of the observation last thought about, s on the ROS clock.
    """

    def __init__(self, observer: ObservationBuffer, rate: float, start: float) -> None:
        self._observer = observer
        self._period = 1.0 / rate
        self.assignment: Assignment | None = None
        self.next_start = start
        self.last_stamp = float("-inf")

    def begin(self, steady: float, now: float) -> Task | None:
        """Take the newest observation for a thought; None at rest.

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
        return Task(assignment, self._observer.take(now))

    def finish(self, task: Task) -> bool:
        """A thought is over; whether its result is still wanted."""
        self.last_stamp = task.frame.stamp
        return task.assignment is self.assignment
