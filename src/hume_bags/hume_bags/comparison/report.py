"""What `hume compare` prints and writes."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hume_bags.comparison.differences import PAIRED, Comparison, RateDifference
from hume_bags.comparison.run import Run, Tally

ALL = "all instructions"
_METHODS = {PAIRED: "Newcombe, paired"}
_NARROWEST = 110


def summary(found: Comparison) -> dict[str, Any]:
    """Everything, as it goes to JSON."""
    return {
        "runs": [_run(run) for run in found.runs],
        "differences": [
            {
                "run": item.run,
                "minus": item.minus,
                "instruction": item.instruction or None,
                "difference": item.difference,
                "ci95": list(item.interval),
                "contains_zero": item.contains_zero,
                "method": item.method,
                "pairs": item.pairs or None,
                "episodes_needed": item.needed or None,
            }
            for item in found.differences
        ],
        "notes": found.notes,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "path": str(run.path),
        "bags": run.bags,
        "robot": run.robot,
        "checkpoint": run.checkpoint,
        "checkpoint_id": run.checkpoint_id,
        **_tally(run.whole),
        "instructions": {text: _tally(tally) for text, tally in run.tallies.items()},
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "success": tally.success,
        "failure": tally.failure,
        "unknown": tally.unknown,
        "discarded": tally.discarded,
        "rate": tally.rate,
        "ci95": None if tally.interval is None else list(tally.interval),
    }


def print_report(found: Comparison) -> None:
    """Tables of rates and of differences. What they mean comes last, in words."""
    console = Console()
    console = Console(width=max(_NARROWEST, console.width))
    for table in (_rates(found), _differences(found)):
        console.print(table)
    for run in found.runs:
        console.print(f"{run.name}: checkpoint {_checkpoint(run)}, robot {run.robot or 'unknown'}", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    for item in found.differences:
        console.print(in_words(item), markup=False, highlight=False, style="bold" if not item.contains_zero else "")


def in_words(item: RateDifference) -> str:
    """What a difference says, and what it does not say."""
    what = f"'{item.instruction}'" if item.instruction else ALL
    text = f"{item.run} minus {item.minus}, {what}: {percent(item.difference)} points, {_interval(item)}."
    if not item.contains_zero:
        better = item.run if item.difference > 0.0 else item.minus
        return f"{text} The interval does not contain zero: {better} succeeds more often."
    text += " The interval contains zero: these episodes do not tell them apart."
    if item.needed:
        text += f" If the rates are as measured, that needs about {item.needed} episodes of each."
    return text


def percent(share: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * share:+.1f}"


def _interval(item: RateDifference) -> str:
    low, high = (percent(bound) for bound in item.interval)
    return f"95 % interval {low} to {high} ({_METHODS.get(item.method, 'Newcombe')})"


def _checkpoint(run: Run) -> str:
    content = f" ({run.checkpoint_id[:12]})" if run.checkpoint_id else ""
    return f"{run.checkpoint or 'unknown'}{content}"


def _rates(found: Comparison) -> Table:
    table = Table(title="Success")
    for column in ("run", "instruction", "success", "95 % (Wilson)", "succeeded", "failed", "unknown", "discarded"):
        table.add_column(column)
    for run in found.runs:
        rows = list(run.tallies.items())
        for text, tally in [*rows, *([(ALL, run.whole)] if len(rows) > 1 else [])]:
            rate = "" if tally.rate is None else f"{100 * tally.rate:.1f} %"
            bounds = "" if tally.interval is None else "{:.1f} to {:.1f} %".format(*(100 * x for x in tally.interval))
            counts = (tally.success, tally.failure, tally.unknown, tally.discarded)
            table.add_row(escape(run.name), escape(text), rate, bounds, *map(str, counts))
        table.add_section()
    return table


def _differences(found: Comparison) -> Table:
    table = Table(title="Differences, percentage points")
    for column in ("run", "minus", "instruction", "difference", "95 %", "contains zero"):
        table.add_column(column)
    for item in found.differences:
        low, high = (percent(bound) for bound in item.interval)
        table.add_row(
            escape(item.run), escape(item.minus), escape(item.instruction or ALL), percent(item.difference),
            f"{low} to {high}", "yes" if item.contains_zero else "no",
        )  # fmt: skip
    return table
