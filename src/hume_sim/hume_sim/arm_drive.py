"""From commands of an arm's controllers to targets of its simulated servos."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError
from hume_sim.arm import ARM_JOINTS
from hume_sim.joint_state import JointState
from hume_sim.trajectory import JointTrajectory
from hume_sim.trajectory_controller import JointTrajectoryController
from hume_sim.world import TabletopWorld

Array = NDArray[np.float64]

_LOG = logging.getLogger(__name__)


class ArmDrive:
    """The newest command wins. Commands may come from any thread, the rest is for the physics thread.

    Args:
        arm: which one of the world's.
        update_period: of the controllers, s.
        interpolate_from_desired_state: of the joint_trajectory_controller.
        ros_time: ROS time now, s, to which the stamps of trajectories belong.
    """

    def __init__(
        self, arm: int, update_period: float, interpolate_from_desired_state: bool, ros_time: Callable[[], float]
    ) -> None:
        self._arm, self._gripper = arm, deque[float](maxlen=1)
        self._commands: deque[Array | tuple[JointTrajectory, float | None]] = deque(maxlen=1)
        self._controller = JointTrajectoryController(update_period, interpolate_from_desired_state)
        self._ros_time = ros_time
        self._plays = False

    def command(self, positions: Array) -> None:
        """Go to positions (n,), rad, already checked."""
        self._commands.append(positions)

    def follow(self, trajectory: JointTrajectory, stamp: float | None) -> None:
        """Play a trajectory that begins at ROS time `stamp`, s. None: now."""
        self._commands.append((trajectory, stamp))

    def grip(self, width: float) -> None:
        """Bring the finger to a position, m, already checked."""
        self._gripper.append(width)

    def clear(self) -> None:
        """Forget all motion."""
        self._commands.clear()
        self._gripper.clear()
        self._plays = False

    def apply(self, world: TabletopWorld, joints: JointState) -> None:
        """Hand the targets of this step to the servos.

        Args:
            world: with the servos.
            joints: measured, of all arms.
        """
        first = world.arms[self._arm].places.start
        own = slice(first, first + len(ARM_JOINTS))
        target = self.target(joints.position[own], joints.velocity[own])
        if target is not None:
            world.set_arm_target(target, self._arm)
        if self._gripper:
            world.set_gripper_target(self._gripper.pop(), self._arm)

    def target(self, position: Array, velocity: Array) -> Array | None:
        """Where the servos are to go in this step (n,), rad. None: where they were to go before.

        Args:
            position: (n,) measured, rad.
            velocity: (n,) measured, rad/s.
        """
        if self._commands:
            command = self._commands.pop()
            if not isinstance(command, tuple):
                self._plays = False
                return command
            self._begin(*command)
        if not self._plays:
            return None
        return self._controller.update(self._ros_time(), position, velocity).position

    def _begin(self, trajectory: JointTrajectory, stamp: float | None) -> None:
        if not self._plays:
            self._controller.hold()
        try:
            self._controller.accept(trajectory, stamp, self._ros_time())
        except ActionSpaceError as error:
            _LOG.warning("ignored a trajectory: %s", error)
            return
        self._plays = True
