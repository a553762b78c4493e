"""What the numbers of a dataset are: from its names, from the training's configuration, checked on its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hume_core.errors import DatasetError
from hume_training.data.action_columns import ActionColumns, action_columns
from hume_training.data.columns import Kind, read_columns
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.layout_options import LayoutOptions
from hume_training.data.row_layout import ArmColumns, DataLayout, GripperColumn, Rows, StateColumns, StatePart
from hume_training.data.state_columns import state_columns, state_joints

_MOST_TURNS = 2
"""A joint that turns farther than this, either way, is not in radians."""
_LARGEST_OPENING = 2.0 * np.pi
"""Grippers are given in m, rad or as a share; what is larger is a percentage."""


def deduce_layout(data: Demonstrations, options: LayoutOptions) -> DataLayout:
    """What every number of a dataset is.

    Raises:
        DatasetError: neither names nor configuration say it, with the lines to write; both contradict each other; or
            the values cannot be what they are said to be.
    """
    action = action_columns(data.action_names, data.action.shape[1], options, state_joints(data.state_names))
    arms = [group for group in action.groups if isinstance(group, ArmColumns)]
    grippers = [group for group in action.groups if isinstance(group, GripperColumn)]
    joints = [name for arm in arms for name in arm.joints]
    state, order = state_columns(data.state_names, data.state.shape[1], options, joints, action.recorded, len(grippers))
    groups = _fingers(data, _with_positions(action.groups, state), state, order, options)
    layout = DataLayout(action.rows, groups, state, action.rotation, order)
    _check_grippers(data, layout)
    return replace(layout, degrees=_in_degrees(data, layout, action, options))


def _with_positions(
    groups: Sequence[ArmColumns | GripperColumn], state: Sequence[StateColumns]
) -> tuple[ArmColumns | GripperColumn, ...]:
    """Arms with the columns of the state, in its new order, that hold their joint positions."""
    columns = next((part.columns for part in state if part.part is StatePart.JOINT_POSITIONS), ())
    first = 0
    result: list[ArmColumns | GripperColumn] = []
    for group in groups:
        if isinstance(group, ArmColumns) and columns:
            result.append(replace(group, positions=columns[first : first + len(group.joints)]))
            first += len(group.joints)
        else:
            result.append(group)
    return tuple(result)


def _fingers(
    data: Demonstrations,
    groups: Sequence[ArmColumns | GripperColumn],
    state: Sequence[StateColumns],
    order: Sequence[int] | None,
    options: LayoutOptions,
) -> tuple[ArmColumns | GripperColumn, ...]:
    """Grippers called by their joints. Actions call a gripper by what it is, states by its joint."""
    fingers = [k for part in state if part.part is StatePart.GRIPPER for k in part.columns]
    found = [group for group in groups if isinstance(group, GripperColumn)]
    if options.grippers is not None or options.profile is not None or len(fingers) != len(found):
        return _of_profile(groups, options)
    columns = read_columns(data.state_names)
    if not columns or any(
        columns[k].kind is not Kind.GRIPPER for k in (fingers if order is None else [order[k] for k in fingers])
    ):
        return tuple(groups)
    names = iter([columns[k if order is None else order[k]].name for k in fingers])
    return tuple(replace(group, name=next(names)) if isinstance(group, GripperColumn) else group for group in groups)


def _of_profile(
    groups: Sequence[ArmColumns | GripperColumn], options: LayoutOptions
) -> tuple[ArmColumns | GripperColumn, ...]:
    profile = options.profile
    only = sum(isinstance(group, GripperColumn) for group in groups) == 1
    if options.grippers is not None or profile is None or profile.gripper is None or not only:
        return tuple(groups)
    name = profile.gripper.joint
    return tuple(replace(group, name=name) if isinstance(group, GripperColumn) else group for group in groups)


def _in_degrees(data: Demonstrations, layout: DataLayout, action: ActionColumns, options: LayoutOptions) -> bool:
    """Whether joints are in degrees.

    Raises:
        DatasetError: nobody says so, and the values cannot be radians.
    """
    said = options.unit or action.unit
    if said:
        return said == "deg"
    largest: dict[str, float] = {}
    state = data.state if layout.state_order is None else data.state[:, layout.state_order]
    for arm in layout.arms:
        for k, name in enumerate(arm.joints):
            values = [np.abs(state[:, arm.positions[k]]).max()] if arm.positions else []
            values += [np.abs(data.action[:, arm.action[k]]).max()] if layout.rows is Rows.JOINTS else []
            largest[name] = float(max(values, default=0.0))
    far = {name: value for name, value in largest.items() if value > _MOST_TURNS * 2.0 * np.pi}
    if far:
        name = max(far, key=lambda key: far[key])
        raise DatasetError(
            f"joint '{name}' of the dataset goes to {far[name]:.4g}, which cannot be radians. Write in the training's "
            "configuration:\n  unit: deg   # if they are degrees. LeRobot's numbers from -100 to 100 say nothing of "
            "angles; record with use_degrees: true"
        )
    return False


def _check_grippers(data: Demonstrations, layout: DataLayout) -> None:
    """Refuse percentages that nobody called so: a robot would take 1 for open."""
    for gripper in layout.grippers:
        values = data.action[:, gripper.action]
        if gripper.open is None and float(np.abs(values).max()) > _LARGEST_OPENING:
            raise DatasetError(
                f"gripper '{gripper.name}' of the dataset goes from {values.min():.4g} to {values.max():.4g}; its "
                "numbers for closed and open must be known. Write in the training's configuration:\n  "
                f"grippers: {{{gripper.name}: [0, 100]}}   # closed, open"
            )
