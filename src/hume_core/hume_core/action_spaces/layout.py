"""How an action row is split among the arms and grippers of a robot, and what all of them are asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.base import ActionPath, ActionSpace, Motion
from hume_core.action_spaces.layout_targets import LayoutTargets
from hume_core.action_spaces.registry import describe_spaces
from hume_core.errors import ActionSpaceError
from hume_core.kinematics import Kinematics


@dataclass(frozen=True)
class ArmGroup:
    """An arm's part of a row.

    Attributes:
        name: of the arm.
        joints: its n joints in policy order.
        space: what its numbers mean.
        kinematics: of the arm, where rows of a space that needs it become joints.
    """

    name: str
    joints: tuple[str, ...]
    space: ActionSpace
    kinematics: Kinematics | None = None

    @property
    def size(self) -> int:
        """How many numbers of a row are the arm's."""
        return self.space.size(len(self.joints))


@dataclass(frozen=True)
class GripperGroup:
    """A gripper's part of a row: one number.

    Attributes:
        name: of the gripper's joint.
        size: how many numbers of a row are the gripper's.
    """

    size: ClassVar[int] = 1
    name: str


Group = ArmGroup | GripperGroup


@dataclass(frozen=True, eq=False)
class ActionLayout:
    """The parts of an action row, in the order of its numbers.

    Joint positions of several arms stand side by side in the order of the arms, numbers of grippers likewise.

    Attributes:
        groups: arms and grippers.

    Raises:
        ActionSpaceError: there is no arm, or a name occurs twice.
    """

    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        if not self.arms:
            raise ActionSpaceError("an action layout needs at least one arm")
        for names in ([arm.name for arm in self.arms], [*self.joint_names, *self.gripper_names]):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise ActionSpaceError(f"the action layout names twice: {', '.join(doubled)}")

    @cached_property
    def arms(self) -> tuple[ArmGroup, ...]:
        """The arms in order."""
        return tuple(group for group in self.groups if isinstance(group, ArmGroup))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joints of all arms (n)."""
        return tuple(name for arm in self.arms for name in arm.joints)

    @property
    def gripper_names(self) -> tuple[str, ...]:
        """Joints of the grippers (g)."""
        return tuple(group.name for group in self.groups if isinstance(group, GripperGroup))

    @property
    def size(self) -> int:
        """Numbers a of a row."""
        return sum(group.size for group in self.groups)

    @property
    def action_space(self) -> str:
        """What a chunk says its rows mean. See `describe_spaces`."""
        return describe_spaces({arm.name: arm.space for arm in self.arms})

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of a row's numbers. With several arms those of the tools say whose they are."""
        names: list[str] = []
        for group in self.groups:
            if isinstance(group, GripperGroup):
                names.append(group.name)
                continue
            own = group.space.column_names(group.joints)
            shared = len(self.arms) > 1 and own != group.joints
            names += [f"{group.name}/{name}" for name in own] if shared else own
        return tuple(names)

    @property
    def lacks_kinematics(self) -> bool:
        """Whether an arm's rows are about its tool and its kinematics are not there."""
        return any(arm.space.needs_kinematics and arm.kinematics is None for arm in self.arms)

    @property
    def sequential(self) -> bool:
        """Whether segments must be solved in order. See `ActionSpace.sequential`."""
        return any(arm.space.sequential for arm in self.arms)

    @property
    def offsets_from_anchor(self) -> bool:
        """Whether every arm's rows are. See `ActionSpace.offsets_from_anchor`."""
        return all(arm.space.offsets_from_anchor for arm in self.arms)

    @property
    def moves_at_once(self) -> bool:
        """Whether every arm does. See `ActionSpace.moves_at_once`."""
        return all(arm.space.moves_at_once for arm in self.arms)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where in a row each group's numbers are."""
        return _slices([group.size for group in self.groups])

    @cached_property
    def joint_slices(self) -> tuple[slice, ...]:
        """Where among all joints each arm's are."""
        return _slices([len(arm.joints) for arm in self.arms])

    @cached_property
    def _arm_parts(self) -> list[tuple[ArmGroup, slice, slice]]:
        """Each arm, its numbers in a row, and its joints among all."""
        pairs = zip(self.groups, self.slices, strict=True)
        arms = [(group, part) for group, part in pairs if isinstance(group, ArmGroup)]
        return [(arm, part, joints) for (arm, part), joints in zip(arms, self.joint_slices, strict=True)]

    def gripper_numbers(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers (k, g) of the grippers in rows (k, a)."""
        pairs = zip(self.groups, self.slices, strict=True)
        columns = [part.start for group, part in pairs if isinstance(group, GripperGroup)]
        return rows[:, columns]

    @property
    def comparable(self) -> bool:
        """Whether every arm's rows are. See `ActionSpace.comparable`."""
        return all(arm.space.comparable for arm in self.arms)

    def in_rows(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far all joints moved (n,), rad, in numbers of a row (a,). Grippers: 0. See `ActionSpace.in_rows`."""
        row = np.zeros(self.size)
        for arm, part, joints in self._arm_parts:
            if arm.space.offsets_from_anchor:
                row[part] = arm.space.in_rows(moved[joints])
        return row

    def path(
        self,
        rows: NDArray[np.float64],
        anchor: NDArray[np.float64],
        dt: float,
        velocity: NDArray[np.float64] | None = None,
        before: tuple[LayoutPath, float] | None = None,
    ) -> LayoutPath:
        """The path of a chunk, for a caller that refines it piece by piece.

        Args:
            rows: (H, a) the whole chunk, real units.
            anchor: (n,) positions of all joints at the observation, rad.
            dt: time between two rows, s.
            velocity: (n,) of all joints at the observation, rad/s. None: they rest.
            before: the path that they follow at the observation, and how many rows of it have passed then.

        Raises:
            ActionSpaceError: a shape does not fit, or an arm's kinematics is missing.
        """
        self._check(rows, anchor)
        motions = self._motions(velocity, before)
        paths = [
            arm.space.path(rows[:, part], anchor[js], dt, arm.kinematics, own)
            for (arm, part, js), own in zip(self._arm_parts, motions, strict=True)
        ]
        return LayoutPath(self, paths)

    def _motions(
        self, velocity: NDArray[np.float64] | None, before: tuple[LayoutPath, float] | None
    ) -> list[Motion | None]:
        """Of each arm."""
        if velocity is None:
            return [None] * len(self._arm_parts)
        if before is None:
            return [Motion(velocity[joints]) for _, _, joints in self._arm_parts]
        paths = zip(self._arm_parts, before[0].paths, strict=True)
        return [Motion(velocity[joints], path, before[1]) for (_, _, joints), path in paths]

    def to_joints(
        self, rows: NDArray[np.float64], anchor: NDArray[np.float64], dt: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint positions (k, n), rad, and gripper numbers (k, g) of a whole chunk. See `path`."""
        targets = self.path(rows, anchor, dt).segment(0, rows)
        return targets.positions, targets.grippers

    def from_joints(
        self, positions: NDArray[np.floating], grippers: NDArray[np.floating], anchor: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """The rows that lead through joint positions. The inverse of `to_joints`.

        Args:
            positions: (k, n) of all joints, rad.
            grippers: (k, g) numbers of the grippers, real units.
            anchor: (n,) positions of all joints at the observation, rad.

        Returns:
            (k, a) rows, real units.

        Raises:
            ActionSpaceError: a shape does not fit, or an arm's kinematics is missing.
        """
        n, g, k = len(self.joint_names), len(self.gripper_names), len(positions)
        if (positions.shape, grippers.shape, anchor.shape) != ((k, n), (k, g), (n,)):
            raise ActionSpaceError(
                f"joint positions have shape {positions.shape}, grippers {grippers.shape}, the anchor {anchor.shape}. "
                f"This layout needs (k, {n}), (k, {g}), ({n},)"
            )
        arms = iter(
            arm.space.from_joints(positions[:, js], anchor[js], arm.kinematics) for arm, _, js in self._arm_parts
        )
        columns = iter(grippers.T)
        parts = [next(arms) if isinstance(group, ArmGroup) else next(columns)[:, None] for group in self.groups]
        return np.concatenate(parts, axis=1)

    def _check(self, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> None:
        n = len(self.joint_names)
        if rows.ndim != 2 or rows.shape[1] < self.size or anchor.shape != (n,):
            raise ActionSpaceError(
                f"action rows have shape {rows.shape} and the anchor {anchor.shape}. This layout needs at least "
                f"(k, {self.size}) and ({n},)"
            )


class LayoutPath:
    """The paths of one chunk, an arm each.

    Args:
        layout: how its rows are split.
        paths: of the arms, in order.
    """

    def __init__(self, layout: ActionLayout, paths: Sequence[ActionPath]) -> None:
        self._layout, self.paths = layout, paths

    def segment(self, first: int, rows: NDArray[np.float64]) -> LayoutTargets:
        """What refined rows (h, a), real units, that take the place of the chunk's from `first` on ask of the robot.

        Rows may be wider than the layout. What is left over belongs to nobody.

        Raises:
            ActionSpaceError: the rows are too narrow.
        """
        layout = self._layout
        if rows.ndim != 2 or rows.shape[1] < layout.size:
            raise ActionSpaceError(
                f"action rows have shape {rows.shape}. This layout needs at least (k, {layout.size})"
            )
        parts = [
            (arm, path.segment(first, rows[:, part]))
            for path, (arm, part, _) in zip(self.paths, layout._arm_parts, strict=True)
        ]
        several = len(parts) > 1
        reports = [f"{arm.name}: {found.report}" if several else found.report for arm, found in parts if found.report]
        positions = np.concatenate([found.positions for _, found in parts], axis=1)
        grippers, report = layout.gripper_numbers(rows), "; ".join(reports)
        if layout.moves_at_once:
            return LayoutTargets(positions, grippers, report)
        start = np.concatenate([found.positions[0] if found.start is None else found.start for _, found in parts])
        late = np.concatenate([np.full(len(arm.joints), found.start is not None) for arm, found in parts])
        return LayoutTargets(positions, grippers, report, start, late)


def _slices(sizes: Sequence[int]) -> tuple[slice, ...]:
    ends = np.cumsum(sizes)
    return tuple(slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True))
