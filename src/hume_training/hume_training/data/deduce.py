"""What the numbers of a dataset are: from its names, from the training's configuration, checked on its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hume_core.action_spaces import AngleUnit
from hume_core.errors import DatasetError
from hume_core.state.kinds import StateField
from hume_core.state.parts import JointPart
from hume_core.texts import listed
from hume_training.data.action_columns import action_columns
from hume_training.data.columns import Kind, read_columns
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.layout_options import LayoutOptions
from hume_training.data.row_layout import ArmColumns, DataLayout, GripperColumn, Rows, StateColumns
from hume_training.data.state_columns import Actors, state_columns, state_joints

_MOST_TURNS = 2
"""A joint that turns farther than this, either way, is not in radians."""
_LARGEST_OPENING = 2.0 * np.pi
"""Grippers are given in m, rad or as a share. What is larger is a percentage."""


def deduce_layout(data: Demonstrations, options: LayoutOptions) -> DataLayout:
    """What every number of a dataset is.

    Raises:
        DatasetError: neither names nor configuration say it, with the lines to write. Both contradict each other. Or
            the values cannot be what they are said to be.
    """
    action = action_columns(data.action_names, data.action.shape[1], options, state_joints(data.state_names))
    grippers = [group for group in action.groups if isinstance(group, GripperColumn)]
    _check_grippers(data, grippers)
    actors = Actors(
        joints=tuple(name for group in action.groups if isinstance(group, ArmColumns) for name in group.joints),
        recorded=action.recorded,
        grippers=tuple(gripper.name for gripper in grippers),
        unit=options.unit or action.unit,
        percent=any({gripper.closed, gripper.open} == {0.0, 100.0} for gripper in grippers),
    )
    state, order = state_columns(data.state_names, data.state, options, actors)
    groups = _fingers(data, _with_positions(action.groups, state), state, order, options)
    unit = AngleUnit(actors.unit) if actors.unit else AngleUnit.RAD
    layout = DataLayout(action.rows, groups, state, action.rotation, order, unit)
    _check_radians(data, layout)
    return layout


def _with_positions(
    groups: Sequence[ArmColumns | GripperColumn], state: Sequence[StateColumns]
) -> tuple[ArmColumns | GripperColumn, ...]:
    """Arms with the columns of the state, in its new order, that hold their joint positions."""
    found = next((part for part in state if part.part.field is StateField.JOINT_POSITIONS), None)
    columns = () if found is None else found.columns
    joints = [name for group in groups if isinstance(group, ArmColumns) for name in group.joints]
    if found is not None and isinstance(found.part, JointPart) and list(found.part.joints or joints) != joints:
        raise DatasetError(
            f"state lists the joints {listed(found.part.joints or ())}. The actions have {listed(joints)}, which must "
            "be the same in the same order"
        )
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
    fingers = [k for part in state if part.part.field is StateField.GRIPPER for k in part.columns]
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
    if options.grippers is not None or profile is None or len(profile.grippers) != 1 or not only:
        return tuple(groups)
    (name,) = profile.gripper_names
    return tuple(replace(group, name=name) if isinstance(group, GripperColumn) else group for group in groups)


def _check_radians(data: Demonstrations, layout: DataLayout) -> None:
    """Refuse joints in radians whose values cannot be.

    Raises:
        DatasetError: names the joint that goes farthest, and the line to write.
    """
    state = data.state if layout.state_order is None else data.state[:, layout.state_order]
    for arm in layout.arms:
        found = [layout.measured(arm, state)] if arm.positions else []
        found += [layout.targets(arm, data.action)] if layout.rows is Rows.JOINTS else []
        for numbers in found:
            farthest = np.abs(numbers).max(0)
            if farthest.max() <= _MOST_TURNS * 2.0 * np.pi:
                continue
            k = int(farthest.argmax())
            raise DatasetError(
                f"joint '{arm.joints[k]}' of the dataset goes to {farthest[k]:.4g}, which cannot be radians. Write in "
                "the training's configuration:\n  unit: deg   # if they are degrees. LeRobot's numbers from -100 to "
                "100 say nothing of angles. Record with use_degrees: true"
            )


def _check_grippers(data: Demonstrations, grippers: Sequence[GripperColumn]) -> None:
    """Refuse percentages that nobody called so: a robot would take 1 for open."""
    for gripper in grippers:
        values = data.action[:, gripper.action]
        if gripper.open is None and float(np.abs(values).max()) > _LARGEST_OPENING:
            raise DatasetError(
                f"gripper '{gripper.name}' of the dataset goes from {values.min():.4g} to {values.max():.4g}. Its "
                "numbers for closed and open must be known. Write in the training's configuration:\n  "
                f"grippers: {{{gripper.name}: [0, 100]}}   # closed, open"
            )
