"""Which numbers of a dataset's action rows belong to which arm and gripper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hume_core.errors import DatasetError
from hume_core.texts import listed
from hume_training.data.columns import Column, Kind, read_columns
from hume_training.data.layout_options import ARM, LayoutOptions, not_said
from hume_training.data.row_layout import ArmColumns, GripperColumn, Rows

_TOOL = 6
_ACTION = "action"
_BODY = "body"
_CLAIM = "action_space: ee_delta   # or ee_pose"


@dataclass(frozen=True)
class ActionColumns:
    """The parts of an action row.

    Attributes:
        rows: what the arms' numbers are.
        groups: arms and grippers in order. Arms without `positions`.
        rotation: see `DataLayout`.
        recorded: the joints as the dataset calls them. Empty: it does not.
        unit: of joints as far as the names say: "rad", "deg" or empty.
    """

    rows: Rows
    groups: tuple[ArmColumns | GripperColumn, ...]
    rotation: str = ""
    recorded: tuple[str, ...] = ()
    unit: str = ""


def action_columns(
    names: Sequence[str], size: int, options: LayoutOptions, state_joints: tuple[str, ...] = ()
) -> ActionColumns:
    """The parts of a dataset's action rows.

    Args:
        names: of the numbers. Empty where the dataset has none.
        size: of a row.
        options: of the training.
        state_joints: joints that the names of the state list, for rows about the tool.

    Raises:
        DatasetError: neither names nor configuration say what the numbers are. With the lines to write. Or both
            contradict each other.
    """
    columns = read_columns(names)
    told = bool(columns) and all(column.kind is not Kind.UNKNOWN for column in columns)
    if told and not options.row and options.rows in (None, _rows_of(columns)):
        return _checked(_named(names, columns, options, state_joints), options)
    if options.arms or options.profile is not None:
        return _configured(names, size, options)
    raise not_said(_ACTION, names, size, "that does not say which are joints and which are grippers", _lines(size))


def _lines(size: int) -> list[str]:
    return [
        "robot: NAME   # a profile whose joints, and gripper, stand in this order, or",
        f"joints: [NAME, ...]   # of the arm, as the robot calls them. A gripper follows as the last of {size}",
        "grippers: {NAME: [CLOSED, OPEN]}   # the gripper's joint and its numbers; [] where there is none",
        "or, for several arms, arms: {left: [NAME, ...], right: [NAME, ...]}",
        "with row: [left, NAME_OF_GRIPPER, right, NAME_OF_GRIPPER]",
        "or, for rows about the tool, dataset_actions: tool",
    ]


def _rows_of(columns: Sequence[Column]) -> Rows:
    return Rows.TOOL if any(column.kind.is_tool for column in columns) else Rows.JOINTS


def _named(
    names: Sequence[str], columns: Sequence[Column], options: LayoutOptions, state_joints: tuple[str, ...]
) -> ActionColumns:
    """From names that say what the numbers are."""
    rows = _rows_of(columns)
    wanted = (Kind.GRIPPER, Kind.JOINT) if rows is Rows.JOINTS else (Kind.GRIPPER, Kind.POSITION, *_ROTATIONS)
    strange = [f"'{name}' ({c.kind.value})" for name, c in zip(names, columns, strict=True) if c.kind not in wanted]
    if strange:
        raise DatasetError(
            f"the dataset's '{_ACTION}' is called {listed(names)}; {listed(strange)} cannot be a number of an action "
            f"row beside {wanted[1].value}s. Write action rows without, or name the numbers with robot or joints"
        )
    arms = list(dict.fromkeys(_arm_of(c) for c in columns if c.kind is not Kind.GRIPPER))
    parts = _runs(columns)
    doubled = [c.name for c in columns if c.kind is Kind.JOINT and [d.name for d in columns].count(c.name) > 1]
    if not arms or doubled:
        problem = f"joint '{doubled[0]}' occurs twice" if doubled else "an arm is missing"
        raise DatasetError(f"the dataset's '{_ACTION}' is called {listed(names)}; {problem}")
    if len([name for name, _ in parts if name in arms]) != len(arms):
        raise DatasetError(
            f"the dataset's '{_ACTION}' is called {listed(names)}. The numbers of an arm must stand side by side"
        )
    groups: list[ArmColumns | GripperColumn] = []
    for name, part in parts:
        if columns[part[0]].kind is Kind.GRIPPER:
            groups.append(GripperColumn(columns[part[0]].name, part[0]))
            continue
        joints = tuple(columns[k].name for k in part) if rows is Rows.JOINTS else ()
        groups.append(ArmColumns(name if len(arms) > 1 else ARM, joints, part))
    if rows is Rows.TOOL:
        return ActionColumns(rows, _with_joints(names, groups, options, state_joints), _rotation(names, columns))
    recorded = tuple(c.name for c in columns if c.kind is Kind.JOINT)
    units = {c.unit for c in columns if c.kind is Kind.JOINT}
    return ActionColumns(rows, tuple(groups), recorded=recorded, unit=units.pop() if len(units) == 1 else "")


_ROTATIONS = tuple(kind for kind in Kind if kind.is_rotation)


def _arm_of(column: Column) -> str:
    return column.side or _BODY


def _runs(columns: Sequence[Column]) -> list[tuple[str, tuple[int, ...]]]:
    """Neighbours of one arm, and each gripper by itself."""
    keyed = [(f"gripper {i}" if c.kind is Kind.GRIPPER else _arm_of(c)) for i, c in enumerate(columns)]
    return [(key, tuple(part)) for key, part in groupby(range(len(columns)), key=lambda i: keyed[i])]


def _rotation(names: Sequence[str], columns: Sequence[Column]) -> str:
    """How tool rows write a rotation, in `RotationFormat`'s words."""
    kinds = {column.kind for column in columns if column.kind.is_rotation}
    counts = {side: sum(c.kind.is_tool for c in columns if c.side == side) for side in {c.side for c in columns}}
    if kinds == {Kind.QUATERNION} or any(count not in (0, _TOOL) for count in counts.values()) or len(kinds) != 1:
        raise DatasetError(
            f"the dataset's '{_ACTION}' is called {listed(names)}. Rows about the tool need three numbers for its "
            "position and three for its rotation: rx, ry, rz or roll, pitch, yaw"
        )
    return "rpy" if kinds == {Kind.RPY} else "rotation_vector"


