"""The shipped robots with two tools, and joint positions that they come by."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_needed_kinematics

FOLDER = Path(__file__).parents[2] / "src" / "hume_bringup" / "config" / "robots"
ROBOTS = {name: RobotProfile.load(FOLDER / f"{name}.yaml") for name in ("agibot_g1", "aloha", "ur5e_pair")}
WRITTEN: list[dict[str, Any]] = [
    {"space": "ee_delta"},
    {"space": "ee_delta", "frame": "tool", "rotation": "rpy", "scale": [0.5, 0.5, 0.5, 2.0, 2.0, 2.0]},
    {"space": "ee_pose"},
    {"space": "ee_pose", "rotation": "rpy"},
]
DT = 0.05


@cache
def kinematics(robot: str) -> dict[str, Kinematics]:
    return load_needed_kinematics(ROBOTS[robot].with_action("ee_delta"))


def written(robot: str, fields: dict[str, Any]) -> RobotProfile:
    return ROBOTS[robot].with_action(**fields)


def near(robot: str, seed: int, rows: int = 6, share: float = 0.3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where all joints begin (n,), and joint positions (rows, n) that a slow arm comes by."""
    profile = ROBOTS[robot]
    rng, limits = np.random.default_rng(seed), profile.motion_limits()
    # In the middle of their ranges, so that no limit is in the way.
    middle, half = 0.5 * (limits.lower + limits.upper), 0.5 * (limits.upper - limits.lower)
    start = np.clip(np.array(profile.home), middle - 0.8 * half, middle + 0.8 * half)
    steps = share * rng.uniform(-1.0, 1.0, (rows, limits.size)) * limits.velocity * DT
    return start, start + np.cumsum(steps, axis=0)


def state_of(robot: str, parts: list[Any]) -> RobotProfile:
    return RobotProfile.model_validate(ROBOTS[robot].model_dump(mode="json") | {"state": parts})
