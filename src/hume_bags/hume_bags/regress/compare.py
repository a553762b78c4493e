"""What differs between a run and a golden one, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.regress.compare_commands import compare_commands, largest_difference
from hume_bags.regress.compare_sources import compare_sources
from hume_bags.regress.findings import Difference, LargestDifference, Tolerance, seconds
from hume_bags.regress.stream import CommandStream

_HEADER_PARTS = ("robot", "policy", "settings", "latency")
_LISTS = ("modes", "reasons")
_SAME_MEAN = 1e-6
_MOST_NAMED = 3


@dataclass(frozen=True)
class Comparison:
    """Outcome of a comparison.

    Attributes:
        identical: the canonical files have the same bytes.
        exact: both runs come from the same environment, so every bit counts.
        findings: differences. Empty when the runs are the same, within the tolerance where not `exact`.
        notes: what differs without counting: the environment, settings that the golden run did not know.
        largest: difference of the commands, within the tolerance or not. None: no command differs.
    """

    identical: bool
    exact: bool
    findings: list[Difference]
    notes: list[str]
    largest: LargestDifference | None = None

    @property
    def same(self) -> bool:
        """Whether the runs count as the same."""
        return not self.findings


def compare(golden: CommandStream, run: CommandStream, tolerance: Tolerance) -> Comparison:
    """Compare two runs.

    Args:
        golden: what is expected.
        run: what came out.
        tolerance: where the environments differ.
    """
    before, now = golden.header["environment"], run.header["environment"]
    exact = before == now
    limits = Tolerance.exact() if exact else tolerance
    identical = golden.to_bytes() == run.to_bytes()
    findings: list[Difference] = []
    notes = [f"environment: {change}" for change in changes("", before, now)]
    if not identical:
        for part in _HEADER_PARTS:
            for change in changes("", golden.header[part], run.header[part]):
                if change.added:
                    notes.append(f"{part}: {change}")
                else:
                    findings.append(Difference(part, str(change)))
        notes += [f"list of {part} changed" for part in _LISTS if golden.header[part] != run.header[part]]
        findings += _weights(golden, run, exact)
        findings += compare_sources(golden, run)
        findings += _thoughts(golden, run, limits)
        findings += _segments(golden, run, exact)
        findings += compare_commands(golden, run, limits)
        findings += _events(golden, run) if exact else []
        if exact and not findings and not notes:
            findings.append(Difference("file", "the bytes differ, but no number that is compared"))
    return Comparison(identical, exact, findings, notes, largest_difference(golden, run))


@dataclass(frozen=True)
class _Change:
    """An entry of nested mappings that differs."""

    path: str
    before: Any
    now: Any
    added: bool

    def __str__(self) -> str:
        return f"{self.path} is new: {self.now}" if self.added else f"{self.path} was {self.before}, is {self.now}"


def changes(path: str, before: Any, now: Any, added: bool = False) -> Iterator[_Change]:
    """Every entry of nested mappings that differs."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            name = f"{path}.{key}" if path else str(key)
            yield from changes(name, before.get(key), now.get(key), key not in before)
    elif before != now:
        yield _Change(path, before, now, added)


def _weights(golden: CommandStream, run: CommandStream, exact: bool) -> Iterator[Difference]:
    before = dict(zip(golden.header["tensors"], golden.sections["weights"], strict=True))
    now = dict(zip(run.header["tensors"], run.sections["weights"], strict=True))
    for name in sorted(set(before) ^ set(now)):
        yield Difference(
            "weights", f"tensor '{name}' is only in the {'golden' if name in before else 'present'} checkpoint"
        )
    changed = [name for name in before if name in now and _weight_changed(before[name], now[name], exact)]
    if changed:
        named = ", ".join(f"'{name}'" for name in changed[:_MOST_NAMED])
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        yield Difference("weights", f"{len(changed)} of {len(before)} tensors differ: {named}{more}")