def _with_joints(
    names: Sequence[str],
    groups: Sequence[ArmColumns | GripperColumn],
    options: LayoutOptions,
    state_joints: tuple[str, ...],
) -> tuple[ArmColumns | GripperColumn, ...]:
    """Arms whose rows are about the tool, with the joints that move it."""
    arms = [group for group in groups if isinstance(group, ArmColumns)]
    known = dict(options.arms)
    if len(arms) == 1:
        profile = () if options.profile is None else options.profile.joint_names
        known.setdefault(ARM, profile or state_joints)
    for arm in arms:
        if not known.get(arm.name):
            lines = [
                "robot: NAME   # the profile of the arm that was recorded, or",
                f"joints: [NAME, ...]   # of {ARM}",
            ]
            if len(arms) > 1:
                lines = [f"arms: {{{', '.join(f'{other.name}: [NAME, ...]' for other in arms)}}}"]
            raise not_said(_ACTION, names, len(names), "that does not say which joints move the tool", lines)
    return tuple(
        replace(group, joints=tuple(known[group.name])) if isinstance(group, ArmColumns) else group for group in groups
    )


def _configured(names: Sequence[str], size: int, options: LayoutOptions) -> ActionColumns:
    """From the configuration alone, in the order that it gives."""
    rows = options.rows or Rows.JOINTS
    arms = dict(options.arms)
    grippers = options.grippers
    if not arms:
        assert options.profile is not None
        arms = {ARM: options.profile.joint_names}
        if options.rows is None and len(options.profile.joint_names) == _TOOL:
            raise not_said(_ACTION, names, size, "that does not say whether six of them are joints or the tool's", [
                "dataset_actions: joints   # absolute joint targets, or tool"
            ])  # fmt: skip
    used = sum(_TOOL if rows is Rows.TOOL else len(joints) for joints in arms.values())
    if grippers is None:
        grippers = _rest(size - used, options)
    row = options.row or _plain_row(list(arms), [gripper.name for gripper in grippers])
    parts = {gripper.name: gripper for gripper in grippers}
    if sorted(row) != sorted([*arms, *parts]):
        raise DatasetError(f"row must name each of {listed([*arms, *parts])} once, found {listed(row)}")
    groups: list[ArmColumns | GripperColumn] = []
    first = 0
    for name in row:
        width = 1 if name in parts else _TOOL if rows is Rows.TOOL else len(arms[name])
        columns = tuple(range(first, first + width))
        groups.append(
            replace(parts[name], action=first) if name in parts else ArmColumns(name, tuple(arms[name]), columns)
        )
        first += width
    if first != size:
        found = f"The dataset's has {size}: {listed(names)}" if names else f"The dataset's has {size}"
        raise DatasetError(
            f"a row of {listed(row)} with {used} numbers of arms and {len(parts)} of grippers has {first}. {found}"
        )
    return ActionColumns(rows, tuple(groups))


