"""Who moved: the arm, or the command? Told apart by cause, from the motion of both since they were last close.

A blocked arm stands while the command moves away from it. A pushed arm moves away from a command that stands, or that
moves the other way. Where both move together, the arm follows, and the difference stays. So every growth of
|command - measured| is split. As much of it as the command moved away counts for the command, and the rest counts for
the arm. When they come closer again, both counts shrink in proportion. Once they are close, both are 0.

A jump of the measured position that no arm can do counts as no motion: see `plausibility`.
"""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.limits import MotionLimits

# All as parts of the joint's tracking bound.
_CLOSE = 0.2  # nothing is counted within
_STEP = 0.1  # growth is counted in steps this large, so that noise of the measurement is not
# A blocked arm rebounds, and one with a lag runs on while the command brakes: both make up less of the difference.
_ARM_SHARE = 0.4


class JointDivergence:
    """The two counts of one joint.

    Args:
        bound: tracking bound of the joint, rad.

    Attributes:
        by_arm, by_command: how much of the present difference either made, rad.
    """

    __slots__ = ("_arm_from", "_close", "_command_from", "_step", "by_arm", "by_command")

    def __init__(self, bound: float) -> None:
        self._close = _CLOSE * bound
        self._step = _STEP * bound
        self.forget(0.0, 0.0)

    def forget(self, command: float, arm: float) -> None:
        """Begin to count at these positions, rad."""
        self._command_from, self._arm_from = command, arm
        self.by_arm = self.by_command = 0.0

    def update(self, command: float, arm: float, difference: float) -> None:
        """Count what has happened since the last count.

        Args:
            command: commanded position, rad.
            arm: measured position without its jumps, rad.
            difference: command - measured, rad.
        """
        if abs(difference) <= self._close:
            self.forget(command, arm)
            return
        # Counted in steps: noise moves to and fro, and its outward parts alone would add up for ever.
        growth = self._growth(command, arm, difference)
        if growth >= self._step:
            by_arm, by_command = self._split(command, growth, difference)
            self.by_arm += by_arm
            self.by_command += by_command
        elif growth <= -self._step:
            left = abs(difference) / (abs(difference) - growth)
            self.by_arm *= left
            self.by_command *= left
        else:
            return
        self._command_from, self._arm_from = command, arm

    def pushed(self, command: float, arm: float, difference: float) -> bool:
        """Whether the arm made a material part of the difference by itself. Arguments as for `update`."""
        growth = max(self._growth(command, arm, difference), 0.0)
        by_arm = self.by_arm + self._split(command, growth, difference)[0]
        return by_arm >= _ARM_SHARE * abs(difference)

    def _growth(self, command: float, arm: float, difference: float) -> float:
        """How much further apart they are than at the last count, rad."""
        growth = (command - self._command_from) - (arm - self._arm_from)
        return growth if difference >= 0.0 else -growth

    def _split(self, command: float, growth: float, difference: float) -> tuple[float, float]:
        """The arm's and the command's part of a growth, rad, both at least 0."""
        # With d = command - arm its growth is the command's way minus the arm's way, both counted away from the other.
        # The command's part is its way, clipped to [0, growth]. So the parts are never negative and add up to growth.
        away = command - self._command_from if difference >= 0.0 else self._command_from - command
        by_command = min(max(away, 0.0), growth)
        return growth - by_command, by_command


class Divergence:
    """The counts of all joints.

    Args:
        limits: joints with their tracking bounds.
    """

    def __init__(self, limits: MotionLimits) -> None:
        self._bounds = [float(bound) for bound in limits.tracking]
        self._joints = [JointDivergence(bound) for bound in self._bounds]
        self._near: tuple[Sequence[float], Sequence[float]] | None = None

    def update(self, ratio: float, command: Sequence[float], measured: Sequence[float], arm: Sequence[float]) -> None:
        """Look once per tick.

        Args:
            ratio: largest |command - measured| as a multiple of its bound.
            command: (n,) commanded positions, rad.
            measured: (n,) measured positions, rad.
            arm: (n,) measured positions without their jumps, rad.
        """
        if ratio <= _CLOSE:  # nearly always: all is settled by remembering where this was
            self._near = command, arm
            return
        if self._near is not None:
            for joint, *place in zip(self._joints, *self._near, strict=True):
                joint.forget(*place)
            self._near = None
        for i, joint in enumerate(self._joints):
            joint.update(command[i], arm[i], command[i] - measured[i])

    def pushed(self, above: float, command: Sequence[float], measured: Sequence[float], arm: Sequence[float]) -> bool:
        """Whether the arm itself moved away with a joint that is further apart than `above` times its bound."""
        if self._near is not None:
            return False
        for i, joint in enumerate(self._joints):
            difference = command[i] - measured[i]
            if abs(difference) > above * self._bounds[i] and joint.pushed(command[i], arm[i], difference):
                return True
        return False

    def forget(self, command: Sequence[float], arm: Sequence[float]) -> None:
        """Begin to count at these positions."""
        self._near = command, arm
