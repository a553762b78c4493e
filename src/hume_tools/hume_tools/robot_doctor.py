"""`hume doctor --robot`: whether the running graph is as a robot profile says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from statistics import median

import numpy as np

from hume_bringup.environment import default_environment
from hume_core.errors import HumeError
from hume_core.kinematics import load_kinematics
from hume_core.robot import ArmControllerType, GripperControllerType, RobotProfile
from hume_tools.doctor import Finding
from hume_tools.robot_graph import Controller, Graph, Source, listen

_ARM_TYPES = {
    ArmControllerType.FORWARD_COMMAND: "std_msgs/msg/Float64MultiArray",
    ArmControllerType.JOINT_TRAJECTORY: "trajectory_msgs/msg/JointTrajectory",
}
_GRIPPER_TYPES = {
    GripperControllerType.POSITION: "std_msgs/msg/Float64MultiArray",
    GripperControllerType.JOINT_TRAJECTORY: "trajectory_msgs/msg/JointTrajectory",
}
# Parts of class names, so that variants such as ur_controllers/ScaledJointTrajectoryController count.
_CONTROLLER_CLASSES = {
    ArmControllerType.FORWARD_COMMAND.value: ("ForwardCommandController", "JointGroupPositionController"),
    ArmControllerType.JOINT_TRAJECTORY.value: ("JointTrajectoryController",),
}
_COMMANDER = "hume_system1"
_AHEAD = 0.02
_TOLERANCE = 0.02


def examine(robot: str, namespace: str, seconds: float) -> list[Finding]:
    """Listen to the graph for a while and compare it with a profile.

    Args:
        robot: name or path of the profile.
        namespace: of the robot's topics.
        seconds: how long to listen.

    Raises:
        RobotProfileError: the profile is unknown or wrong.
    """
    profile = RobotProfile.load(robot)
    os.environ.update(default_environment())
    return judge(profile, listen(profile, namespace, seconds))


def judge(profile: RobotProfile, graph: Graph) -> list[Finding]:
    """One finding per thing that the profile says of the graph."""
    needed = 1.0 / profile.observation.slop
    findings = list(_source("joint states", graph.joint_states, needed, profile.observation.max_age))
    findings += _joints(profile, graph)
    for key in profile.cameras:
        source = graph.cameras[key]
        findings += _source(f"camera {key}", source, 1.0 / profile.observation.max_age, profile.observation.max_age)
    findings += _commands(profile, graph)
    findings += _controllers(profile, graph)
    findings += _kinematics(profile, graph)
    return findings


def _source(what: str, source: Source, rate: float, max_age: float) -> Iterator[Finding]:
    topic = source.topic
    if not source.published_types:
        yield Finding(
            f"{what}: topic", False, f"nobody publishes {topic}", "start the driver or mend the profile's topic"
        )
        return
    good = source.published_types == {source.wanted_type}
    fix = f"the profile wants {source.wanted_type}; mend topic or transport in the profile"
    yield Finding(f"{what}: topic", good, f"{topic}, {', '.join(sorted(source.published_types))}", fix)
    if not good:
        return
    if source.problem:
        yield Finding(f"{what}: content", False, source.problem, "mend the driver or the profile")
    fix = f"at least {rate:.0f} Hz are needed; raise the driver's rate (or observation.slop, observation.max_age)"
    yield Finding(f"{what}: rate", source.rate >= rate, f"{source.rate:.1f} Hz", fix)
    if source.ages:
        age = median(source.ages)
        fix = f"stamps must be 0 to {max_age} s old; synchronise the clocks (chrony, PTP), or set use_sim_time alike"
        yield Finding(f"{what}: clock", -_AHEAD <= age <= max_age, f"stamps {age * 1e3:.1f} ms old on arrival", fix)


def _joints(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    if not graph.joint_positions:
        return
    wanted = [*profile.joint_names, *([profile.gripper.joint] if profile.gripper is not None else [])]
    missing = [name for name in wanted if name not in graph.joint_positions]
    found = f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} of {len(graph.joint_positions)} published"
    fix = f"published are: {', '.join(graph.joint_positions)}; mend the joint names in the profile"
    yield Finding("joint names", not missing, found, fix)
    outside = [
        f"{joint.name} at {graph.joint_positions[joint.name]:.3f} of {list(joint.position)}"
        for joint in profile.joints
        if joint.name in graph.joint_positions
        and joint.position is not None
        and not joint.position[0] - _TOLERANCE <= graph.joint_positions[joint.name] <= joint.position[1] + _TOLERANCE
    ]
    fix = "units must be rad; move the arm inside its limits, or mend position in the profile"
    yield Finding("joint positions", not outside, ", ".join(outside) or "within limits", fix)


def _commands(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    arm, gripper = profile.controllers.arm, profile.controllers.gripper
    yield _listener("arm commands", arm.topic, _ARM_TYPES[arm.type], graph)
    others = sorted(graph.commanders.get(arm.topic, frozenset()) - {_COMMANDER})
    if others:
        fix = f"only one node may command the arm; stop it, or call {_COMMANDER}/takeover while it has the arm"
        yield Finding("arm commands: sender", False, f"{', '.join(others)} publishes too", fix)
    if gripper is None:
        return
    if gripper.type in _GRIPPER_TYPES:
        yield _listener("gripper commands", gripper.topic, _GRIPPER_TYPES[gripper.type], graph)
        return
    there = gripper.topic in graph.action_servers
    found = gripper.topic if there else f"no action server {gripper.topic}"
    yield Finding("gripper commands", there, found, "start the gripper's driver or mend controllers.gripper")


def _listener(what: str, topic: str, wanted: str, graph: Graph) -> Finding:
    types = graph.subscribed_types.get(topic, frozenset())
    if not types:
        return Finding(what, False, f"nobody listens to {topic}", "start the controller or mend the profile's topic")
    fix = f"the profile's controller type sends {wanted}; mend controllers in the profile"
    return Finding(what, types == {wanted}, f"{topic}, {', '.join(sorted(types))}", fix)


def _controllers(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    if graph.controllers is None:
        yield Finding(
            "controller_manager", False, graph.controllers_note, "only robots under ros2_control have it", optional=True
        )
        return
    known = {controller.name: controller for controller in graph.controllers}
    for what, section in (("arm", profile.controllers.arm), ("gripper", profile.controllers.gripper)):
        if section is None or not section.controller_name:
            continue
        name = section.controller_name.split("/")[-1]
        kind = section.type.value if what == "arm" else ""
        yield _controller(f"{what} controller", name, kind, known)


def _controller(what: str, name: str, kind: str, known: dict[str, Controller]) -> Finding:
    if name not in known:
        fix = f"ros2 run controller_manager spawner {name}; or mend controllers in the profile"
        return Finding(what, False, f"{name} is not loaded; loaded: {', '.join(known) or 'none'}", fix)
    controller = known[name]
    if controller.state != "active":
        fix = f"ros2 control set_controller_state {name} active"
        return Finding(what, False, f"{name} is {controller.state}", fix)
    fits = not kind or any(word in controller.type for word in _CONTROLLER_CLASSES[kind])
    fix = f"the profile says {kind}; mend controllers.arm.type, or take another controller"
    return Finding(what, fits, f"{name} is active, {controller.type}", fix)


def _kinematics(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    section = profile.kinematics
    if section is None:
        return
    needed = profile.needed_kinematics is not None
    fix = "start robot_state_publisher, or set kinematics.urdf; joint and link names must be those of the URDF"
    if section.urdf is None and not graph.description:
        yield Finding("kinematics", False, "nobody publishes robot_description", fix, optional=not needed)
        return
    try:
        arm = load_kinematics(profile, "" if section.urdf is not None else graph.description)
    except HumeError as error:
        yield Finding("kinematics", False, str(error), fix, optional=not needed)
        return
    x, y, z = arm.forward(np.array(profile.home)).position
    yield Finding("kinematics", True, f"{section.tool_link} at home: [{x:.3f}, {y:.3f}, {z:.3f}] m")
