"""Listens to a robot's graph, then applies every rule."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from hume_bringup.environment import default_environment
from hume_core.errors import HumeError
from hume_core.robot import Arm, RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_tools.doctor.checkpoint import judge_checkpoint
from hume_tools.doctor.commands import judge_commands, judge_stack
from hume_tools.doctor.controllers import judge_controllers
from hume_tools.doctor.graph import Graph
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.listener import listen
from hume_tools.doctor.sources import judge_sources
from hume_tools.doctor.stops import judge_stops


def examine(
    profile: RobotProfile, namespace: str, seconds: float, checkpoint: str = "", contract: str = ""
) -> list[Finding]:
    """Listen to the graph for a while and compare it with a profile.

    Args:
        profile: of the robot, with its prefix.
        namespace: of the robot's topics.
        seconds: how long to listen.
        checkpoint: to compare with the profile. Empty: none.
        contract: of the checkpoint. Empty: its own.
    """
    os.environ.update(default_environment())
    fits = judge_checkpoint(profile, checkpoint, contract) if checkpoint else ()
    return [*judge(profile, listen(profile, namespace, seconds)), *fits]


def judge(profile: RobotProfile, graph: Graph) -> list[Finding]:
    """One finding per thing that the profile says of the graph."""
    return [
        *judge_sources(profile, graph),
        *judge_commands(profile, graph),
        *judge_stack(graph),
        *judge_controllers(profile, graph),
        *judge_stops(profile, graph),
        *(finding for arm in profile.arms for finding in _kinematics(profile, arm, graph)),
    ]


def _kinematics(profile: RobotProfile, arm: Arm, graph: Graph) -> Iterator[Finding]:
    section, what = arm.kinematics, arm.kinematics_field
    if section is None:
        return
    needed = arm in (*profile.moved_tools, *profile.seen_tools)
    fix = "start robot_state_publisher, or set kinematics.urdf. Joint and link names must be those of the URDF"
    if section.urdf is None and not graph.description:
        yield Finding(what, False, "nobody publishes robot_description", fix, optional=not needed)
        return
    try:
        text = "" if section.urdf is not None else graph.description
        kinematics = load_kinematics(profile, text, arm=arm)
    except HumeError as error:
        yield Finding(what, False, str(error), fix, optional=not needed)
        return
    x, y, z = kinematics.forward(np.array(arm.home)).position
    yield Finding(what, True, f"{section.tool_link} at home: [{x:.3f}, {y:.3f}, {z:.3f}] m")
