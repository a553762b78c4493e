"""The action rows that a policy is taught, from those of a dataset."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import ActionLayout, ActionSpace, ArmGroup, GripperGroup
from hume_core.action_spaces.end_effector import EndEffectorSpace
from hume_core.errors import ConfigError
from hume_core.kinematics import Kinematics
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.deviation import deviation, row_floor, state_floor
from hume_training.data.row_layout import ArmColumns, DataLayout, GripperColumn, Rows
from hume_training.data.tool_rows import ToolRows

_STATISTICS_FRAMES = 20_000


class TaughtRows:
    """Chunks of a dataset in the policy's action space. Every training and every statistic takes its rows from here.

    Args:
        data: with its states in the order of the layout. See `arranged`.
        layout: what its numbers are.
        space: what the arms' numbers of a row shall mean.
        kinematics: of the arm, where rows about the tool are made of joints.

    Raises:
        ConfigError: the space cannot be taught from these rows.
    """

    def __init__(
        self, data: Demonstrations, layout: DataLayout, space: ActionSpace, kinematics: Kinematics | None = None
    ) -> None:
        self.data, self.layout, self.space = data, layout, space
        self._tool: ToolRows | None = None
        if layout.rows is Rows.TOOL:
            if not space.needs_kinematics:
                raise ConfigError(
                    f"the dataset's action rows are about the tool, and action_space is '{space.name}'. Write "
                    "action_space: ee_delta   # rows are displacements, or ee_pose, where they are poses"
                )
        elif isinstance(space, EndEffectorSpace):
            self._tool = ToolRows(data, layout, self._only_arm(kinematics), space, space.required(kinematics))
        if layout.rows is Rows.JOINTS and not layout.has_positions and (space.offsets_from_anchor or self._tool):
            raise ConfigError(
                f"action_space '{space.name}' counts from the measured joints, which the dataset's 'observation.state' "
                "does not hold. Valid: joint_position"
            )

    def _only_arm(self, kinematics: Kinematics | None) -> ArmColumns:
        arms = self.layout.arms
        if len(arms) > 1 or kinematics is None:
            raise ConfigError(
                f"action_space '{self.space.name}' of a dataset of joints needs the forward kinematics of its arm: "
                f"write robot: NAME of a profile with the section kinematics. Arms of the dataset: {len(arms)}, of a "
                "profile: 1"
            )
        if not self.layout.has_positions:
            raise ConfigError("the dataset's 'observation.state' does not hold the joint positions of its arm")
        return arms[0]

    @cached_property
    def action_layout(self) -> ActionLayout:
        """How a taught row is split."""
        return ActionLayout(
            tuple(
                ArmGroup(group.name, group.joints, self.space)
                if isinstance(group, ArmColumns)
                else GripperGroup(group.name)
                for group in self.layout.groups
            )
        )

    @property
    def action_dim(self) -> int:
        """Numbers a of a taught row."""
        return self.action_layout.size

    def chunks(self, frames: NDArray[np.int64], horizon: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Action chunks (B, H, a) in real units and which rows lie beyond the intention at the frame (B, H)."""
        return self.windows(frames, frames, horizon)

    def windows(
        self, frames: NDArray[np.int64], first: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Parts of the chunks that were thought about at some frames.

        Args:
            frames: (B,) of the observations, whose state the chunks are counted from.
            first: (B,) frames of the first rows, of the same episodes and not before.
            length: rows h.

        Returns:
            (B, h, a) rows in real units, and which lie beyond the intention at `first` (B, h).
        """
        data = self.data
        rows = data.rows(first, length)
        action = data.action[rows]
        parts = [
            action[..., [group.action]] if isinstance(group, GripperColumn) else self._arm(group, rows, action, frames)
            for group in self.layout.groups
        ]
        wanted = first[:, None] + np.arange(length)
        chunk = np.concatenate(parts, axis=-1)
        if isinstance(self.space, EndEffectorSpace) and self.space.relative:
            self._rest(chunk, wanted > data.ends[first][:, None])
        return chunk, wanted > data.intended_until[first][:, None]

    def _arm(
        self,
        arm: ArmColumns,
        rows: NDArray[np.int64],
        action: NDArray[np.float32],
        frames: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """An arm's numbers (B, h, k) of rows at frames (B, h), counted from the states at `frames` (B,)."""
        if self.layout.rows is Rows.TOOL:
            return action[..., arm.in_action]
        if self._tool is not None:
            return self._tool.at(rows, frames)
        targets = self.layout.targets(arm, action)
        return np.asarray(self.space.from_joints(targets, self._anchors(arm, frames)), dtype=np.float32)

    def _anchors(self, arm: ArmColumns, frames: NDArray[np.int64]) -> NDArray[np.float32]:
        """Joint positions (B, n), rad, at frames."""
        if not arm.positions:
            return np.zeros((len(frames), len(arm.joints)), np.float32)  # of a space that does not look at them
        return self.layout.measured(arm, self.data.state[frames])

    def _rest(self, chunk: NDArray[np.float32], over: NDArray[np.bool_]) -> None:
        """After an episode's last row the tool stays: a displacement is not repeated."""
        for group, part in zip(self.layout.groups, self.action_layout.slices, strict=True):
            if isinstance(group, ArmColumns):
                chunk[..., part][over] = 0.0

    def moved(self, frames: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.float32]:
        """By how much rows counted from later frames' states differ from those counted from `frames` (B, a)."""
        result = np.zeros((len(frames), self.action_dim), np.float32)
        if self.space.offsets_from_anchor:
            for group, part in zip(self.layout.groups, self.action_layout.slices, strict=True):
                if isinstance(group, ArmColumns):
                    apart = self._anchors(group, later) - self._anchors(group, frames)
                    result[:, part] = self.space.in_rows(apart.astype(np.float64))
        return result

    def statistics(
        self, horizon: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of states (s,) and of chunk rows (a,)."""
        count = len(self.data.state)
        frames = np.linspace(0, count - 1, min(count, _STATISTICS_FRAMES)).astype(np.int64)
        chunk, beyond = self.chunks(frames, horizon)
        rows, state = chunk[~beyond].astype(np.float64), self.data.state.astype(np.float64)
        row_least = row_floor(rows.std(0), self.action_layout)
        state_least = state_floor(state.std(0), self.layout.state)
        return state.mean(0), deviation(state, state_least), rows.mean(0), deviation(rows, row_least)
