"""Which goal is sent to a gripper's action server, and when. Free of ROS: the sink sends and reports.

A goal is sent once for each target. It is sent again only where the server has refused it, has given up, has been
started again or has not answered. A grasp ends short of its target, because the object is in the way: that is no
failure.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from hume_system1.control.command import Command
from hume_system1.control.states import Mode, Reason

DEAD_BAND = 0.02
"""Part of the opening range by which a target must move to be a new one. Fully closed and fully open always are."""

_RETRY = 0.5
"""Pause before a goal is sent again, s."""
_LONGEST_RETRY = 8.0
"""Pause after many failures of one target in a row, s: each of them may squeeze an object again."""
_ANSWER = 2.0
"""How long a server may take to accept or refuse a goal, s."""
_SPACING = 0.1
"""Shortest time between two goals, s: a policy that closes slowly must not flood the server."""


_STOPPED = (Mode.ESTOP, Mode.FAULT)
_HANDED_OVER = (Reason.DISABLED, Reason.TAKEOVER)


def wanted_target(command: Command, gripper: int = 0) -> float:
    """Where a gripper shall be sent, m or rad. NaN while it must be left alone.

    A pause in the arm's motion is none for the gripper: it goes on holding what it has begun to grasp.

    Args:
        command: of the tick.
        gripper: which one, in the order of the robot profile.
    """
    alone = command.mode in _STOPPED or command.reason in _HANDED_OVER
    return math.nan if alone else float(command.gripper_targets[gripper])


class GoalEnding(enum.Enum):
    """How a goal ended."""

    REACHED = "reached"
    STALLED = "stalled"  # the gripper pushes and does not move: an object is held
    FAILED = "failed"  # aborted or cancelled, and the server does not say that it stalled


class _Phase(enum.Enum):
    SENT = enum.auto()
    ACCEPTED = enum.auto()
    REFUSED = enum.auto()
    FAILED = enum.auto()
    DONE = enum.auto()


@dataclass(frozen=True)
class GripperGoal:
    """A goal to send.

    Attributes:
        number: of the goal, counted from 1. Answers name it.
        position: target, m or rad.
    """

    number: int
    position: float


class GripperGoals:
    """Decides on goals. All times are s on the steady clock. Positions are m or rad of the gripper's joint.

    Args:
        closed: position when closed.
        open: position when open.

    Attributes:
        unanswered: goals before the last one, in a row, that the server has neither accepted nor refused.
    """

    def __init__(self, closed: float, open: float) -> None:
        self._ends = (closed, open)
        self._band = DEAD_BAND * abs(open - closed)
        self._server: bytes | None = None
        self._goal: GripperGoal | None = None
        self._phase = _Phase.DONE
        self._count = 0
        self._sent = -math.inf
        self._due = -math.inf
        self._start = math.nan
        self._moved = False
        self._failures = 0
        self.unanswered = 0

    def step(self, now: float, target: float, server: bytes | None, measured: float = math.nan) -> GripperGoal | None:
        """The goal to send now, if any.

        Args:
            now: time.
            target: what the policy wants. NaN: nothing, and what was wanted is forgotten.
            server: its endpoint. None: there is none. Another one than before has to be sent the target.
            measured: position of the gripper. NaN: not known.
        """
        if server is None or server != self._server or math.isnan(target):
            self._goal = None
        self._server = server
        if server is None or math.isnan(target) or now < self._sent + _SPACING:
            return None
        return self._send(now, target, measured) if self._is_due(now, target) else None

    def accepted(self, number: int) -> None:
        """The server has taken a goal."""
        if self._stands(number):
            self._phase, self.unanswered = _Phase.ACCEPTED, 0

    def refused(self, number: int, now: float) -> bool:
        """The server has not taken a goal. Returns whether the goal is still the one that is wanted."""
        if not self._stands(number):
            return False
        self._phase, self._due, self.unanswered = _Phase.REFUSED, now + _RETRY, 0
        return True

    def ended(self, number: int, now: float, ending: GoalEnding, measured: float = math.nan) -> bool:
        """The server has ended a goal.

        Args:
            number: of the goal.
            now: time.
            ending: how.
            measured: position of the gripper. NaN: not known.

        Returns:
            Whether the goal failed and will be sent again.
        """
        if not self._stands(number):
            return False
        if ending is not GoalEnding.FAILED or self._is_held(measured):
            self._phase = _Phase.DONE
            return False
        self._phase, self._due = _Phase.FAILED, now + min(_RETRY * 2.0**self._failures, _LONGEST_RETRY)
        self._failures += 1
        return True

    def _stands(self, number: int) -> bool:
        return self._goal is not None and self._goal.number == number

    def _is_due(self, now: float, target: float) -> bool:
        if self._goal is None:
            return True
        if self._phase is _Phase.SENT:
            # One goal at a time is on its way. A server that died has left no answer.
            return now >= self._sent + _ANSWER
        if self._phase is _Phase.REFUSED:
            # A busy server is busy for every target.
            return now >= self._due
        if self._phase is _Phase.FAILED and now >= self._due:
            return True
        return self._is_new(target)

    def _is_new(self, target: float) -> bool:
        assert self._goal is not None
        difference = abs(target - self._goal.position)
        return difference >= self._band or (difference > 0.0 and target in self._ends)

    def _send(self, now: float, target: float, measured: float) -> GripperGoal:
        if self._goal is None or self._is_new(target):
            self._failures, self._moved = 0, False
        lost = self._goal is not None and self._phase is _Phase.SENT
        self.unanswered = self.unanswered + 1 if lost else 0
        self._count += 1
        self._goal = GripperGoal(self._count, target)
        self._phase, self._sent, self._start = _Phase.SENT, now, measured
        return self._goal

    def _is_held(self, measured: float) -> bool:
        """Whether a goal that failed was a grasp of which the server does not say so.

        The gripper has moved towards this target, and sending the goal again has moved it no further.
        """
        assert self._goal is not None
        if math.isnan(measured) or math.isnan(self._start):
            return False
        way = self._goal.position - self._start
        moved = (measured - self._start) * math.copysign(1.0, way) >= self._band
        held = self._moved and not moved
        if moved:
            self._moved, self._failures = True, 0
        return held
