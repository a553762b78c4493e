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
        path: of the arm or gripper in the robot profile, such as `arms.left`.
        names: of the joints.
        place: where they are among all joints of the robot.
        setpoint: (n,) where they are, rad or m.
        update_period: of the controller, s.
        interpolate_from_desired_state: of a joint_trajectory_controller.

    Attributes:
        setpoint: (n,) what the controller commands.
    """

    def __init__(
        self,
        path: str,
        names: Sequence[str],
        place: slice,
        setpoint: Array,
        update_period: float,
        interpolate_from_desired_state: bool,
    ) -> None:
        self.path, self.names, self.place, self.setpoint = path, tuple(names), place, setpoint
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
    """The arms and grippers of a robot, which follow their controllers.

    Args:
        profile: any robot. Joints start at home, grippers start open.
        servos: how they follow.
        update_period: of the controllers, s.
        interpolate_from_desired_state: of a joint_trajectory_controller.

    Attributes:
        names: joints in the order of the numbers.
        velocity: m/s or rad/s.
        arms: the joints of each arm.
        grippers: the joint of each gripper.
        groups: the arms, then the grippers.
    """

    def __init__(
        self,
        profile: RobotProfile,
        servos: Servos | None = None,
        update_period: float = 0.01,
        interpolate_from_desired_state: bool = False,
    ) -> None:
        self._servos = servos or Servos()
        limits, grippers = profile.motion_limits(), profile.grippers
        self.names = (*profile.joint_names, *profile.gripper_names)
        self._position = np.array([*profile.home, *(gripper.open for gripper in grippers)], dtype=np.float64)
        self._command = self._position.copy()
        self.velocity = np.zeros(len(self.names))
        self._speed = np.array([*limits.velocity, *(gripper.speed for gripper in grippers)])
        self._lower = np.array([*limits.lower, *(min(gripper.closed, gripper.open) for gripper in grippers)])
        self._upper = np.array([*limits.upper, *(max(gripper.closed, gripper.open) for gripper in grippers)])
        self._wrapped = np.zeros(len(self.names), dtype=bool)
        self._wrapped[: limits.size] = limits.continuous & self._servos.wrap_continuous
        n = limits.size
        places = [*profile.joint_slices, *(slice(n + i, n + i + 1) for i in range(len(grippers)))]
        options = (update_period, interpolate_from_desired_state)
        self.groups = tuple(
            JointGroup(part.path, self.names[place], place, self._position[place].copy(), *options)
            for part, place in zip(profile.parts, places, strict=True)
        )
        self.arms, self.grippers = self.groups[: len(profile.arms)], self.groups[len(profile.arms) :]

    @property
    def position(self) -> Array:
        """What the driver reports, m or rad."""
        return short_way(self._position, self._wrapped)

    def measured(self, group: JointGroup) -> Array:
        """What the driver reports of a group's joints, m or rad."""
        return self.position[group.place]

    def step(self, duration: float, now: float = 0.0) -> None:
        """Move for `duration` seconds. `now` is the ROS time at which the controllers do their cycle, s."""
        for group in self.groups:
            group.update(now, self._position[group.place], self.velocity[group.place])
        before, servos = self._position, self._servos
        target = np.clip(np.concatenate([group.setpoint for group in self.groups]), self._lower, self._upper)
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
