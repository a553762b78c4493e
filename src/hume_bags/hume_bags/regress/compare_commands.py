"""Differences in the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hume_bags.regress.findings import Difference, LargestDifference, Tolerance, seconds
from hume_bags.regress.stream import CommandStream


def compare_commands(golden: CommandStream, run: CommandStream, tolerance: Tolerance) -> Iterator[Difference]:
    """Findings per joint, for the gripper, the modes and the limiter."""
    before, now = golden.commands, run.commands
    if len(before) != len(now):
        yield Difference("commands", f"{len(before)} ticks before, {len(now)} now")
    if golden.joints != run.joints:
        yield Difference("commands", f"joints were {', '.join(golden.joints)}, are {', '.join(run.joints)}")
        return
    count = min(len(before), len(now))
    before, now = before[:count], now[:count]
    yield from _modes(golden, run, count)
    for i, name in enumerate(golden.joints):
        part = f"commands of joint '{name}'"
        yield from _numbers(part, before, now, "position", i, tolerance.position, "rad")
        yield from _numbers(part, before, now, "velocity", i, tolerance.velocity, "rad/s")
    yield from _numbers("commands of the gripper", before, now, "gripper", None, tolerance.gripper, "m")
    if tolerance.position == 0.0:
        yield from _limited(before, now, golden.joints)


def largest_difference(golden: CommandStream, run: CommandStream) -> LargestDifference | None:
    """Of the joint positions, or of the gripper where no joint differs. None: nothing does, or joints do not match."""
    count = min(len(golden.commands), len(run.commands))
    if golden.joints != run.joints or not count:
        return None
    before, now = golden.commands[:count], run.commands[:count]
    names = [f"joint '{name}'" for name in golden.joints]
    return largest_of(names, "rad", before["time"], before["position"], now["position"]) or largest_of(
        ["the gripper"], "m", before["time"], before["gripper"][:, None], now["gripper"][:, None]
    )


def largest_of(
    names: Sequence[str],
    unit: str,
    times: NDArray[np.int64],
    expected: NDArray[np.float64],
    now: NDArray[np.float64],
) -> LargestDifference | None:
    """The largest difference of two arrays (k, n). Numbers that are missing in either do not count.

    Args:
        names: of the n columns.
        unit: of the numbers.
        times: (k,) ns.
        expected, now: (k, n).
    """
    error = np.nan_to_num(np.abs(now - expected), nan=0.0)
    if not error.size or error.max() <= 0.0:
        return None
    row, column = (int(index) for index in np.unravel_index(int(error.argmax()), error.shape))
    values = float(expected[row, column]), float(now[row, column])
    return LargestDifference(names[column], float(error[row, column]), unit, int(times[row]), *values)


def _numbers(
    part: str, before: NDArray[np.void], now: NDArray[np.void], field: str, column: int | None, limit: float, unit: str
) -> Iterator[Difference]:
    old, new = (rows[field] if column is None else rows[field][:, column] for rows in (before, now))
    both_missing = np.isnan(old) & np.isnan(new)
    error = np.where(both_missing, 0.0, np.abs(new - old))
    beyond = np.flatnonzero(~(error <= limit))
    if beyond.size:
        worst = int(np.nanargmax(error)) if np.isfinite(error).any() else int(beyond[0])
        yield Difference(
            part,
            f"{field} differs in {beyond.size} of {len(old)} ticks, from {seconds(before['time'][beyond[0]])} to "
            f"{seconds(before['time'][beyond[-1]])}, by up to {error[worst]:.3g} {unit} "
            f"at {seconds(before['time'][worst])}",
        )


def _modes(golden: CommandStream, run: CommandStream, count: int) -> Iterator[Difference]:
    before, now = state_names(golden)[:count], state_names(run)[:count]
    changed = np.flatnonzero(before != now)
    if changed.size:
        k = int(changed[0])
        yield Difference(
            "commands",
            f"mode or reason differs in {changed.size} of {count} ticks, first at "
            f"{seconds(golden.commands['time'][k])}: was {before[k]}, is {now[k]}",
        )


def state_names(stream: CommandStream) -> NDArray[np.str_]:
    """'mode: reason' of each tick."""
    modes, reasons = stream.header["modes"], stream.header["reasons"]
    rows = stream.commands
    codes, inverse = np.unique(np.stack([rows["mode"], rows["reason"]], axis=1), axis=0, return_inverse=True)
    names = np.array([f"{modes[m]}: {reasons[r]}" if r else modes[m] for m, r in codes] or [""])
    return np.asarray(names[inverse.reshape(-1)])


def _limited(before: NDArray[np.void], now: NDArray[np.void], joints: list[str]) -> Iterator[Difference]:
    for i, name in enumerate(joints):
        old, new = (int(((rows["limited"] >> np.uint64(i)) & np.uint64(1)).sum()) for rows in (before, now))
        if old != new:
            yield Difference(f"limiter of joint '{name}'", f"active in {old} ticks before, {new} now")
