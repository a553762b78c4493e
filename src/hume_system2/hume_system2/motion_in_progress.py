"""What the robot is carrying out while System 2 thinks: the rows of the chunk before, counted from the new observation.

A thought takes longer than a control step. Meanwhile the arm follows the chunk before, and a candidate that goes
another way bends the motion when it arrives. So candidates can be scored by their agreement with those rows as well
(backward coherence in bidirectional decoding, Liu et al., arXiv 2408.17355).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import ActionLayout
from hume_core.angles import short_way
from hume_core.chunk import Chunk

if TYPE_CHECKING:
    from torch import Tensor

    from hume_core.normalization import Normalizer


@dataclass(frozen=True, eq=False)
class MotionInProgress:
    """The rows in execution, timed like those of a chunk about the new observation.

    Attributes:
        rows: (K, A) float32, normalised and padded, still counted from the old anchor. Row k is due k rows after the
            new observation.
        moved: (a,) how far the joints are from the old anchor, in numbers of a row. 0 where rows are no offsets.
    """

    rows: NDArray[np.float32]
    moved: NDArray[np.float64]


def motion_in_progress(
    layout: ActionLayout,
    continuous: NDArray[np.bool_],
    chunk: Chunk,
    stamp: float,
    joints: NDArray[np.float64],
) -> MotionInProgress | None:
    """What of a chunk is still to be carried out at a new observation.

    Args:
        layout: what the rows mean.
        continuous: (n,) which joints turn without end.
        chunk: in execution.
        stamp: ROS time of the new observation, s.
        joints: (n,) joint positions then, rad.

    Returns:
        None where nothing of the chunk is left, or where rows of two observations cannot be compared.
    """
    passed = (stamp - chunk.stamp) / chunk.dt
    last = len(chunk.rows) - 1
    count = int(np.floor(last - passed)) + 1
    if passed < 0.0 or count < 1 or not layout.comparable:
        return None
    # Rows lie dt apart in time, and the new observation lies anywhere between two of them.
    places = passed + np.arange(count)
    before = np.minimum(places.astype(int), last)
    after = np.minimum(before + 1, last)
    share = (places - before)[:, None]
    rows = (1.0 - share) * chunk.rows[before] + share * chunk.rows[after]
    moved = layout.in_rows(short_way(joints - chunk.anchor, continuous))
    return MotionInProgress(rows.astype(np.float32), moved)


def disagreement(
    candidates: Tensor, motions: Sequence[MotionInProgress | None], normalizer: Normalizer, numbers: int
) -> Tensor:
    """How far each candidate is from what is being carried out, root mean square in standard deviations.

    Args:
        candidates: (B, N, H, A) normalised and padded.
        motions: one of each observation. None: nothing is being carried out.
        normalizer: of the actions.
        numbers: a, how many numbers of a row count. The rest is padding.

    Returns:
        (B, N). 0 where nothing is being carried out.
    """
    import torch

    result = candidates.new_zeros(candidates.shape[:2], dtype=torch.float32)
    for one, (chunks, in_progress) in enumerate(zip(candidates, motions, strict=True)):
        if in_progress is None:
            continue
        moved = torch.as_tensor(in_progress.moved, dtype=torch.float32, device=candidates.device)
        rows = torch.as_tensor(in_progress.rows, device=candidates.device) - normalizer.action_difference(moved)
        shared = min(len(rows), chunks.shape[1])
        apart = (chunks[:, :shared, :numbers] - rows[:shared, :numbers]).float()
        # sqrt(mean_kj (c_kj - r_kj)^2): without the unit of any joint, so one weight fits all robots.
        result[one] = apart.square().mean(dim=(1, 2)).sqrt()
    return result
