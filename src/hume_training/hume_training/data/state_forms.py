"""How a part of a dataset's states is written, as far as names and values tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_core.state.kinds import Branch, GripperForm, StateField, ToolRotationFormat
from hume_core.state.parts import StatePart, state_parts
from hume_core.texts import listed
from hume_training.data.columns import Column, Kind

_LARGEST_OPENING = 2.0 * np.pi
"""Grippers are given in m, rad or as a share. What is larger is a percentage."""
_NEAR_HALF_A_TURN = 3.0
"""rad"""
_ROUNDING = 1e-3
_FIELDS = {
    Kind.JOINT: StateField.JOINT_POSITIONS,
    Kind.VELOCITY: StateField.JOINT_VELOCITIES,
    Kind.POSITION: StateField.TOOL_POSITION,
    Kind.GRIPPER: StateField.GRIPPER,
    Kind.PADDING: StateField.PADDING,
}
_SIZES = {Kind.POSITION: 3, Kind.RPY: 3, Kind.ROTATION_VECTOR: 3, Kind.QUATERNION: 4}


def part_of(
    kind: Kind,
    columns: Sequence[Column],
    values: NDArray[np.float32],
    grippers: Sequence[str],
    unit: str,
    percent: bool,
) -> StatePart:
    """A part of a state.

    Args:
        kind: of all its numbers.
        columns: what their names say.
        values: (F, k) the numbers.
        grippers: of an action row.
        unit: of joints, as far as it is known.
        percent: the grippers' numbers go from 0 to 100.

    Raises:
        DatasetError: there are more or fewer numbers than such a part has, or the values are no such thing.
    """
    wanted = _SIZES.get(kind, len(columns))
    if len(columns) != wanted:
        names = listed(column.name for column in columns)
        raise DatasetError(f"the dataset's 'observation.state' has a {kind.value} of {len(columns)} numbers: {names}")
    written: dict[str, Any] = {"field": StateField.TOOL_ROTATION if kind.is_rotation else _FIELDS[kind]}
    if kind in (Kind.JOINT, Kind.VELOCITY):
        said = {column.unit for column in columns} - {""}
        if len(said) > 1:
            raise DatasetError("the dataset's 'observation.state' has joints in rad and in deg. Write all in one unit")
        if (said.pop() if said else unit) == "deg":
            written["unit"] = "deg"
    elif kind is Kind.GRIPPER:
        written["form"] = _gripper(columns, values, grippers, percent)
    elif kind is Kind.PADDING:
        written |= {"value": _constant(columns, values), "size": len(columns)}
    elif kind is Kind.RPY:
        written["format"] = ToolRotationFormat.ROLL_PITCH_YAW
    elif kind is Kind.ROTATION_VECTOR:
        written["branch"] = _branch(values, np.linalg.norm(values, axis=1) > np.pi + _ROUNDING, values[:, 0])
    elif kind is Kind.QUATERNION:
        first = columns[0].scalar
        written["format"] = ToolRotationFormat.QUATERNION_WXYZ if first else ToolRotationFormat.QUATERNION_XYZW
        written["branch"] = _branch(values, values[:, 0 if first else 3] < -_ROUNDING, values[:, 1 if first else 0])
    return state_parts([written])[0]


def _gripper(
    columns: Sequence[Column], values: NDArray[np.float32], grippers: Sequence[str], percent: bool
) -> GripperForm:
    names = listed(column.name for column in columns)
    if len(columns) == 2 * len(grippers):
        apart = np.abs(values[:, ::2] + values[:, 1::2]).max()
        if apart > 0.1 * max(float(np.abs(values).max()), _ROUNDING):
            raise DatasetError(
                f"the dataset's 'observation.state' has two numbers for a gripper ({names}) that are not [+q, -q]. "
                "Describe them in the training's configuration with state: [...]"
            )
        return GripperForm.FINGERS
    if len(columns) != len(grippers):
        raise DatasetError(
            f"the dataset's 'observation.state' has {len(columns)} grippers ({names}). Its actions have "
            f"{len(grippers)}: {listed(grippers) or 'none'}"
        )
    if float(np.abs(values).max()) > _LARGEST_OPENING:
        if percent or all(column.form == GripperForm.PERCENT.value for column in columns):
            return GripperForm.PERCENT
        raise DatasetError(
            f"gripper '{columns[0].name}' of the dataset's 'observation.state' goes to {np.abs(values).max():.4g}, "
            "which is no position in m or rad. Write in the training's configuration:\n"
            f"  grippers: {{{columns[0].name}: [0, 100]}}   # where it is a percentage"
        )
    forms = {column.form for column in columns}
    return GripperForm(forms.pop()) if len(forms) == 1 and "" not in forms else GripperForm.POSITION


def _constant(columns: Sequence[Column], values: NDArray[np.float32]) -> float:
    if not (values == values[0, 0]).all():
        names = listed(column.name for column in columns)
        raise DatasetError(f"padding {names} of the dataset's 'observation.state' is not always the same number")
    return float(values[0, 0])


def _branch(values: NDArray[np.float32], long: NDArray[np.bool_], x: NDArray[np.float32]) -> Branch:
    """Which of the two ways to write a rotation the values keep to.

    Args:
        values: (F, k) rotation vectors or quaternions.
        long: (F,) whose angle is above half a turn.
        x: (F,) their x.
    """
    positive = bool((x > -_ROUNDING).all())
    if not long.any():
        # Near half a turn the shortest one jumps between both signs. Values that never do keep to a positive x.
        near = values.shape[1] == 3 and bool((np.linalg.norm(values, axis=1) > _NEAR_HALF_A_TURN).any())
        return Branch.POSITIVE_QX if positive and near else Branch.SHORTEST
    if positive:
        return Branch.POSITIVE_QX
    raise DatasetError(
        "the tool's rotations in the dataset's 'observation.state' keep neither to angles up to half a turn nor to a "
        "positive x. Write each rotation in one of both ways"
    )
