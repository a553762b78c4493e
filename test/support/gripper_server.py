"""A gripper behind an action server, as the tests of its goals see it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from hume_system1.control.gripper_goals import GoalEnding, GripperGoal, GripperGoals

PERIOD = 0.05  # s, of the sink's loop
SERVER = b"server"


@dataclass
class Server:
    """A gripper behind an action server, and the sink's loop around the goals.

    Attributes:
        closed, open: ends of the range.
        speed: of the gripper, 1/s of the range.
        object_at: position the gripper cannot pass on its way to closed.
        sent: (time, position) of each goal.
        running: the goal in progress.
    """

    closed: float
    open: float
    speed: float = 2.0
    object_at: float = math.nan
    id: bytes | None = SERVER
    says_stalled: bool = True
    refuses_while_moving: bool = False
    aborts: int = 0
    silent: bool = False
    measures: bool = True
    sent: list[tuple[float, float]] = field(default_factory=list)
    running: GripperGoal | None = None

    def __post_init__(self) -> None:
        self.goals = GripperGoals(self.closed, self.open)
        self.now, self.position = 100.0, self.open

    @property
    def measured(self) -> float:
        return self.position if self.measures else math.nan

    @property
    def positions(self) -> list[float]:
        return [position for _, position in self.sent]

    def run(self, seconds: float, target: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            self.now += PERIOD
            goal = self.goals.step(self.now, target, self.id, self.measured)
            if goal is not None:
                self.sent.append((self.now, goal.position))
                self._take(goal)
            self._move()

    def restart(self, id: bytes | None) -> None:
        self.id, self.running = id, None

    def _take(self, goal: GripperGoal) -> None:
        if self.silent:
            return
        if self.refuses_while_moving and self.running is not None:
            self.goals.refused(goal.number, self.now)
            return
        before, self.running = self.running, goal
        self.goals.accepted(goal.number)
        if before is not None:
            self.goals.ended(before.number, self.now, GoalEnding.FAILED, self.measured)
        if self.aborts:
            self.aborts -= 1
            self._end(GoalEnding.FAILED)

    def _move(self) -> None:
        if self.running is None:
            return
        goal = self._reachable(self.running.position)
        step = self.speed * abs(self.open - self.closed) * PERIOD
        before, self.position = self.position, self.position + float(np.clip(goal - self.position, -step, step))
        if self.position == self.running.position:
            self._end(GoalEnding.REACHED)
        elif self.position == before:
            self._end(GoalEnding.STALLED if self.says_stalled else GoalEnding.FAILED)

    def _reachable(self, goal: float) -> float:
        if math.isnan(self.object_at):
            return goal
        way = math.copysign(1.0, self.closed - self.open)
        return min(goal * way, self.object_at * way) * way

    def _end(self, ending: GoalEnding) -> None:
        assert self.running is not None
        number, self.running = self.running.number, None
        self.goals.ended(number, self.now, ending, self.measured)


def inside(server: Server, openness: float) -> float:
    return server.closed + openness * (server.open - server.closed)
