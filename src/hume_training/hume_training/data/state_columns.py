"""Which numbers of a dataset's states are joints, grippers and the tool's pose."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from hume_core.errors import DatasetError
from hume_core.texts import listed
from hume_training.data.columns import Column, Kind, read_columns
from hume_training.data.layout_options import LayoutOptions, not_said
from hume_training.data.row_layout import StateColumns, StatePart

_STATE = "observation.state"
_PARTS = {
    Kind.JOINT: StatePart.JOINT_POSITIONS,
    Kind.VELOCITY: StatePart.JOINT_VELOCITIES,
    Kind.GRIPPER: StatePart.GRIPPER,
    Kind.POSITION: StatePart.TOOL_POSITION,
    Kind.PADDING: StatePart.PADDING,
}
_FORMS = {Kind.ROTATION_VECTOR: "rotation_vector", Kind.RPY: "rpy"}
_SIZES = {StatePart.TOOL_POSITION: 3, StatePart.TOOL_ROTATION: 3, StatePart.PADDING: 1}


def state_joints(names: Sequence[str]) -> tuple[str, ...]:
    """Joints whose positions the names of a state list."""
    return tuple(column.name for column in read_columns(names) if column.kind is Kind.JOINT)


def state_columns(
    names: Sequence[str],
    size: int,
    options: LayoutOptions,
    joints: Sequence[str],
    recorded: Sequence[str],
    grippers: int,
) -> tuple[tuple[StateColumns, ...], tuple[int, ...] | None]:
    """The parts of a state, and the order of the dataset's columns where they have to be moved for that.

    Args:
        names: of the numbers; empty where the dataset has none.
        size: of a state.
        options: of the training.
        joints: of all arms, as the robot calls them.
        recorded: the same as the dataset's actions call them; empty: they do not.
        grippers: how many an action row has.

    Raises:
        DatasetError: neither names nor configuration say what the numbers are; with the lines to write. Or both
            contradict each other.
    """
    if options.state:
        return _configured(names, size, options.state, len(joints), grippers), None
    columns = read_columns(names)
    if columns and all(column.kind is not Kind.UNKNOWN for column in columns):
        return _named(names, columns, joints, recorded)
    profile = options.profile
    if profile is not None and profile.state_dim == size and len(joints) == len(profile.joints):
        return _configured(names, size, [field.value for field in profile.state], len(joints), grippers), None
    raise not_said(_STATE, names, size, "that does not say what they are", [
        f"state: [joint_positions, gripper]   # in order; valid: {listed(part.value for part in StatePart)}"
    ])  # fmt: skip


def _configured(
    names: Sequence[str], size: int, told: Sequence[str], joints: int, grippers: int
) -> tuple[StateColumns, ...]:
    parts, first = [], 0
    sizes = {StatePart.JOINT_POSITIONS: joints, StatePart.JOINT_VELOCITIES: joints, StatePart.GRIPPER: grippers}
    for text in told:
        word, _, form = text.partition("/")
        valid = {part.value: part for part in StatePart}
        if word not in valid:
            raise DatasetError(f"state names '{text}' in the configuration; valid: {listed(valid)}")
        part = valid[word]
        width = 4 if form.startswith("quaternion") else (sizes | _SIZES)[part]
        rotation = (form or "rotation_vector") if part is StatePart.TOOL_ROTATION else ""
        parts.append(StateColumns(part, tuple(range(first, first + width)), rotation))
        first += width
    if first != size:
        found = f": {listed(names)}" if names else ""
        raise DatasetError(
            f"state: {listed(told)} of {joints} joints and {grippers} grippers has {first} numbers; the dataset's "
            f"'{_STATE}' has {size}{found}"
        )
    return tuple(parts)


def _named(
    names: Sequence[str], columns: Sequence[Column], joints: Sequence[str], recorded: Sequence[str]
) -> tuple[tuple[StateColumns, ...], tuple[int, ...] | None]:
    strange = [f"'{name}'" for name, c in zip(names, columns, strict=True) if c.kind is Kind.OTHER]
    if strange:
        raise DatasetError(
            f"the dataset's '{_STATE}' is called {listed(names)}; {listed(strange)} cannot be a number of a state; "
            f"valid: {listed(part.value for part in StatePart)}"
        )
    found: dict[Kind, list[int]] = {}
    runs = [(kind, list(part)) for kind, part in groupby(range(len(columns)), key=lambda i: columns[i].kind)]
    order: list[tuple[Kind, list[int]]] = []
    for kind, part in runs:
        if kind in found and kind in (Kind.JOINT, Kind.VELOCITY, Kind.GRIPPER):
            found[kind] += part  # of another arm: parts hold the numbers of all arms together
            continue
        found[kind] = part
        order.append((kind, part))
    for kind in (Kind.JOINT, Kind.VELOCITY):
        if kind in found:
            found[kind][:] = _in_order(names, columns, found[kind], joints, recorded)
    moved = [column for _, part in order for column in part]
    starts = [sum(len(part) for _, part in order[:i]) for i in range(len(order))]
    parts = tuple(
        StateColumns(_part(kind), tuple(range(start, start + len(part))), _form(kind, columns, part))
        for start, (kind, part) in zip(starts, order, strict=True)
    )
    return parts, None if moved == list(range(len(columns))) else tuple(moved)


def _part(kind: Kind) -> StatePart:
    return StatePart.TOOL_ROTATION if kind.is_rotation else _PARTS[kind]


def _form(kind: Kind, columns: Sequence[Column], part: Sequence[int]) -> str:
    if kind is Kind.QUATERNION:
        return "quaternion_wxyz" if columns[part[0]].scalar else "quaternion_xyzw"
    return _FORMS.get(kind, "")


def _in_order(
    names: Sequence[str],
    columns: Sequence[Column],
    part: Sequence[int],
    joints: Sequence[str],
    recorded: Sequence[str],
) -> list[int]:
    """Columns of the state in the order of the joints.

    Raises:
        DatasetError: the state has other joints than the actions.
    """
    places = {columns[k].name: k for k in part}
    for known in (joints, recorded):
        if len(known) == len(part) and set(known) == set(places):
            return [places[name] for name in known]
    if len(part) == len(joints) and not recorded:
        return list(part)  # the configuration names the joints, in the dataset's order
    raise DatasetError(
        f"the dataset's '{_STATE}' has the joints {listed(places)} ({listed(names)}); its actions have "
        f"{listed(recorded or joints)}"
    )
