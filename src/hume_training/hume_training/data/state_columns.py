"""Which numbers of a dataset's states are joints, grippers and the tool's pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_core.state.kinds import StateField
from hume_core.state.parts import StatePart
from hume_core.texts import listed
from hume_training.data.columns import Column, Kind, read_columns
from hume_training.data.layout_options import LayoutOptions, not_said
from hume_training.data.row_layout import StateColumns
from hume_training.data.state_forms import part_of

_STATE = "observation.state"
_ROBOTS = (Kind.JOINT, Kind.VELOCITY, Kind.GRIPPER)
"""Their numbers stand together for all arms."""


@dataclass(frozen=True)
class Actors:
    """What an action row drives.

    Attributes:
        joints: of all arms, as the robot calls them.
        recorded: the same as the dataset's actions call them. Empty: they do not.
        grippers: their names.
        unit: of joints, as far as it is known: "rad", "deg" or empty.
        percent: the grippers' numbers go from 0 to 100.
    """

    joints: tuple[str, ...]
    recorded: tuple[str, ...]
    grippers: tuple[str, ...]
    unit: str = ""
    percent: bool = False


def state_joints(names: Sequence[str]) -> tuple[str, ...]:
    """Joints whose positions the names of a state list."""
    return tuple(column.name for column in read_columns(names) if column.kind is Kind.JOINT)


def state_columns(
    names: Sequence[str], values: NDArray[np.float32], options: LayoutOptions, actors: Actors
) -> tuple[tuple[StateColumns, ...], tuple[int, ...] | None]:
    """The parts of a state, and the order of the dataset's columns where they have to be moved for that.

    Args:
        names: of the numbers. Empty where the dataset has none.
        values: (F, s) states.
        options: of the training.
        actors: what the actions drive.

    Raises:
        DatasetError: neither names nor configuration say what the numbers are. With the lines to write. Or both
            contradict each other.
    """
    size = values.shape[1]
    if options.state:
        return _in_order_given(names, size, options.state, actors), None
    columns = read_columns(names)
    if columns and all(column.kind is not Kind.UNKNOWN for column in columns):
        return _named(names, columns, values, actors)
    profile = options.profile
    if profile is not None and profile.state_dim == size and len(actors.joints) == len(profile.joints):
        return _in_order_given(names, size, profile.state, actors), None
    raise not_said(_STATE, names, size, "that does not say what they are", [
        "state: [joint_positions, gripper]   # or parts with more to say, such as",
        "state: [{field: joint_positions, unit: deg}, {field: gripper, form: percent}]",
        f"parts: {listed(field.value for field in StateField)}",
    ])  # fmt: skip


def _in_order_given(
    names: Sequence[str], size: int, told: Sequence[StatePart], actors: Actors
) -> tuple[StateColumns, ...]:
    parts, first = [], 0
    for part in told:
        width = len(part.names(actors.joints, actors.grippers))
        parts.append(StateColumns(part, tuple(range(first, first + width))))
        first += width
    if first != size:
        found = f": {listed(names)}" if names else ""
        raise DatasetError(
            f"state: {listed(part.field.value for part in told)} of {len(actors.joints)} joints and "
            f"{len(actors.grippers)} grippers has {first} numbers. The dataset's '{_STATE}' has {size}{found}"
        )
    return tuple(parts)


def _named(
    names: Sequence[str], columns: Sequence[Column], values: NDArray[np.float32], actors: Actors
) -> tuple[tuple[StateColumns, ...], tuple[int, ...] | None]:
    strange = [f"'{name}'" for name, c in zip(names, columns, strict=True) if c.kind is Kind.OTHER]
    if strange:
        raise DatasetError(
            f"the dataset's '{_STATE}' is called {listed(names)}. {listed(strange)} cannot be a number of a state. "
            f"Valid: {listed(field.value for field in StateField)}"
        )
    found: dict[Kind, list[int]] = {}
    order: list[tuple[Kind, list[int]]] = []
    for kind, run in groupby(range(len(columns)), key=lambda i: columns[i].kind):
        if kind in found and kind in _ROBOTS:
            found[kind] += run  # of another arm
            continue
        found[kind] = list(run)
        order.append((kind, found[kind]))
    for kind in (Kind.JOINT, Kind.VELOCITY):
        if kind in found:
            found[kind][:] = _in_order(names, columns, found[kind], actors)
    parts, first = [], 0
    for kind, part in order:
        numbers = StateColumns(
            part_of(kind, [columns[k] for k in part], values[:, part], actors.grippers, actors.unit, actors.percent),
            tuple(range(first, first + len(part))),
        )
        parts.append(numbers)
        first += len(part)
    moved = [column for _, part in order for column in part]
    return tuple(parts), None if moved == list(range(len(columns))) else tuple(moved)


def _in_order(names: Sequence[str], columns: Sequence[Column], part: Sequence[int], actors: Actors) -> list[int]:
    """Columns of the state in the order of the joints.

    Raises:
        DatasetError: the state has other joints than the actions.
    """
    places = {columns[k].name: k for k in part}
    for known in (actors.joints, actors.recorded):
        if len(known) == len(part) and set(known) == set(places):
            return [places[name] for name in known]
    if len(part) == len(actors.joints) and not actors.recorded:
        return list(part)  # the configuration names the joints, in the dataset's order
    raise DatasetError(
        f"the dataset's '{_STATE}' has the joints {listed(places)} ({listed(names)}). Its actions have "
        f"{listed(actors.recorded or actors.joints)}"
    )
