"""Messages that System 2 makes."""

from __future__ import annotations

import numpy as np
import pytest

from hume_core.chunk import Chunk
from hume_ros.conversions import thought_candidates
from hume_system2 import messages
from hume_system2.thinker import ThoughtResult


def result(count: int) -> ThoughtResult:
    """A thought with so many candidates, the last of the highest value."""
    rows = np.arange(count * 4 * 7, dtype=np.float32).reshape(count, 4, 7)
    values = np.linspace(0.0, 1.0, count, dtype=np.float32)
    weights = np.eye(count, dtype=np.float32)[-1]
    return ThoughtResult(rows[-1], rows, values, 0 * values, weights, 0.3)


CHUNK = Chunk(
    stamp=12.5, epoch=3, seq=9, dt=0.05, rows=np.zeros((4, 7), np.float32), anchor=np.zeros(6), names=tuple("abcdef"),
    action_space="joint_delta", model_id="m", instruction="lift", value=0.5, noise_level=0.0, think_duration=0.3,
)  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_thought_says_how_many_candidates_it_took(count: int) -> None:
    message = messages.thought(result(count), CHUNK)
    assert message.num_candidates == count
    np.testing.assert_array_equal(thought_candidates(message), result(count).candidates)
    assert message.index == count - 1
