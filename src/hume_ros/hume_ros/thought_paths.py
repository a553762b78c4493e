"""Candidates of a thought as paths of the tool. One place for live views and bags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ChunkError
from hume_core.texts import listed, shortened
from hume_core.tool_paths import ToolPaths
from hume_core.value_weights import weights_of
from hume_ros.conversions import stamp_seconds, thought_candidates


@dataclass(frozen=True, eq=False)
class CandidatePaths:
    """What System 2 weighed in one thought, as paths of the tool in the base frame.

    Attributes:
        stamp: ROS time of the observation, s.
        paths: (N, k, 3) m. They begin where the tool was at the observation.
        values: (N,) Q of each candidate.
        chosen: (k, 3) m, the path of the chunk that was sent.
        value: its Q.
    """

    stamp: float
    paths: NDArray[np.float64]
    values: NDArray[np.float64]
    chosen: NDArray[np.float64]
    value: float


class ThoughtPaths:
    """Puts each `Thought` beside the `ActionChunk` that came of it: only that one says where the arm was.

    The two come on topics of their own, in either order.

    Args:
        tools: of the robot.
    """

    def __init__(self, tools: ToolPaths) -> None:
        self._tools = tools
        self._chunk: Any = None
        self._thought: Any = None

    def take_chunk(self, message: Any) -> CandidatePaths | None:
        """Take an `ActionChunk`. Returns the thought behind it, if that is there already. Errors as `take_thought`."""
        self._chunk = message
        return self._match()

    def take_thought(self, message: Any) -> CandidatePaths | None:
        """Take a `Thought`. Returns it, if its chunk is there already.

        Raises:
            ChunkError: the messages contradict themselves, or are about another robot.
            ActionSpaceError: the rows are too narrow.
        """
        self._thought = message
        return self._match()

    def _match(self) -> CandidatePaths | None:
        chunk, thought = self._chunk, self._thought
        if chunk is None or thought is None or chunk.seq != thought.seq:
            return None
        self._thought = None
        self._check(chunk, thought)
        rows, values = thought_candidates(thought), np.asarray(thought.values, dtype=np.float64)
        weights = weights_of(values, float(chunk.value))
        # Candidates and chunk are un-normalised alike, so what the chunk is a mean of, it is a mean of here too.
        chosen = rows[thought.index] if weights is None else np.tensordot(weights, rows, axes=1)
        anchor = np.asarray(chunk.anchor, dtype=np.float64)
        paths = self._tools.of_rows(np.concatenate([rows, chosen[None]]), anchor, float(chunk.dt))
        return CandidatePaths(stamp_seconds(thought.header.stamp), paths[:-1], values, paths[-1], float(chunk.value))

    def _check(self, chunk: Any, thought: Any) -> None:
        names, known = tuple(chunk.names), self._tools.joint_names
        if names != known or len(chunk.anchor) != len(known):
            raise ChunkError(f"chunks are about the joints {listed(names)}; the robot profile has {listed(known)}")
        if thought.action_space != self._tools.action_space:
            raise ChunkError(
                f"thoughts are in '{shortened(thought.action_space)}'; robot profile and checkpoint say "
                f"'{self._tools.action_space}'"
            )
