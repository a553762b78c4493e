"""SROS2 policies: what each node may do, and nothing else, for a robot and a namespace.

    python -m hume_bringup.security --robot wx250s_sim > policy.xml

writes a policy in the format of `ros2 security generate_artifacts`. Each process has an enclave of its own, named as
`NodeSpec.enclave` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from hume_bringup.node_spec import enclave
from hume_core.errors import HumeError
from hume_core.robot import GripperControllerType, RobotProfile
from hume_sim.arm import ONE_ARM, TWO_ARMS, cameras_of
from hume_sim.fault_names import faults_of
from hume_sim.robots import other_than_simulated
from hume_system1.stop_sources import STOP_TOPICS, stop_sources
from hume_views.topics import JOINTS, MARKERS, MOTION

_OUTPUTS = ("/rosout", "/parameter_events")
_PARAMETER_SERVICES = (
    "describe_parameters", "get_parameter_types", "get_parameters", "get_type_description", "list_parameters",
    "set_parameters", "set_parameters_atomically",
)  # fmt: skip
_LIFECYCLE_SERVICES = (
    "change_state", "get_available_states", "get_available_transitions", "get_state", "get_transition_graph",
)  # fmt: skip
_SYSTEM1_SERVICES = ("estop", "reset", "set_enabled", "takeover")
_SYSTEM2_SERVICES = ("cancel",)
_LABELS = "hume/label"
_TASK = "hume/execute_task"


@dataclass(frozen=True)
class Permissions:
    """What one node may do. Names are relative to its namespace unless they begin with a slash.

    Attributes:
        node: node name.
        publish, subscribe: topics.
        reply, request: services it offers and calls.
        execute, call: actions it offers and calls.
    """

    node: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    own: tuple[str, ...] = field(default=_PARAMETER_SERVICES)

    def replies(self) -> tuple[str, ...]:
        """Every service it offers: its own below its name, and the others."""
        return (*(f"{self.node}/{name}" for name in self.own), *self.reply)


def permissions(profile: RobotProfile) -> list[Permissions]:
    """What the nodes of the stack need for a robot, and an operator."""
    cameras = tuple(camera.topic for camera in profile.cameras.values())
    sensors = (*cameras, profile.joint_states)
    own = [_system2(sensors), _system1(profile), _denoiser(profile, sensors), _simulator(profile)]
    return [*own, *_views(profile, sensors), _operator(sensors)]


def _system2(sensors: tuple[str, ...]) -> Permissions:
    return Permissions(
        "hume_system2",
        publish=(
            "/diagnostics", "hume/action_chunk", "hume/epoch", "hume/system2/heartbeat", "hume/thought",
            "hume_system2/transition_event",
        ),
        subscribe=("/clock", "hume/epoch", "hume/status", *sensors),
        execute=(_TASK,),
        own=(*_PARAMETER_SERVICES, *_LIFECYCLE_SERVICES, *_SYSTEM2_SERVICES),
    )  # fmt: skip


def _system1(profile: RobotProfile) -> Permissions:
    commands = _command_topics(profile)
    actions = [controller.topic for controller in profile.controllers if controller.topic not in commands]
    # Before Jazzy it is asked by a service instead.
    activity = [f"{profile.controller_manager}/activity"] if profile.managed_controllers else []
    return Permissions(
        "hume_system1",
        publish=("/diagnostics", "hume/epoch", "hume/status", "hume_system1/transition_event", *commands),
        subscribe=(
            "/clock", "hume/action_chunk", "hume/epoch", "hume/segment", "hume/system1/heartbeat",
            "hume/system2/heartbeat", profile.joint_states, *stop_sources(profile), *activity,
        ),
        call=tuple(actions),
        own=(*_PARAMETER_SERVICES, *_LIFECYCLE_SERVICES, *_SYSTEM1_SERVICES),
    )  # fmt: skip


def _denoiser(profile: RobotProfile, sensors: tuple[str, ...]) -> Permissions:
    description = ("robot_description",) if any(each.urdf is None for each in profile.needed_kinematics) else ()
    return Permissions(
        "hume_system1_denoiser",
        publish=("hume/epoch", "hume/segment", "hume/system1/heartbeat"),
        subscribe=("/clock", "hume/action_chunk", "hume/epoch", "hume/status", *sensors, *description),
    )


def _simulator(profile: RobotProfile) -> Permissions:
    """Of the table with the arms of the robot. For other robots, with one arm."""
    arms = ONE_ARM if len(profile.arms) == 1 or other_than_simulated(profile) else TWO_ARMS
    cameras = [f"camera/{name}/{kind}" for name in cameras_of(arms) for kind in ("camera_info", "image_raw")]
    topics = ("arm_controller/commands", "arm_controller/joint_trajectory", "gripper_controller/commands")
    return Permissions(
        "hume_sim",
        publish=("/clock", "joint_states", "sim/episode", "sim/failure", *cameras),
        subscribe=("/clock", *(arm.prefix + topic for arm in arms for topic in topics), "hume/epoch"),
        reply=("sim/begin_task", "sim/reset", *(f"sim/faults/{name}" for name in sorted(faults_of(arms)))),
    )  # fmt: skip


def _views(profile: RobotProfile, sensors: tuple[str, ...]) -> list[Permissions]:
    """What draws the candidates, and the live view of rerun."""
    sections = [arm.kinematics for arm in profile.tool_arms]
    description = ("robot_description",) if any(each is not None and each.urdf is None for each in sections) else ()
    shown = ("/clock", "hume/action_chunk", "hume/status", "hume/thought", *description)
    markers = (*shown, profile.joint_states, *(arm.controller.topic for arm in profile.arms))
    commands = _command_topics(profile)
    return [
        Permissions("hume_markers", publish=(MARKERS, MOTION, *JOINTS.values()), subscribe=markers),
        Permissions("hume_rerun", subscribe=(*shown, "hume/epoch", "hume/segment", *commands, *sensors)),
    ]


def _command_topics(profile: RobotProfile) -> list[str]:
    """Where commands go, less the actions of grippers."""
    return [item.topic for item in profile.controllers if item.type is not GripperControllerType.GRIPPER_ACTION]


def _operator(sensors: tuple[str, ...]) -> Permissions:
    """People and their tools: may watch everything, give tasks, stop, reset and drive the lifecycle. No commands."""
    system1 = (*_SYSTEM1_SERVICES, "get_parameters", "set_parameters")
    services = [*(f"hume_system1/{name}" for name in system1), *(f"hume_system2/{name}" for name in _SYSTEM2_SERVICES)]
    lifecycle = (f"{node}/{name}" for node in ("hume_system1", "hume_system2") for name in _LIFECYCLE_SERVICES)
    return Permissions(
        "hume_operator",
        publish=(*STOP_TOPICS, _LABELS),
        subscribe=(
            "/clock", "/diagnostics", "/rosout", "hume/action_chunk", "hume/epoch", "hume/segment", "hume/status",
            "hume/system1/heartbeat", "hume/system2/heartbeat", "hume/thought", MARKERS, MOTION, *JOINTS.values(),
            *sensors,
        ),
        request=(*services, *lifecycle),
        call=(_TASK,),
    )  # fmt: skip


def policy(profile: RobotProfile, namespace: str = "") -> str:
    """The policy file's text.

    Args:
        profile: whose topics are meant.
        namespace: of every node, without slashes around it.
    """
    where = "/" + namespace.strip("/")
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- Robot {profile.name}, namespace {where}. Made by: python -m hume_bringup.security -->",
        '<policy version="0.2.0">',
        "  <enclaves>",
    ]
    for item in permissions(profile):
        parts += [
            f'    <enclave path="{enclave(item.node)}">',
            "      <profiles>",
            f'        <profile ns="{escape(where)}" node="{item.node}">',
            *_rules("topics", "topic", "publish", (*_OUTPUTS, *item.publish)),
            *_rules("topics", "topic", "subscribe", item.subscribe),
            *_rules("services", "service", "reply", item.replies()),
            *_rules("services", "service", "request", item.request),
            *_rules("actions", "action", "execute", item.execute),
            *_rules("actions", "action", "call", item.call),
            "        </profile>",
            "      </profiles>",
            "    </enclave>",
        ]
    return "\n".join([*parts, "  </enclaves>", "</policy>", ""])


def _rules(section: str, element: str, right: str, names: Iterable[str]) -> list[str]:
    entries = [f"            <{element}>{escape(name)}</{element}>" for name in sorted(set(names))]
    return [f'          <{section} {right}="ALLOW">', *entries, f"          </{section}>"] if entries else []


def main() -> int:
    """Print the policy of a robot."""
    parser = argparse.ArgumentParser(description="Print the SROS2 policy of a robot.")
    parser.add_argument("--robot", default="wx250s_sim", help="robot profile: a name or the path of a YAML file")
    parser.add_argument("--prefix", default="", help="prefix of the robot's joints, links and controllers")
    parser.add_argument("--no-prefix-controllers", action="store_true", help="the controllers have no prefix")
    parser.add_argument("--namespace", default="", help="namespace of the stack")
    arguments = parser.parse_args()
    try:
        profile = RobotProfile.load(arguments.robot, arguments.prefix, not arguments.no_prefix_controllers)
        sys.stdout.write(policy(profile, arguments.namespace))
    except HumeError as error:
        print(f"hume: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
