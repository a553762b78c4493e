"""A stand-in for the robot of any profile: controllers, servos that follow them, and images without a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import short_way
from hume_core.errors import ActionSpaceError
from hume_core.robot import RobotProfile
from hume_sim.arm import checked_positions
from hume_sim.trajectory import JointTrajectory
from hume_sim.trajectory_controller import JointTrajectoryController

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Servos:
    """What lies between the commands of the controllers and the joints.

    Attributes:
        lag: time constant of the servos, s.
        enforce_command_limits: as the parameter of `controller_manager`: no command asks for more than the velocity
            limit. Otherwise a command is followed however far away it is.
        wrap_continuous: continuous joints are reported within pi of zero and go the short way to a target, as behind
            drivers that wrap. Otherwise they count turns, and targets as well.
    """

    lag: float = 0.0
    enforce_command_limits: bool = True
    wrap_continuous: bool = False


class JointGroup:
    """The joints of one controller.

    Args:
        names: of the joints.
        setpoint: (n,) where they are, rad or m.
        update_period: of the controller, s.
        interpolate_from_desired_state: of a joint_trajectory_controller.

    Attributes:
        setpoint: (n,) what the controller commands.
    """

    def __init__(
        self, names: Sequence[str], setpoint: Array, update_period: float, interpolate_from_desired_state: bool
    ) -> None:
        self.names, self.setpoint = tuple(names), setpoint
        self._controller = JointTrajectoryController(update_period, interpolate_from_desired_state)
        self._plays = False

    def command(self, positions: Sequence[float], names: Sequence[str] = ()) -> None:
        """Set the target.

        Args:
            positions: m or rad, in the order of `names`.
            names: joint names. Empty: the group's own order.

        Raises:
            ActionSpaceError: not one finite number for each joint.
        """
        self.setpoint, self._plays = _ordered(positions, names, self.names), False

    def follow(self, trajectory: JointTrajectory, stamp: float | None, now: float) -> None:
        """Play a trajectory. See `JointTrajectoryController.accept`."""
        if not self._plays:
            self._controller.hold()
        self._controller.accept(trajectory, stamp, now)
        self._plays = True

    def hold(self, position: Array) -> None:
        """Forget all motion and stay at a position (n,), as a controller does that has just been activated."""
        self.setpoint, self._plays = position.copy(), False

    def update(self, now: float, position: Array, velocity: Array) -> None:
        """The controller's cycle: time, s, and the measured state (n,)."""
        if self._plays:
            self.setpoint = self._controller.update(now, position, velocity).position


class MockArm:
    """Joints and gripper that follow their controllers.

    Args:
        profile: any robot. Joints start at home, the gripper starts open.
        servos: how they follow.
        update_period: of the controllers, s.
        interpolate_from_desired_state: of a joint_trajectory_controller.

    Attributes:
        names: joints in the order of the numbers.
        velocity: m/s or rad/s.
        arm: the arm's joints.
        gripper: the gripper's joint. None without one.
    """

    def __init__(
        self,
        profile: RobotProfile,
        servos: Servos | None = None,
        update_period: float = 0.01,
        interpolate_from_desired_state: bool = False,
    ) -> None:
        self._servos = servos or Servos()
        limits, gripper = profile.motion_limits(), profile.gripper
        n, opening = len(profile.joints), [] if gripper is None else [gripper.open]
        self.names = (*profile.joint_names, *([gripper.joint] if gripper else []))
        self._position = np.array([*profile.home, *opening], dtype=np.float64)
        self._command = self._position.copy()
        self.velocity = np.zeros(len(self.names))
        self._speed = np.array([*limits.velocity, *([gripper.speed] if gripper else [])])
        self._lower = np.array([*limits.lower, *([min(gripper.closed, gripper.open)] if gripper else [])])
        self._upper = np.array([*limits.upper, *([max(gripper.closed, gripper.open)] if gripper else [])])
        self._wrapped = np.zeros(len(self.names), dtype=bool)
        self._wrapped[:n] = limits.continuous & self._servos.wrap_continuous
        options = (update_period, interpolate_from_desired_state)
        self._slices = [slice(0, n), slice(n, None)]
        self.arm = JointGroup(self.names[:n], self._position[:n].copy(), *options)
        self.gripper = None if gripper is None else JointGroup(self.names[n:], self._position[n:].copy(), *options)

    @property
    def position(self) -> Array:
        """What the driver reports, m or rad."""
        return short_way(self._position, self._wrapped)

    def measured(self, group: JointGroup) -> Array:
        """What the driver reports of a group's joints, m or rad."""
        return self.position[self._slices[0 if group is self.arm else 1]]

    def step(self, duration: float, now: float = 0.0) -> None:
        """Move for `duration` seconds. `now` is the ROS time at which the controllers do their cycle, s."""
        groups = [self.arm] if self.gripper is None else [self.arm, self.gripper]
        for group, part in zip(groups, self._slices, strict=False):
            group.update(now, self._position[part], self.velocity[part])
        before, servos = self._position, self._servos
        target = np.clip(np.concatenate([group.setpoint for group in groups]), self._lower, self._upper)
        way = short_way(target - self._command, self._wrapped)
        if servos.enforce_command_limits:
            way = np.clip(way, -self._speed * duration, self._speed * duration)
        self._command = self._command + way
        share = 1.0 if servos.lag == 0.0 else -np.expm1(-duration / servos.lag)
        self._position = before + share * (self._command - before)
        self.velocity = (self._position - before) / duration


def _ordered(positions: Sequence[float], names: Sequence[str], wanted: Sequence[str]) -> Array:
    if names and sorted(names) != sorted(wanted):
        raise ActionSpaceError(f"command names joints {list(names)}. It needs each of: {', '.join(wanted)}")
    values = checked_positions(positions, wanted)
    return values[[list(names).index(name) for name in wanted]] if names else values


def moving_picture(height: int, width: int, k: int) -> NDArray[np.uint8]:
    """Image number k: a gradient with a bright bar that moves on with every image.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[..., 0] = 255 * rows // height
    image[..., 1] = 255 * columns // width
    image[..., 2] = np.where((columns - k) % width < max(1, width // 8), 255, 64)
    return image
