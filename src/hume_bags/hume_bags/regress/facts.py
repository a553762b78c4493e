"""What was compared, and what came of it in one sentence: how every form of the report begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from hume_bags.provenance import workspace_commit
from hume_bags.reader import BagReader
from hume_bags.regress.compare import Comparison
from hume_bags.regress.findings import seconds
from hume_bags.regress.policy import RecordedPolicy, content_hash
from hume_bags.regress.regress_settings import RegressOptions

UNKNOWN = "unknown"
_FIRST_REAL_YEAR = 2000
"""Stamps before it are times of a simulator."""


@dataclass(frozen=True)
class RunFacts:
    """What a regression run was made of.

    Attributes:
        bag: what was stepped.
        recorded: what the bag says of itself: date, robot, checkpoint and commit. Empty texts are unknown.
        compared_with: golden file, or `recorded`. Empty: nothing.
        robot: name of the profile that was used.
        checkpoint: folder or hub name that was used.
        weights: hash of its tensors.
        commit: of the workspace that ran.
        date: when it ran, UTC.
        command: as it was typed. Empty: called from Python.
    """

    bag: str
    recorded: dict[str, str]
    compared_with: str
    robot: str
    checkpoint: str
    weights: str
    commit: str
    date: str
    command: str

    def rows(self) -> list[tuple[str, str]]:
        """What and which, in the order of a report."""
        known = [f"{name} {value}" for name, value in self.recorded.items() if value]
        return [
            ("bag", self.bag),
            ("recorded", ", ".join(known) or "the bag does not say how"),
            ("compared with", "the commands in the bag" if self.compared_with == "recorded" else self.compared_with),
            ("checkpoint", f"{self.checkpoint}, weights {self.weights}"),
            ("robot", self.robot),
            ("commit", self.commit or UNKNOWN),
            ("date", self.date),
            ("command", self.command or "called from Python"),
        ]


def run_facts(options: RegressOptions, bag: BagReader, robot: str, checkpoint: str, policy: RecordedPolicy) -> RunFacts:
    """What is compared.

    Args:
        options: what was asked for.
        bag: that is stepped.
        robot: name of the profile that is used.
        checkpoint: that is used, for people.
        policy: its weights.
    """
    recorded = {key: str(bag.provenance.get(key) or "") for key in ("robot", "checkpoint")}
    return RunFacts(
        bag=str(options.bag),
        recorded={
            "on": _date(bag.start_ns),
            **recorded,
            "commit": str(bag.provenance.get("git_commit") or ""),
        },
        compared_with="" if options.golden is None else str(options.golden),
        robot=robot,
        checkpoint=checkpoint,
        weights=f"{content_hash(policy.weights.tobytes()):016x}",
        commit=workspace_commit(),
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
        command=options.command,
    )


def _date(time_ns: int) -> str:
    """Of a recording. Empty where its clock was a simulator's."""
    try:
        date = datetime.fromtimestamp(time_ns * 1e-9, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ""
    return date.strftime("%Y-%m-%d %H:%M:%S UTC") if date.year >= _FIRST_REAL_YEAR else ""


def sentence(comparison: Comparison | None) -> str:
    """The largest difference of the commands, and when it is."""
    if comparison is None:
        return "Nothing was compared. Name a golden file with --golden, or --golden recorded."
    largest = comparison.largest
    if largest is None:
        more = " What else differs is among the findings." if comparison.findings else ""
        return f"No command differs.{more}"
    return (
        f"The largest difference of the commands is {largest.amount:.3g} {largest.unit} at {largest.what}, "
        f"{seconds(largest.time_ns)} after the start: expected {largest.expected:.4g}, now {largest.now:.4g}."
    )


def largest_json(comparison: Comparison | None) -> dict[str, Any] | None:
    """The same as data. None where no command differs, or nothing was compared."""
    largest = None if comparison is None else comparison.largest
    if largest is None:
        return None
    return {
        "what": largest.what,
        "amount": largest.amount,
        "unit": largest.unit,
        "time_s": largest.time_ns * 1e-9,
        "expected": largest.expected,
        "now": largest.now,
    }
