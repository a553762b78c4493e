"""Where action rows and joint positions bring the tool, for people who look at them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hume_core.kinematics.model import ArmModel
from hume_core.policy_contract import find_contract, released_contract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model


class ToolPaths:
    """Paths of one tool of a robot in its arm's base frame. Not safe for use by two threads at once.

    Rows and joint positions are those of the whole robot.

    Args:
        profile: the robot as the checkpoint wants to see it. See `as_seen`.
        arm: forward kinematics of the tool's arm.
        points: most points of a path. A tool moves smoothly, and every point costs time.
        name: of the tool's arm. None: the robot's only one.

    Attributes:
        name: of the tool's arm.
        joint_names: of all arms.
        action_space: of the rows that are understood. See `ActionLayout.action_space`.
    """

    def __init__(self, profile: RobotProfile, arm: ArmModel, points: int = 17, name: str | None = None) -> None:
        self.name = profile.arm.name if name is None else name
        layout = profile.action_layout()
        self._arm, self._points = arm, points
        group = next(each for each in layout.arms if each.name == self.name)
        self._space = group.space
        self._numbers = layout.slices[layout.groups.index(group)]
        self._joints = layout.joint_slices[layout.arms.index(group)]
        self.joint_names, self.action_space = layout.joint_names, layout.action_space

    def of_rows(self, rows: NDArray[np.floating], anchor: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Paths (N, k + 1, 3), m, of chunks. They begin where the tool was at the observation.

        Args:
            rows: (N, H, a) in real units.
            anchor: (n,) positions of all joints at the observation, rad.
            dt: time between two rows, s.

        Raises:
            ActionSpaceError: the rows are too narrow.
        """
        numbers = np.asarray(rows, dtype=np.float64)[:, :, self._numbers]
        shown = _spread(numbers.shape[1], self._points - 1)
        found = self._space.tool_positions(numbers, anchor[self._joints], dt, self._arm, shown)
        start = np.broadcast_to(self.at(anchor), (len(numbers), 1, 3))
        return np.concatenate([start, found], axis=1)

    def of_joints(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """The path (k, 3), m, through joint positions (h, n), rad."""
        return np.stack([self.at(positions[k]) for k in _spread(len(positions), self._points)])

    def at(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the tool is (3,), m, at joint positions (n,), rad."""
        return self._space.controlled(self._arm.forward(joints[self._joints])).position


def load_tool_paths(
    profile: RobotProfile,
    checkpoint: str = "",
    contract: str = "",
    fallback: Callable[[], str] | None = None,
    points: int = 17,
) -> ToolPaths:
    """Tool paths of a robot with one arm.

    Args:
        profile: the robot.
        checkpoint: folder or hub name of the policy whose rows are drawn. Empty: rows are as the profile says.
        contract: what its numbers mean. See `find_contract`.
        fallback: gives the URDF's text where the profile names none.
        points: most points of a path.

    Raises:
        RobotProfileError: the profile has no `kinematics`, or there is no description.
        KinematicsError: the description cannot be read.
        CheckpointError: there is no such checkpoint, or its contract is damaged.
    """
    arm = load_arm_model(profile, fallback=fallback)
    return ToolPaths(as_seen(profile, checkpoint, contract), arm, points)


def load_every_tool(
    profile: RobotProfile,
    checkpoint: str = "",
    contract: str = "",
    fallback: Callable[[], str] | None = None,
    points: int = 17,
) -> tuple[ToolPaths, ...]:
    """Tool paths of each arm with kinematics. Arguments and errors as of `load_tool_paths`."""
    seen, once = as_seen(profile, checkpoint, contract), None if fallback is None else cache(fallback)
    return tuple(
        ToolPaths(seen, load_arm_model(profile, fallback=once, arm=arm), points, arm.name) for arm in profile.tool_arms
    )


def as_seen(profile: RobotProfile, checkpoint: str = "", contract: str = "") -> RobotProfile:
    """The robot as a checkpoint wants to see it. Weights are not read. Errors as of `load_tool_paths`."""
    if not checkpoint and not contract:
        return profile
    folder = Path(checkpoint).expanduser()
    if checkpoint and not contract and not folder.is_dir() and not released_contract(checkpoint):
        # Late, because it brings torch, which nothing else here needs.
        from hume_core.checkpoint import resolve_folder

        folder = resolve_folder(checkpoint)
    found = find_contract(checkpoint, folder, contract)
    return profile if found is None else found.seen_by(profile)


def _spread(size: int, most: int) -> NDArray[np.intp]:
    """At most so many places among `size`, evenly spread, with the last one."""
    return np.unique(np.linspace(size - 1, 0, min(size, most)).round().astype(np.intp))
