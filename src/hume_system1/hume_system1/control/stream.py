"""The command stream: it begins at rest where the arm is measured, and ends at rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.limits import MotionLimits
from hume_system1.control.command import Command
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.gripper import GripperSetpoint
from hume_system1.control.limiter import Limiter, Rows

# A command at rest is published for so long, in case one was lost. Then the controller keeps it by itself: a controller
# that was away meanwhile must not be sent a position where the arm no longer is.
_REST_PUBLISHED = 0.1  # s


class CommandStream:
    """The commands of all joints and grippers. Its limiter is the only way to a joint command.

    Args:
        limits: joints.
        settings: of the core.
        grippers: one per gripper, in the order of the robot profile.

    Attributes:
        limiter: of the joints.
        started: there are commands.
        released: another controller may move the arm, and nothing is published.
        starts: how often the stream has begun.
    """

    def __init__(self, limits: MotionLimits, settings: ControlSettings, grippers: Sequence[GripperSettings]) -> None:
        self.limiter = Limiter(limits, settings.bandwidth)
        self.started = False
        self.released = False
        self.starts = 0
        self._rested = 0.0
        self._grippers = [GripperSetpoint(gripper) for gripper in grippers]
        self._stay: list[float | None] = [None] * len(self._grippers)

    def start(self, positions: Sequence[float], openings: Sequence[float | None]) -> None:
        """Begin at rest.

        Args:
            positions: (n,) measured, rad.
            openings: (g,) measured, m. None leaves the first command free.
        """
        self.limiter.start(positions)
        for gripper, opening in zip(self._grippers, openings, strict=True):
            gripper.start(opening)
        self.started = True
        self.released = False
        self.starts += 1
        self._rested = 0.0

    def stand(self) -> None:
        """The arm has come to rest at the last command by itself."""
        self.limiter.start(self.positions)

    def release(self) -> None:
        """No controller listens, or the arm's position is unknown: nothing is published until a new start."""
        self.stand()
        self.released = True

    @property
    def at_rest(self) -> bool:
        """Whether no joint is commanded to move."""
        return not self.started or self.limiter.at_rest

    @property
    def positions(self) -> list[float]:
        """(n,) commanded, rad. A new list after every change, so it may be kept."""
        return self.limiter.positions

    def state(self) -> NDArray[np.float64]:
        """(3, n) commanded position, velocity and acceleration."""
        limiter = self.limiter
        return np.array([limiter.positions, limiter.velocities, limiter.accelerations])

    def tracking_ratio(self, measured: Sequence[float]) -> float:
        """Largest |command - measured| as a multiple of its limit. 0 while the stream is not ours."""
        if not self.started or self.released or not measured:
            return 0.0
        return self.limiter.tracking_ratio(measured)

    def advance(self, dt: float, reference: Rows | None, measured: Sequence[float]) -> None:
        """Move on by dt s.

        Args:
            dt: tick length, s.
            reference: (4, n) to follow. None to brake.
            measured: (n,) newest measured positions, rad.
        """
        if not self.started:
            return
        if reference is None:
            self.limiter.brake(dt)
        else:
            self.limiter.follow(dt, reference, measured)

    def fill(self, command: Command, dt: float, gripper_values: Sequence[float] | None, running: bool) -> None:
        """Write the command of a tick.

        Args:
            command: to write into.
            dt: tick length, s.
            gripper_values: (g,) of the policy. None to stay (an object is not dropped because motion stops).
            running: segments are followed.
        """
        self._rested = 0.0 if running or not self.at_rest else self._rested + dt
        command.publish = self.started and not self.released and self._rested <= _REST_PUBLISHED
        command.starts = self.starts
        limiter = self.limiter
        command.position[:] = limiter.positions
        command.velocity[:] = limiter.velocities
        command.acceleration[:] = limiter.accelerations
        values = self._stay if gripper_values is None else gripper_values
        for i, gripper in enumerate(self._grippers):
            command.grippers[i] = gripper.step(values[i], dt)
            command.gripper_targets[i] = gripper.target

    def end_at_rest(self, *, active: bool, taken: bool, handed_over: bool) -> None:
        """End what is over once the command is at rest.

        Args:
            active: commands are wanted.
            taken: another controller has asked for the arm.
            handed_over: the state says that it may have it.
        """
        if not self.started or not self.limiter.at_rest:
            return
        if not active:
            self.started = False
        elif handed_over:
            self.released = True
        elif self.released and not taken:
            self.started = False
