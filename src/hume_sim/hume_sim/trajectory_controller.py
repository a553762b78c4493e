"""`joint_trajectory_controller` as it behaves by its documentation, for a simulated arm.

- A message replaces the motion that is being played. Its points belong to times from its stamp on. Without a stamp,
  from the first update on that sees it.
- Where the first point lies ahead, the way there begins in the measured state, or with
  `interpolate_from_desired_state` in the last command, which counts as that of the update before.
- Every update gives the command for one update period later.
- Behind the last point the arm stays there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError
from hume_sim.trajectory import JointPoint, JointTrajectory, interpolate

Array = NDArray[np.float64]


class JointTrajectoryController:
    """One controller. Call `update` once per update period.

    Args:
        update_period: s.
        interpolate_from_desired_state: the parameter of that name.
    """

    def __init__(self, update_period: float, interpolate_from_desired_state: bool = False) -> None:
        self._period, self._from_desired = update_period, interpolate_from_desired_state
        self._trajectory: JointTrajectory | None = None
        self._start: float | None = None
        self._before: tuple[float, JointPoint] | None = None
        self._last: tuple[float, JointPoint] | None = None

    def hold(self) -> None:
        """Forget all motion: a controller that has just been activated holds the arm where it is measured."""
        self._trajectory = self._start = self._before = self._last = None

    def accept(self, trajectory: JointTrajectory, stamp: float | None, now: float) -> None:
        """Take a message.

        Args:
            trajectory: its points.
            stamp: ROS time at which it begins, s. None: from the next update on.
            now: ROS time, s.

        Raises:
            ActionSpaceError: it has ended already.
        """
        if stamp is not None and stamp + trajectory.times[-1] < now:
            raise ActionSpaceError(
                f"trajectory ended {now - stamp - trajectory.times[-1]:.3f} s ago. Check the clocks of both machines"
            )
        self._trajectory, self._start, self._before = trajectory, stamp, None

    def update(self, now: float, position: Array, velocity: Array) -> JointPoint:
        """The command at ROS time `now`, s.

        Args:
            now: ROS time, s.
            position: (n,) measured, rad.
            velocity: (n,) measured, rad/s.
        """
        trajectory = self._trajectory
        if trajectory is None:
            at_rest = np.zeros_like(position)
            self._trajectory = JointTrajectory(np.zeros(1), position[None].copy(), at_rest[None], at_rest[None])
            self._start = now
            trajectory = self._trajectory
        if self._before is None:
            self._start = now if self._start is None else self._start
            measured = (now, JointPoint(position.copy(), velocity.copy()))
            self._before = self._last if self._from_desired and self._last is not None else measured
        command = self._sample(trajectory, self._before, now + self._period)
        self._last = (now, command)
        return command

    def _sample(self, trajectory: JointTrajectory, before: tuple[float, JointPoint], time: float) -> JointPoint:
        assert self._start is not None
        since, first = time - self._start, float(trajectory.times[0])
        if since >= first:
            return trajectory.sample(since)
        began, state = before
        return interpolate(
            _with_derivatives_of(state, trajectory.point(0)),
            trajectory.point(0),
            self._start + first - began,
            time - began,
        )


def _with_derivatives_of(state: JointPoint, point: JointPoint) -> JointPoint:
    """The state. Derivatives that the point has and the state lacks are 0."""
    zero = np.zeros_like(state.position)
    velocity = zero if state.velocity is None and point.velocity is not None else state.velocity
    lacks = state.acceleration is None and point.acceleration is not None
    return JointPoint(state.position, velocity, zero if lacks else state.acceleration)
