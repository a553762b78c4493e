"""A six-joint arm as a description, its limits and its kinematics."""

from __future__ import annotations

import numpy as np

from hume_core.kinematics import ArmModel, Kinematics, Pose
from hume_core.limits import UNLIMITED, MotionLimits

JOINTS = tuple(f"j{k}" for k in range(1, 7))
ENDLESS = np.array([False] * 5 + [True])
START = np.array([0.3, -0.6, 1.2, 0.2, 0.7, -0.4])


def urdf(kind: str = "revolute") -> str:
    """A six-joint arm with a spherical wrist, and a finger beside its tool. The last joint is of the given kind."""
    axes = ("0 0 1", "0 1 0", "0 1 0", "1 0 0", "0 1 0", "1 0 0")
    offsets = ("0 0 0.1", "0 0 0.05", "0 0 0.25", "0.1 0 0.03", "0.15 0 0", "0.05 0 0")
    parts = ['<robot name="six"><link name="base"/>']
    parent = "base"
    for k, (axis, offset) in enumerate(zip(axes, offsets, strict=True), start=1):
        joint_type = kind if k == 6 else "revolute"
        limit = "" if joint_type == "continuous" else '<limit lower="-2.5" upper="2.5" velocity="2" effort="9"/>'
        parts.append(
            f'<link name="l{k}"/><joint name="j{k}" type="{joint_type}"><parent link="{parent}"/><child link="l{k}"/>'
            f'<origin xyz="{offset}"/><axis xyz="{axis}"/>{limit}</joint>'
        )
        parent = f"l{k}"
    parts.append(
        '<link name="tool"/><joint name="mount" type="fixed"><parent link="l6"/><child link="tool"/>'
        '<origin xyz="0.1 0 0"/></joint><link name="finger"/><joint name="slide" type="prismatic"><parent link="l6"/>'
        '<child link="finger"/><axis xyz="0 1 0"/><limit lower="0" upper="0.04" velocity="1" effort="9"/></joint>'
        "</robot>"
    )
    return "".join(parts)


def limits(velocity: float = 2.0, upper: float = 2.5) -> MotionLimits:
    six = np.ones(6)
    return MotionLimits(JOINTS, -2.5 * six, upper * six, velocity * six, 9 * six, 99 * six, six)


def arm(velocity: float = 2.0, upper: float = 2.5, kind: str = "revolute") -> Kinematics:
    return Kinematics(ArmModel(urdf(kind), JOINTS, "base", "tool"), limits(velocity, upper), np.zeros(6))


def endless_arm() -> Kinematics:
    """The last joint is continuous in the description and in the limits."""
    six = np.ones(6)
    bounds = [np.where(ENDLESS, UNLIMITED, 2.5 * six), 2.0 * six, 9 * six, 99 * six, six]
    return Kinematics(
        ArmModel(urdf("continuous"), JOINTS, "base", "tool"),
        MotionLimits(JOINTS, -bounds[0], *bounds, continuous=ENDLESS),
        np.zeros(6),
    )


def assert_same(pose: Pose, other: Pose, position: float = 1e-4, rotation: float = 1e-4) -> None:
    error = pose.error_to(other)
    assert np.linalg.norm(error[:3]) <= position and np.linalg.norm(error[3:]) <= rotation  # noqa: PT018
