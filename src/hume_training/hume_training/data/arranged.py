"""A dataset with its numbers in radians and its states in the order of their parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout, Rows, StatePart

_JOINTS = (StatePart.JOINT_POSITIONS, StatePart.JOINT_VELOCITIES)


def arranged(data: Demonstrations, layout: DataLayout) -> tuple[Demonstrations, DataLayout]:
    """The dataset as its layout says, and the layout of that; both themselves where nothing has to be changed."""
    if layout.state_order is not None:
        order = list(layout.state_order)
        names = tuple(data.state_names[k] for k in order) if data.state_names else ()
        data = replace(data, state=np.ascontiguousarray(data.state[:, order]), state_names=names)
    if layout.degrees:
        state = [k for part in layout.state if part.part in _JOINTS for k in part.columns]
        action = [k for arm in layout.arms for k in arm.action] if layout.rows is Rows.JOINTS else []
        data = replace(data, state=_radians(data.state, state), action=_radians(data.action, action))
    return data, replace(layout, state_order=None, degrees=False)


def _radians(values: NDArray[np.float32], columns: list[int]) -> NDArray[np.float32]:
    result = values.copy()
    result[:, columns] = np.radians(values[:, columns].astype(np.float64))
    return result
