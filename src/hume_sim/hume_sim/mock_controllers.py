"""The controllers of a stand-in robot and the rules by which a manager switches them, as in ros2_control. No ROS.

Source: `ControllerManager::switch_controller_cb` of ros2_control, and the parameters of ros2_controllers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from hume_core.robot import GripperControllerType, RobotProfile

FORWARD_CLASS = "forward_command_controller/ForwardCommandController"
TRAJECTORY_CLASS = "joint_trajectory_controller/JointTrajectoryController"


@dataclass(frozen=True)
class MockController:
    """A controller that a manager has loaded.

    Attributes:
        name: without namespace.
        type: class name.
        command_interfaces: what it claims while it is active, `JOINT/INTERFACE` in its own order.
        state_interfaces: what it reads, in the same form.
        update_rate: Hz.
        parameters: name -> value, as a real one has them.
        starts_active: whether it is active from the beginning.
    """

    name: str
    type: str
    command_interfaces: tuple[str, ...]
    state_interfaces: tuple[str, ...]
    update_rate: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    starts_active: bool = True


def forward_controller(
    name: str, joints: Sequence[str], update_rate: int, interface: str = "position", starts_active: bool = True
) -> MockController:
    """A `forward_command_controller`: number k of a command goes to joint k."""
    return MockController(
        name,
        FORWARD_CLASS,
        command_interfaces=tuple(f"{joint}/{interface}" for joint in joints),
        state_interfaces=(),
        update_rate=update_rate,
        parameters={"update_rate": update_rate, "joints": list(joints), "interface_name": interface},
        starts_active=starts_active,
    )


def trajectory_controller(
    name: str,
    joints: Sequence[str],
    update_rate: int,
    interfaces: Sequence[str] = ("position",),
    parameters: Mapping[str, Any] | None = None,
    starts_active: bool = True,
) -> MockController:
    """A `joint_trajectory_controller`.

    Args:
        name: without namespace.
        joints: names.
        update_rate: Hz.
        interfaces: command interfaces of every joint.
        parameters: what differs from the defaults of the real controller.
        starts_active: whether it is active from the beginning.
    """
    usual: dict[str, Any] = {
        "update_rate": update_rate,
        "joints": list(joints),
        "command_interfaces": list(interfaces),
        "state_interfaces": ["position", "velocity"],
        "interpolate_from_desired_state": False,
        "interpolation_method": "splines",
        "allow_nonzero_velocity_at_trajectory_end": False,
        "allow_partial_joints_goal": False,
        **{f"constraints.{joint}.trajectory": 0.0 for joint in joints},
    }
    return MockController(
        name,
        TRAJECTORY_CLASS,
        command_interfaces=tuple(f"{joint}/{interface}" for joint in joints for interface in interfaces),
        state_interfaces=tuple(f"{joint}/{interface}" for joint in joints for interface in ("position", "velocity")),
        update_rate=update_rate,
        parameters={**usual, **(parameters or {})},
        starts_active=starts_active,
    )


def profile_controllers(
    profile: RobotProfile, interpolate_from_desired_state: bool = False
) -> tuple[MockController, ...]:
    """The controllers that a profile's manager has. None where the profile says that there is no manager.

    Args:
        profile: names and types.
        interpolate_from_desired_state: parameter of each joint_trajectory_controller.
    """
    if not profile.controller_manager:
        return ()
    parameters = {"interpolate_from_desired_state": interpolate_from_desired_state}
    made = []
    for arm in profile.arms:
        if arm.controller.managed_name:
            rate = ceil(arm.controller.update_rate or profile.rates.stream)
            name = arm.controller.managed_name
            made.append(_controller(name, profile.plays_trajectories, arm.joint_names, rate, parameters))
    rate = ceil(profile.arms[0].controller.update_rate or profile.rates.stream)
    for gripper in profile.grippers:
        controller = gripper.controller
        if controller is None or controller.type is GripperControllerType.GRIPPER_ACTION:
            continue
        trajectory = controller.type is GripperControllerType.JOINT_TRAJECTORY
        if controller.managed_name:
            made.append(_controller(controller.managed_name, trajectory, (gripper.joint,), rate, parameters))
    return tuple(made)


def _controller(
    name: str, trajectory: bool, joints: Sequence[str], rate: int, parameters: Mapping[str, Any]
) -> MockController:
    if trajectory:
        return trajectory_controller(name, joints, rate, parameters=parameters)
    return forward_controller(name, joints, rate)


class ControllerStates:
    """Which controllers are active, and how that changes.

    Args:
        controllers: all that are loaded. Names must differ.
        on_change: called after each switch with the names of the controllers that were started by it.
    """

    def __init__(
        self, controllers: Sequence[MockController], on_change: Callable[[Collection[str]], None] = lambda started: None
    ) -> None:
        self.controllers = {controller.name: controller for controller in controllers}
        self._active = {controller.name for controller in controllers if controller.starts_active}
        self._on_change = on_change

    def is_active(self, name: str) -> bool:
        """Whether a controller passes commands on. What the manager does not know, it does not hold back."""
        return name in self._active or name not in self.controllers

    def claimed(self, name: str) -> tuple[str, ...]:
        """The command interfaces that a controller has now. None while it is inactive."""
        return self.controllers[name].command_interfaces if name in self._active else ()

    def switch(self, activate: Sequence[str], deactivate: Sequence[str], strict: bool) -> tuple[bool, str]:
        """Stop and start controllers at once.

        Args:
            activate: names to start.
            deactivate: names to stop. A name in both is started again.
            strict: one wrong name leaves everything as it was. Otherwise wrong names are left out.

        Returns:
            Whether it was done, and why not.
        """
        problems = [*self._cannot_stop(deactivate), *self._cannot_start(activate, deactivate)]
        if problems and strict:
            return False, problems[0]
        stops = [name for name in deactivate if name in self._active]
        starts = [n for n in activate if n in self.controllers and (n not in self._active or n in stops)]
        unknown = [name for name in (*activate, *deactivate) if name not in self.controllers]
        if not starts and not stops:
            return not unknown, problems[0] if unknown else "nothing changes"
        taken = self._taken_interface(starts, stops)
        if taken:
            return False, taken
        self._active = (self._active - set(stops)) | set(starts)
        self._on_change(tuple(starts))
        return True, ""

    def _cannot_stop(self, names: Sequence[str]) -> list[str]:
        return [
            f"'{name}' is not loaded" if name not in self.controllers else f"'{name}' is not active"
            for name in names
            if name not in self._active
        ]

    def _cannot_start(self, names: Sequence[str], stops: Sequence[str]) -> list[str]:
        return [
            f"'{name}' is active already" if name in self._active else f"'{name}' is not loaded"
            for name in names
            if name not in self.controllers or (name in self._active and name not in stops)
        ]

    def _taken_interface(self, starts: Sequence[str], stops: Sequence[str]) -> str:
        """Why a controller cannot start: another one has its interface. Strictness makes no difference here."""
        owners = {i: n for n in self._active - set(stops) for i in self.controllers[n].command_interfaces}
        for name in starts:
            for interface in self.controllers[name].command_interfaces:
                if owners.setdefault(interface, name) != name:
                    return f"'{name}' cannot start: '{owners[interface]}' has the interface '{interface}'"
        return ""
