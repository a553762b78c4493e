"""Whether a dataset's rows about the tool can be in the units that the training says."""

from __future__ import annotations

import numpy as np

from hume_core.action_spaces import ActionSpace
from hume_core.errors import DatasetError
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout

_FASTEST, _FASTEST_TURN = 3.0, 30.0
"""m/s and rad/s. No arm that a policy drives moves its tool faster, but for single frames."""
_FARTHEST, _MOST_TURNED = 5.0, 8.0
"""m and rad, from the base. Rotations are up to a whole turn."""
_COUNTED = 99.0
"""Percent of the rows."""


def check_tool_rows(data: Demonstrations, layout: DataLayout, space: ActionSpace) -> None:
    """Refuse numbers that are no metres and radians, such as shares of a largest step, millimetres or degrees.

    Raises:
        DatasetError: names what was found, and the line to write.
    """
    scale = np.asarray(space.conventions.scale)
    absolute = space.name == "ee_pose"
    for arm in layout.arms:
        numbers = data.action[:, arm.in_action].astype(np.float64) * scale
        sizes = [
            float(np.percentile(np.linalg.norm(part, axis=1), _COUNTED)) for part in (numbers[:, :3], numbers[:, 3:])
        ]
        bounds = (_FARTHEST, _MOST_TURNED) if absolute else (_FASTEST / data.fps, _FASTEST_TURN / data.fps)
        if sizes[0] <= bounds[0] and sizes[1] <= bounds[1]:
            continue
        per = "" if absolute else f" per row of {1.0 / data.fps:.4g} s"
        raise DatasetError(
            f"the tool of the dataset's '{arm.name}' is at, or moves by, {sizes[0]:.4g} m and {sizes[1]:.4g} rad{per}, "
            f"more than {bounds[0]:.4g} m and {bounds[1]:.4g} rad. Write in the training's configuration what its "
            "numbers are multiplied by to give m and rad:\n  scale: [0.05, 0.05, 0.05, 0.5, 0.5, 0.5]   # LIBERO's"
        )