def _rest(count: int, options: LayoutOptions) -> tuple[GripperColumn, ...]:
    """The gripper that one number behind the arm is."""
    profile = options.profile
    known = () if profile is None else profile.gripper_names
    name = known[0] if len(known) == 1 else "gripper"
    return (GripperColumn(name, -1),) if count == 1 else ()


def _plain_row(arms: Sequence[str], grippers: Sequence[str]) -> tuple[str, ...]:
    if len(arms) > 1 and grippers:
        raise DatasetError(
            f"the configuration names the arms {listed(arms)} and the grippers {listed(grippers)}. Add row: with all "
            "of them in the order of a row's numbers"
        )
    return (*arms, *grippers)


def _checked(found: ActionColumns, options: LayoutOptions) -> ActionColumns:
    """With the names that the configuration gives, where those of the dataset do not contradict it."""
    groups = list(found.groups)
    told = dict(options.arms) or ({} if options.profile is None else {ARM: options.profile.joint_names})
    arms = [group for group in groups if isinstance(group, ArmColumns)]
    if told and found.rows is Rows.JOINTS:
        for arm in arms:
            _compare(arm, told)
        groups = [replace(g, joints=tuple(told[g.name])) if isinstance(g, ArmColumns) else g for g in groups]
    if options.grippers is not None:
        groups = _with_grippers(groups, options.grippers)
    return replace(found, groups=tuple(groups))


def _compare(arm: ArmColumns, told: dict[str, tuple[str, ...]]) -> None:
    wanted = told.get(arm.name)
    if wanted is None:
        raise DatasetError(
            f"the dataset's '{_ACTION}' has an arm '{arm.name}' with {listed(arm.joints)}. The configuration names "
            f"{listed(told)}"
        )
    other_names = not set(arm.joints) & set(wanted)
    if len(arm.joints) != len(wanted) or (tuple(arm.joints) != tuple(wanted) and not other_names):
        raise DatasetError(
            f"the dataset's '{_ACTION}' has the joints {listed(arm.joints)}. The configuration says {listed(wanted)}"
        )


def _with_grippers(
    groups: Sequence[ArmColumns | GripperColumn], told: Sequence[GripperColumn]
) -> list[ArmColumns | GripperColumn]:
    found = [group for group in groups if isinstance(group, GripperColumn)]
    if len(found) != len(told):
        raise DatasetError(
            f"the dataset's '{_ACTION}' has {len(found)} grippers ({listed(g.name for g in found) or 'none'}). The "
            f"configuration says {len(told)}"
        )
    left = iter(told)
    return [replace(next(left), action=g.action) if isinstance(g, GripperColumn) else g for g in groups]
