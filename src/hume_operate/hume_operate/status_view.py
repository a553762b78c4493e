"""The terminal view of `hume status`: a snapshot as coloured text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hume_operate.snapshot import Snapshot

KEYS = "space: emergency stop   s, f, d: label success, failure, discard   q: leave"

_STYLES = {
    "running": "bold green", "idle": "bold cyan", "hold": "bold yellow", "fault": "bold white on red",
    "estop": "bold white on red", "silent": "bold white on red",
}  # fmt: skip
_BARS = "▁▂▃▄▅▆▇█"
_OLD = 0.5
"""From this age on a number is shown in yellow, s."""
_CURVE = 60


def view(snapshot: Snapshot, notice: str = "", keys: bool = False) -> Group:
    """The whole view.

    Args:
        snapshot: what to show.
        notice: a line about what was last done.
        keys: name the keys.
    """
    head = Text(f" {snapshot.mode.upper()} ", _STYLES.get(snapshot.mode, "bold"))
    head.append(f"  {snapshot.reason}", "default" if snapshot.mode in ("running", "idle", "hold") else "red")
    parts: list[RenderableType] = [head, Text(f"System 2: {snapshot.system2}   {_asked(snapshot)}"), _figures(snapshot)]
    if snapshot.unreachable:
        parts.append(Text(snapshot.unreachable, "yellow"))
    if snapshot.rejected:
        parts.append(Text("rejected: " + ", ".join(f"{count} {why}" for why, count in snapshot.rejected.items())))
    if notice:
        parts.append(Text(notice, "bold"))
    if keys:
        parts.append(Text(KEYS, "dim"))
    return Group(Panel(Group(*parts), title="hume status", title_align="left"))


def line(snapshot: Snapshot) -> str:
    """The most important in one line, for logs."""
    reason = f" ({snapshot.reason})" if snapshot.reason else ""
    rates = ", ".join(f"{rate:.0f} {name}/s" for name, rate in snapshot.rates.items())
    value = f", value {snapshot.value:.2f}" if math.isfinite(snapshot.value) else ""
    return f"{snapshot.mode}{reason}: {rates}{value}, {_asked(snapshot)}"


def curve(values: Sequence[float]) -> str:
    """Values as a row of bars, the lowest as the smallest one. Those that are not finite as a blank."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = high - low or 1.0
    return "".join(
        _BARS[min(len(_BARS) - 1, int((value - low) / span * len(_BARS)))] if math.isfinite(value) else " "
        for value in values
    )


def _asked(snapshot: Snapshot) -> str:
    if snapshot.instruction and math.isfinite(snapshot.ages["chunk"]):
        return f"task: {snapshot.instruction}"
    return 'no task in hand; give one: hume task "TEXT"'


def _figures(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("rates, Hz", "   ".join(f"{name} {rate:.1f}" for name, rate in snapshot.rates.items()))
    ages = Text()
    for name, age in snapshot.ages.items():
        ages.append(f"{name} {_number(age)}   ", "default" if age < _OLD else "yellow")
    table.add_row("ages, s", ages)
    thinks, reacts = _number(snapshot.think_duration), _number(snapshot.observation_to_command)
    table.add_row("delays, s", f"thought {thinks}   observation to command {reacts}")
    recent = snapshot.values[-_CURVE:]
    table.add_row("value", f"{_number(snapshot.value)}   {curve(recent)}{_range(recent)}")
    limited = ", ".join(snapshot.limited) or "no joint"
    table.add_row("limiter", f"changes {limited}; highest velocity / limit {snapshot.max_velocity_ratio:.2f}")
    grippers = snapshot.gripper if isinstance(snapshot.gripper, list) else [snapshot.gripper]
    table.add_row("gripper", ", ".join(map(_number, grippers)))
    table.add_row("arm", "stands still" if snapshot.standing_still else "moves")
    return table


def _range(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    return f"   {min(known):.2f} to {max(known):.2f}" if known else ""


def _number(value: float) -> str:
    """Blank where it is not known."""
    return f"{round(value, 2) + 0.0:.2f}" if math.isfinite(value) else "-"
