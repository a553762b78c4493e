"""The least standard deviations that states and rows are normalised by.

A number that hardly ever moves would turn its rare moves into outliers. How little that is depends on its unit: a
joint's 0.05 rad is little, but a tool that moves a millimetre per row has nothing but millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import ActionLayout, AngleUnit, ArmGroup
from hume_core.state.kinds import StateField
from hume_core.state.parts import JointPart, ToolPositionPart, ToolRotationPart
from hume_training.data.row_layout import StateColumns

_JOINT = 0.05
"""rad"""
_OTHER = 1e-3
"""Of grippers and velocities."""
_TWIST = (1e-6,) * 3 + (1e-5,) * 3
"""Of a tool that does not move at all: m and rad per row."""
_TOOL_POSITION, _TOOL_ROTATION = 1e-3, 1e-2
"""Of a tool that is always in the same place: m and rad."""
_NOTHING = 1e-6
_SHARE = 0.05
"""Of the number that moves most among those of the same unit, for numbers of the tool."""


def deviation(values: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation (k,) of rows (R, k), but no less than `least` (k,)."""
    return np.maximum(values.std(0), least)


def row_floor(found: NDArray[np.float64], layout: ActionLayout) -> NDArray[np.float64]:
    """The least deviation (a,) of each number of an action row, whose deviations were found to be (a,)."""
    least = np.full(layout.size, _OTHER)
    for group, part in zip(layout.groups, layout.slices, strict=True):
        if not isinstance(group, ArmGroup):
            continue
        least[part] = group.space.row_spread(len(group.joints), _JOINT, _TWIST)
        if group.space.needs_kinematics:
            for half in (slice(part.start, part.start + 3), slice(part.start + 3, part.stop)):
                least[half] = np.maximum(least[half], _SHARE * found[half].max())
    return least


def state_floor(found: NDArray[np.float64], parts: Sequence[StateColumns]) -> NDArray[np.float64]:
    """The least deviation (s,) of each number of a state, whose deviations were found to be (s,)."""
    least = np.full(len(found), _OTHER)
    for part in parts:
        columns = list(part.columns)
        kind = part.part
        if isinstance(kind, JointPart) and kind.field is StateField.JOINT_POSITIONS:
            least[columns] = _JOINT if kind.unit is AngleUnit.RAD else np.degrees(_JOINT)
        elif isinstance(kind, ToolPositionPart | ToolRotationPart):
            largest = float(found[columns].max())
            still = _TOOL_POSITION if isinstance(kind, ToolPositionPart) else _TOOL_ROTATION
            least[columns] = _SHARE * largest if largest > _NOTHING else still
    return least
