"""A flight recorder for the command stream: the last minutes of commands with their times, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hume_system1.control.command import Command
from hume_system1.control.states import Mode

_MODES = list(Mode)


@dataclass(frozen=True)
class CommandLog:
    """Commands in the order they were made.

    Attributes:
        times: (k,) steady clock, s. Comparable with `time.monotonic()` of any process on the same machine.
        modes: k modes of the command loop.
        positions: (k, n) rad.
        velocities: (k, n) rad/s.
        published: (k,) whether the command was sent.
    """

    times: NDArray[np.float64]
    modes: list[Mode]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    published: NDArray[np.bool_]


class BlackBox:
    """A preallocated ring. `record` runs on the command path.

    Args:
        capacity: ticks kept.
        size: number of joints n.
    """

    def __init__(self, capacity: int, size: int) -> None:
        # Written now, as zeros from the system are no memory yet: each new page would stop the command path.
        self._rows = np.full((capacity, 3 + 2 * size), 0.0)
        self._size = size
        self._capacity = capacity
        self._count = 0
        self._mode_numbers = {mode: float(k) for k, mode in enumerate(_MODES)}

    def record(self, command: Command) -> None:
        """Note the command of a tick."""
        row = self._rows[self._count % self._capacity]
        row[0] = command.time
        row[1] = self._mode_numbers[command.mode]
        row[2] = command.publish
        row[3 : 3 + self._size] = command.position
        row[3 + self._size :] = command.velocity
        self._count += 1

    def save(self, path: Path) -> None:
        """Write what is kept as a numpy file."""
        start = self._count % self._capacity if self._count > self._capacity else 0
        rows = np.roll(self._rows[: min(self._count, self._capacity)], -start, axis=0)
        np.save(path, rows, allow_pickle=False)


def load(path: Path) -> CommandLog:
    """Read a file that `BlackBox.save` wrote."""
    rows = np.load(path, allow_pickle=False)
    size = (rows.shape[1] - 3) // 2
    return CommandLog(
        times=rows[:, 0],
        modes=[_MODES[int(number)] for number in rows[:, 1]],
        published=rows[:, 2] > 0.0,
        positions=rows[:, 3 : 3 + size],
        velocities=rows[:, 3 + size :],
    )