def _weight_changed(before: np.void, now: np.void, exact: bool) -> bool:
    if before["content"] == now["content"]:
        return False
    change = abs(float(now["mean_abs"]) - float(before["mean_abs"]))
    # Another machine draws the same random weights with other last bits.
    return exact or change > _SAME_MEAN * max(abs(float(before["mean_abs"])), 1e-12)


def _thoughts(golden: CommandStream, run: CommandStream, tolerance: Tolerance) -> Iterator[Difference]:
    before, now = golden.thoughts, run.thoughts
    if len(before) != len(now):
        yield Difference("thoughts", f"{len(before)} before, {len(now)} now")
    if before["values"].shape[1:] != now["values"].shape[1:]:
        return
    count = min(len(before), len(now))
    before, now = before[:count], now[:count]
    yield from _times("thoughts", before, now, ("start", "end", "observation"))
    flipped = np.flatnonzero(before["index"] != now["index"])
    if flipped.size:
        k = int(flipped[0])
        margin = _margin(before["values"][k])
        yield Difference(
            "thoughts",
            f"another candidate is chosen in {flipped.size} of {count}, first at {seconds(before['start'][k])} "
            f"(number {before['index'][k]}, now {now['index'][k]}. Its lead was {margin:.2g})",
        )
    error = np.abs(before["values"] - now["values"]).max(axis=1) if count else np.zeros(0)
    beyond = np.flatnonzero(~(error <= tolerance.value))
    if beyond.size:
        yield Difference(
            "thoughts",
            f"values differ in {beyond.size} of {count}, from {seconds(before['start'][beyond[0]])} on, "
            f"by up to {np.nanmax(error):.3g}",
        )
    if tolerance.value == 0.0:
        yield from _hashes("thoughts", "chunks", before["chunk"] != now["chunk"], before["start"])


def _margin(values: NDArray[np.float64]) -> float:
    """Lead of the best value over the second."""
    ordered = np.sort(values)
    return float(ordered[-1] - ordered[-2]) if len(ordered) > 1 else float("inf")


def _segments(golden: CommandStream, run: CommandStream, exact: bool) -> Iterator[Difference]:
    before, now = golden.segments, run.segments
    if len(before) != len(now):
        yield Difference("segments", f"{len(before)} before, {len(now)} now")
    count = min(len(before), len(now))
    before, now = before[:count], now[:count]
    yield from _times("segments", before, now, ("start", "end", "observation", "first_row"))
    if exact:
        yield from _hashes("segments", "segments", before["positions"] != now["positions"], before["start"])


def _times(part: str, before: NDArray[np.void], now: NDArray[np.void], fields: tuple[str, ...]) -> Iterator[Difference]:
    for name in fields:
        changed = np.flatnonzero(before[name] != now[name])
        if changed.size:
            shift = (now[name] - before[name])[changed] * 1e-6
            yield Difference(
                part,
                f"times of '{name}' differ in {changed.size} of {len(before)}, first at "
                f"{seconds(before['start'][changed[0]])}, by {shift.min():+.3f} to {shift.max():+.3f} ms",
            )


def _hashes(part: str, what: str, changed: NDArray[np.bool_], starts: NDArray[np.int64]) -> Iterator[Difference]:
    where = np.flatnonzero(changed)
    if where.size:
        yield Difference(
            part, f"{where.size} of {len(changed)} {what} differ, the first at {seconds(starts[where[0]])}"
        )


def _events(golden: CommandStream, run: CommandStream) -> Iterator[Difference]:
    def lines(stream: CommandStream) -> list[str]:
        return [f"{seconds(e['time_ns'])} {e['kind']}: {e['text']} x{e['count']}" for e in stream.header["events"]]

    before, now = lines(golden), lines(run)
    for text in [line for line in before if line not in now][:_MOST_NAMED]:
        yield Difference("events", f"gone: {text}")
    for text in [line for line in now if line not in before][:_MOST_NAMED]:
        yield Difference("events", f"new: {text}")
