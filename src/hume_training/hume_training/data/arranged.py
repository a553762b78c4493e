"""A dataset with its states in the order of their parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout


def arranged(data: Demonstrations, layout: DataLayout) -> tuple[Demonstrations, DataLayout]:
    """The dataset as its layout says, and the layout of that. Both themselves where nothing has to be moved."""
    if layout.state_order is None:
        return data, layout
    order = list(layout.state_order)
    names = tuple(data.state_names[k] for k in order) if data.state_names else ()
    data = replace(data, state=np.ascontiguousarray(data.state[:, order]), state_names=names)
    return data, replace(layout, state_order=None)
