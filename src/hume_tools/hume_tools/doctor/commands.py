"""Whether commands are received, and by what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hume_core.robot import (
    ArmController,
    ArmControllerType,
    Gripper,
    GripperController,
    GripperControllerType,
    RobotProfile,
)
from hume_tools.doctor.graph import Endpoint, Graph
from hume_tools.doctor.installation import Finding

_ARM_TYPES = {
    ArmControllerType.FORWARD_COMMAND: "std_msgs/msg/Float64MultiArray",
    ArmControllerType.JOINT_TRAJECTORY: "trajectory_msgs/msg/JointTrajectory",
}
_GRIPPER_TYPES = {
    GripperControllerType.POSITION: "std_msgs/msg/Float64MultiArray",
    GripperControllerType.JOINT_TRAJECTORY: "trajectory_msgs/msg/JointTrajectory",
}
_GRIPPER_ACTIONS = {"control_msgs/action/GripperCommand", "control_msgs/action/ParallelGripperCommand"}
_COMMANDER = "hume_system1"


def judge_commands(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    """Findings on the topics and actions that System 1 commands the robot by."""
    for arm in profile.arms:
        yield from _topic(arm.label, arm.controller, _ARM_TYPES[arm.controller.type], graph)
    for gripper in profile.grippers:
        controller = gripper.controller
        if controller is not None and controller.type in _GRIPPER_TYPES:
            yield from _topic(gripper.label, controller, _GRIPPER_TYPES[controller.type], graph)
        elif controller is not None:
            yield _action(gripper, controller.topic, graph)


def judge_stack(graph: Graph) -> Iterator[Finding]:
    """A finding per topic of the stack on which one node publishes from several processes."""
    for topic, nodes in graph.repeated.items():
        found = ", ".join(f"{node} publishes from {count} processes" for node, count in nodes.items())
        fix = "stop all but one, or give each robot its own namespace. ps aux | grep hume_ names them"
        yield Finding(topic, False, found, fix)


def _topic(what: str, controller: ArmController | GripperController, wanted: str, graph: Graph) -> Iterator[Finding]:
    topic = controller.topic
    listeners = graph.listeners.get(topic, ())
    if listeners:
        types = {endpoint.type for endpoint in listeners}
        fix = f"the profile's controller type sends {wanted}. Correct controllers in the profile"
        yield Finding(f"{what} commands", types == {wanted}, f"{topic}, {', '.join(sorted(types))}", fix)
    else:
        fix = "start the controller or correct the profile's topic"
        yield Finding(f"{what} commands", False, f"nobody listens to {topic}", fix)
    yield from _qos(what, controller.controller_name, listeners)
    others = sorted(graph.commanders.get(topic, frozenset()) - {_COMMANDER})
    if others:
        fix = f"only one node may command the {what}. Stop it, or call {_COMMANDER}/takeover while it has the {what}"
        yield Finding(f"{what} commands: sender", False, f"{', '.join(others)} publishes too", fix)


def _qos(what: str, controller: str, listeners: Sequence[Endpoint]) -> Iterator[Finding]:
    """Recorders and viewers may listen as they like. The controller must get the commands."""
    own = [endpoint for endpoint in listeners if endpoint.node == controller.rpartition("/")[2]]
    deaf = [endpoint for endpoint in own or listeners if endpoint.qos_problem]
    if deaf:
        found = ", ".join(f"{endpoint.node}: {endpoint.qos_problem}" for endpoint in deaf)
        fix = (
            "System 1 sends reliable, volatile, depth 1. Make the subscription volatile, without deadline or liveliness"
        )
        yield Finding(f"{what} commands: QoS", False, found, fix)


def _action(gripper: Gripper, name: str, graph: Graph) -> Finding:
    offered = graph.actions.get(name, frozenset())
    if not offered:
        fix = f"start the gripper's driver or correct {gripper.controller_field}"
        return Finding(f"{gripper.label} commands", False, f"no action server {name}", fix)
    wrong = sorted(offered - _GRIPPER_ACTIONS)
    actions = " or ".join(sorted(_GRIPPER_ACTIONS))
    fix = f"gripper_action sends {actions}. Correct {gripper.controller_field} in the profile"
    return Finding(f"{gripper.label} commands", not wrong, f"{name}, {', '.join(sorted(offered))}", fix)
