"""Differences in what the sensors delivered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hume_bags.regress.findings import Difference, seconds
from hume_bags.regress.stream import CommandStream
from hume_ros.observation_buffer import JOINT_STATES

_MILLISECONDS = 1e-6


def compare_sources(golden: CommandStream, run: CommandStream) -> Iterator[Difference]:
    """Findings for every sensor of either run."""
    before, now = golden.sources, run.sources
    for source in sorted({*before, *now}):
        part = source if source == JOINT_STATES else f"camera '{source}'"
        if source not in before or source not in now:
            yield Difference(part, f"only in the {'golden' if source in before else 'present'} run")
            continue
        yield from _compare(part, before[source], now[source])
        if source == JOINT_STATES:
            names = (golden.header["joint_columns"], run.header["joint_columns"])
            yield from _joints(part, before[source], now[source], *names)


def _compare(part: str, before: NDArray[np.void], now: NDArray[np.void]) -> Iterator[Difference]:
    if len(before) != len(now):
        yield Difference(part, f"{len(before)} messages before, {len(now)} now")
    count = min(len(before), len(now))
    if count == 0:
        return
    before, now = before[:count], now[:count]
    for field, what in (("stamp", "stamps"), ("arrival", "arrivals")):
        shift = now[field] - before[field]
        changed = np.flatnonzero(shift)
        if changed.size == 0:
            continue
        if (shift == shift[0]).all():
            yield Difference(part, f"all {count} {what} moved by {shift[0] * _MILLISECONDS:+.3f} ms")
        else:
            low, high = shift[changed].min() * _MILLISECONDS, shift[changed].max() * _MILLISECONDS
            first = seconds(before["arrival"][changed[0]])
            yield Difference(
                part, f"{changed.size} of {count} {what} moved, by {low:+.3f} to {high:+.3f} ms, the first at {first}"
            )
    changed = np.flatnonzero(before["content"] != now["content"])
    if changed.size:
        first = seconds(before["arrival"][changed[0]])
        yield Difference(part, f"the content of {changed.size} of {count} messages differs, first at {first}")


def _joints(
    part: str, before: NDArray[np.void], now: NDArray[np.void], names: list[str], new_names: list[str]
) -> Iterator[Difference]:
    """Which joints differ, and whether two of them changed places."""
    count = min(len(before), len(now))
    if count == 0 or names != new_names:
        return
    old, new = before["values"][:count], now["values"][:count]
    changed = [i for i in range(len(names)) if not np.array_equal(old[:, i], new[:, i], equal_nan=True)]
    swapped: set[int] = set()
    for i in changed:
        for j in changed:
            if i < j and np.array_equal(old[:, i], new[:, j]) and np.array_equal(old[:, j], new[:, i]):
                swapped |= {i, j}
                yield Difference(part, f"joints '{names[i]}' and '{names[j]}' are swapped")
    for i in changed:
        if i not in swapped:
            yield Difference(part, f"joint '{names[i]}' differs by up to {np.abs(old[:, i] - new[:, i]).max():.4g}")
