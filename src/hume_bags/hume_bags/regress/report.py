"""The outcome of `hume regress` as text and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from hume_bags.regress.facts import largest_json, sentence
from hume_bags.regress.figures import figures
from hume_bags.regress.findings import seconds
from hume_bags.regress.result import RegressResult

_MOST_LINES = 20


def verdict(result: RegressResult) -> str:
    """One line: same or not, and in what sense."""
    comparison = result.comparison
    if comparison is None:
        return "no golden run to compare with"
    if comparison.identical:
        return "same: identical bytes"
    if comparison.same:
        return "same numbers" if comparison.exact else "same within the tolerance, in other environments"
    return f"differs: {len(comparison.findings)} findings"


def summary(result: RegressResult) -> dict[str, Any]:
    """Everything, as it goes to JSON."""
    comparison = result.comparison
    findings = [] if comparison is None else comparison.findings
    return {
        "verdict": verdict(result),
        "compared": asdict(result.facts),
        "largest_difference": largest_json(comparison),
        "same": None if comparison is None else comparison.same,
        "identical_bytes": None if comparison is None else comparison.identical,
        "exact_comparison": None if comparison is None else comparison.exact,
        "findings": [{"part": item.part, "text": item.text} for item in findings],
        "notes": [] if comparison is None else comparison.notes,
        "problems_of_the_bag": result.problems,
        "events": result.stream.header["events"],
        "figures": figures(result.stream),
        "golden_figures": None if result.golden is None else figures(result.golden),
        "latency_model": result.stream.header["latency"],
        "environment": result.stream.header["environment"],
        "realtime_factor": result.realtime_factor,
        "wall_time_s": result.wall_time,
        "processor_time_s": result.processor_time,
    }


def lines(result: RegressResult) -> list[str]:
    """The report as text."""
    found = figures(result.stream)
    latency = result.stream.header["latency"]
    states = ", ".join(f"{name} {share:.0%}" for name, share in found["states"].items())
    limited = ", ".join(f"{name} {share:.1%}" for name, share in found["limiter_activity"].items() if share)
    text = [
        f"{found['duration_s']:.2f} s in {result.wall_time:.2f} s: realtime factor {result.realtime_factor:.1f} "
        f"({result.processor_time:.2f} s of processor time)",
        f"{found['thoughts']} thoughts ({found['system2_hz']:.1f} Hz), {found['segments']} segments "
        f"({found['system1_hz']:.1f} Hz), {found['ticks']} ticks: {states}",
        f"latency: thoughts {_milliseconds(found['think_latency_s'])} ({latency['think']['source']}), "
        f"segments {_milliseconds(found['denoise_latency_s'])} ({latency['denoise']['source']})",
        f"limiter: {limited or 'never active'}. Largest distance to the recorded arm: "
        f"{found['largest_distance_to_recorded_arm']:.2f} of the tracking bound (not enforced here)",
    ]
    text += [f"in the bag: {problem}" for problem in result.problems]
    text += _shortened([f"{seconds(e['time_ns'])} {_event(e)}" for e in result.stream.header["events"]], "events")
    if result.comparison is not None:
        text += [f"note: {note}" for note in result.comparison.notes]
        text += _shortened([str(item) for item in result.comparison.findings], "findings")
    return text


def print_report(result: RegressResult) -> None:
    """Print the report. The verdict comes last."""
    console = Console(soft_wrap=True)
    compared = [f"{name}: {value}" for name, value in result.facts.rows() if value]
    for line in [*compared, *lines(result), *([] if result.comparison is None else [sentence(result.comparison)])]:
        console.print(escape(line), highlight=False)
    same = result.comparison is None or result.comparison.same
    console.print(f"hume regress: {verdict(result)}", style="bold green" if same else "bold red", highlight=False)


def _event(event: dict[str, Any]) -> str:
    times = f" ({event['count']} times until {seconds(event['last_ns'])})" if event["count"] > 1 else ""
    return f"{event['kind']}: {event['text']}{times}"


def _shortened(found: list[str], what: str) -> list[str]:
    rest = len(found) - _MOST_LINES
    return found if rest <= 0 else [*found[:_MOST_LINES], f"... and {rest} more {what}. --json has them all"]


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value * 1e3:.0f} ms"
