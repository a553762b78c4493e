"""Whether a `joint_trajectory_controller` is set so that it follows a stream of short trajectories.

Source: parameters and `update` of joint_trajectory_controller in ros2_controllers, Humble to Rolling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hume_core.robot import RobotProfile
from hume_tools.doctor.fixes import set_and_restart
from hume_tools.doctor.graph import Controller, Manager
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.roles import Role

CONSTRAINTS = "constraints."
# The second names are those of Humble, and of the Universal Robots driver.
_START = ("interpolate_from_desired_state", "open_loop_control")
_SPEED = ("speed_scaling.state_interface", "speed_scaling_interface_name")
TRAJECTORY_PARAMETERS = (
    "command_interfaces",
    "interpolation_method",
    "allow_trajectory_replacement",
    "allow_partial_joints_goal",
    "speed_scaling.command_interface",
    *_START,
    *_SPEED,
)
"""What the rules read of its node, beside what begins with `CONSTRAINTS`."""


def judge_trajectory(role: Role, controller: Controller, manager: Manager, profile: RobotProfile) -> Iterator[Finding]:
    """One finding per parameter that matters and that this version of the controller has."""
    node, parameters = manager.node_name(controller.name), controller.parameters
    if parameters is None:
        fix = f"ros2 param dump {node} must answer. Then run this again"
        yield Finding(f"{role.what}: parameters", False, f"{node} does not tell its parameters", fix, optional=True)
        return
    if "interpolation_method" in parameters:
        yield _interpolation(role, node, str(parameters["interpolation_method"]))
    if "allow_trajectory_replacement" in parameters:
        yield _replacement(role, node, bool(parameters["allow_trajectory_replacement"]))
    yield from _start(role, parameters)
    yield from _tolerances(role, node, parameters, profile)
    yield from _speed_scaling(role, node, parameters)


def _interpolation(role: Role, node: str, method: str) -> Finding:
    found = "none: the arm would jump from point to point" if method == "none" else method
    fix = set_and_restart(node, interpolation_method="splines")
    return Finding(f"{role.what}: interpolation_method", method != "none", found, fix)


def _replacement(role: Role, node: str, allowed: bool) -> Finding:
    found = "true: a message whose stamp lies in the past would be played as if it began now" if allowed else "false"
    fix = set_and_restart(node, allow_trajectory_replacement=False)
    return Finding(f"{role.what}: allow_trajectory_replacement", not allowed, found, fix)


def _start(role: Role, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Both are well: no message begins ahead of the controller, which alone makes the start matter."""
    known = [name for name in _START if name in parameters]
    if known:
        value = str(any(parameters[name] for name in known)).lower()
        yield Finding(f"{role.what}: {known[0]}", True, f"{value}: of no matter, messages begin in the past")


def _tolerances(role: Role, node: str, parameters: Mapping[str, Any], profile: RobotProfile) -> Iterator[Finding]:
    """A tolerance of 0 or less is none. A gripper's has no counterpart in the profile."""
    tracking = {joint.name: joint.tracking for joint in profile.joints if joint.name in role.joints}
    given = {joint: parameters.get(f"{CONSTRAINTS}{joint}.trajectory") for joint in tracking}
    known = {joint: float(value) for joint, value in given.items() if value is not None}
    if not known:
        return
    narrow = {joint: value for joint, value in known.items() if 0.0 < value < tracking[joint]}
    told = ", ".join(f"{joint} {value:g} (tracking {tracking[joint]:g})" for joint, value in narrow.items())
    fix = set_and_restart(node, constraints={joint: {"trajectory": 0.0} for joint in narrow})
    found = f"{told}: the controller would stop the arm before System 1 does" if narrow else "none below tracking"
    yield Finding(f"{role.what}: constraints", not narrow, found, fix)


def _speed_scaling(role: Role, node: str, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    name = next((name for name in _SPEED if parameters.get(name)), "")
    if not name:
        return
    found = f"{parameters[name]}: the stream does not slow down with the robot's speed slider"
    fix = "keep the slider at 100 %. The limits of the profile make the arm slower"
    yield Finding(f"{role.what}: {name}", False, found, fix, optional=True)
