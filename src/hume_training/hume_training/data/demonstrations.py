"""A dataset in memory: frames of all episodes end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import DatasetError
from hume_core.texts import listed


@dataclass(frozen=True)
class Demonstrations:
    """F frames of E episodes.

    Attributes:
        fps: frames per second.
        images: uint8 RGB (F, height, width, 3) by camera key. Memory-mapped, read-only.
        state: (F, s) float32, real units. See `hume_training.data.row_layout` for what they are.
        action: (F, a) float32, likewise.
        environment: (F, e) float32, what a camera does not tell, or None.
        perturbed: (F,) the robot was pushed off the recorded action in this step.
        success: (F,) the task is fulfilled after this step, or None where that is not known.
        starts, lengths: first frame and number of frames of each episode (E,).
        tasks: instruction of each episode. Where it changes within one, of each segment, in order.
        state_names, action_names: of the numbers of states (s) and actions (a). Empty where the dataset does not say.
        segments: first frame of each segment: frames of one episode with one instruction. None: episodes are segments.
    """

    fps: float
    images: Mapping[str, NDArray[np.uint8]]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    environment: NDArray[np.float32] | None
    perturbed: NDArray[np.bool_]
    success: NDArray[np.bool_] | None
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    tasks: list[str]
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    segments: NDArray[np.int64] | None = None

    @cached_property
    def episode_of(self) -> NDArray[np.int64]:
        """Episode of each frame (F,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Last frame of the episode of each frame (F,)."""
        return (self.starts + self.lengths - 1)[self.episode_of]

    @cached_property
    def task_of(self) -> NDArray[np.int64]:
        """Which of `tasks` each frame has (F,)."""
        if self.segments is None:
            return self.episode_of
        return np.searchsorted(self.segments, np.arange(len(self.perturbed)), side="right") - 1

    def instructions(self, frames: NDArray[np.int64]) -> list[str]:
        """Instruction of each frame (B,)."""
        return [self.tasks[number] for number in self.task_of[frames]]

    @cached_property
    def intended_until(self) -> NDArray[np.int64]:
        """Last frame (F,) that the intention at each frame reaches: the end, another instruction or the next push."""
        ends = np.where(np.diff(self.task_of, append=-1) != 0, np.arange(len(self.perturbed)), self.ends)
        until = np.where(self.perturbed, np.arange(len(self.perturbed)), ends)
        for frame in range(len(until) - 2, -1, -1):
            if not self.perturbed[frame] and frame < ends[frame]:
                until[frame] = until[frame + 1]
        return until

    @property
    def seen(self) -> list[str]:
        """Every different instruction."""
        return sorted(set(self.tasks))

    def rows(self, frames: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Frames from each one on, its episode's last one repeated (B, length)."""
        return np.minimum(frames[:, None] + np.arange(length), self.ends[frames][:, None])

    def histories(self, frames: NDArray[np.int64], length: int) -> NDArray[np.float32]:
        """States up to each frame (B, T, s), oldest first. Copies of the first one before the episode."""
        first = self.starts[self.episode_of[frames]]
        return self.state[np.maximum(frames[:, None] + np.arange(1 - length, 1), first[:, None])]


class JoinedImages:
    """Frames of several arrays end to end, without copying them.

    Args:
        parts: (F_i, height, width, 3) each.
    """

    def __init__(self, parts: Sequence[NDArray[np.uint8]]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])

    def __getitem__(self, frames: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Images (B, height, width, 3) of frames (B,)."""
        result = np.empty((len(frames), *self.shape[1:]), dtype=np.uint8)
        owner = np.searchsorted(self._ends, frames, side="right")
        for number in np.unique(owner):
            mine = owner == number
            begin = self._ends[number] - len(self._parts[number])
            result[mine] = self._parts[number][frames[mine] - begin]
        return result


def joined(parts: Sequence[Demonstrations]) -> Demonstrations:
    """Datasets of the same robot as one.

    Raises:
        DatasetError: cameras, sizes, rates or the names of the numbers differ.
    """
    first = parts[0]
    for other in parts[1:]:
        mine = (first.fps, first.state.shape[1], first.action.shape[1], sorted(first.images))
        theirs = (other.fps, other.state.shape[1], other.action.shape[1], sorted(other.images))
        if mine != theirs:
            raise DatasetError(f"datasets differ in rate, state size, action size or cameras: {mine} and {theirs}")
        for one, another in ((first.state_names, other.state_names), (first.action_names, other.action_names)):
            if one and another and one != another:
                raise DatasetError(
                    f"datasets differ in what they call their numbers: {listed(one)} and {listed(another)}"
                )
    offsets = np.cumsum([0, *(len(part.state) for part in parts[:-1])])
    known = all(part.success is not None for part in parts)
    seen = [part.environment for part in parts if part.environment is not None]
    shared = len(seen) == len(parts) and len({part.shape[1] for part in seen}) == 1
    return Demonstrations(
        fps=first.fps,
        images={key: JoinedImages([part.images[key] for part in parts]) for key in first.images},  # type: ignore[misc]
        state=np.concatenate([part.state for part in parts]),
        action=np.concatenate([part.action for part in parts]),
        environment=np.concatenate(seen) if shared else None,
        perturbed=np.concatenate([part.perturbed for part in parts]),
        success=np.concatenate([part.success for part in parts if part.success is not None]) if known else None,
        starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        lengths=np.concatenate([part.lengths for part in parts]),
        tasks=[task for part in parts for task in part.tasks],
        segments=np.concatenate(
            [
                (part.starts if part.segments is None else part.segments) + offset
                for part, offset in zip(parts, offsets, strict=True)
            ]
        ),
        state_names=_shared([part.state_names for part in parts]),
        action_names=_shared([part.action_names for part in parts]),
    )


def _shared(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all parts have. Empty where they differ."""
    return names[0] if len(set(names)) == 1 else ()
