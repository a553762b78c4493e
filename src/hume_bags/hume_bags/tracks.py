"""Commands as functions of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_core.angles import unwrapped

Array = NDArray[np.float64]
_ROUNDING = 1e-6
"""Of times in s since 1970, as floating point numbers."""


class Track(Protocol):
    """Numbers over time.

    Attributes:
        start, end: first and last time that they are known for, s. The end lies before the start where there are none.
    """

    start: float
    end: float

    def at(self, times: Array) -> Array:
        """Values (N, k) at ascending times (N,), s.

        Raises:
            BagError: a time lies before the start or after the end.
        """


def covered(track: Track, times: Array, what: str) -> Array:
    """The times, for what a track is asked for. Rounding may put the first and the last just outside of it.

    Raises:
        BagError: the track says nothing of one of them.
    """
    if times[0] < track.start - _ROUNDING or times[-1] > track.end + _ROUNDING:
        raise BagError(f"{what} do not cover the episode")
    return np.clip(times, track.start, track.end)


class LinearTrack:
    """Numbers at some times, linear in between.

    Args:
        times: (T,) s, in any order.
        values: (T, k).
        what: for errors.
        continuous: (k,) angles of continuous joints: they go the short way, in the turns of the number before.
    """

    def __init__(self, times: Array, values: Array, what: str, continuous: NDArray[np.bool_]) -> None:
        order = np.argsort(times, kind="stable")
        self._times, self._what = times[order], what
        self._values = unwrapped(values[order], continuous)
        self._turns = self._values - values[order]
        self.start = float(self._times[0]) if len(times) else np.inf
        self.end = float(self._times[-1]) if len(times) else -np.inf

    def at(self, times: Array) -> Array:
        """See `Track`."""
        times = covered(self, times, self._what)
        between = np.stack([np.interp(times, self._times, column) for column in self._values.T], axis=1)
        return between - self._turns[np.searchsorted(self._times, times, side="right") - 1]


class HeldTrack:
    """Targets that count until the next one comes.

    Args:
        times: (T,) s, ascending.
        values: (T, k).
        end: how long the last one counts, s.
        what: for errors.
    """

    def __init__(self, times: Array, values: Array, end: float, what: str) -> None:
        self._times, self._values, self._what = times, values, what
        self.start = float(times[0]) if len(times) else np.inf
        self.end = end if len(times) else -np.inf

    def at(self, times: Array) -> Array:
        """See `Track`."""
        times = covered(self, times, self._what)
        return self._values[np.searchsorted(self._times, times, side="right") - 1]


class JoinedTrack:
    """Several tracks side by side, while all of them are known."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks = tracks
        self.start = max(track.start for track in tracks)
        self.end = min(track.end for track in tracks)

    def at(self, times: Array) -> Array:
        """See `Track`."""
        return np.hstack([track.at(times) for track in self._tracks])
