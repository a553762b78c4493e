"""`hume bench trajectory`: what `joint_trajectory_controller` makes of the command stream of each robot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from hume_bench.trajectory_play import Form, Played, Setup, StopCause, play
from hume_core.durations import FirstUnits
from hume_core.json_report import write_json
from hume_core.robot import RobotProfile, known_profiles

RATES = (100.0, 250.0, 500.0, 1000.0)
"""Update rates of the controller, Hz."""
LAGS = (0.0, 0.02, 0.06)
"""Time constants of the servos, s."""


@dataclass(frozen=True)
class Row:
    """One robot under one controller. The worst of all servo lags and endings.

    Attributes:
        robot: which.
        stream_hz, update_hz: rates of the stream and of the controller.
        interpolate_from_desired_state: parameter of the controller.
        form: of the messages.
        velocity, acceleration: of the controller's commands, as a part of the limit.
        outside: of the position limits, rad.
        delay_ms: from a command of the core to the same command of the controller, longest.
    """

    robot: str
    stream_hz: float
    update_hz: float
    interpolate_from_desired_state: bool
    form: str
    velocity: float
    acceleration: float
    outside: float
    delay_ms: float


def trajectory_profiles() -> list[RobotProfile]:
    """The robots with one arm that have the controller."""
    profiles = [RobotProfile.load(name) for name in known_profiles()]
    return [p for p in profiles if len(p.arms) == 1 and p.plays_trajectories]


def setups(profile: RobotProfile) -> Iterator[tuple[float, bool]]:
    """Update rate and parameter of each controller to try. One slower than the stream is refused by the doctor."""
    yield from product([rate for rate in RATES if rate >= profile.rates.stream], (False, True))


def run_bench(json_file: Path | None, compare: bool) -> int:
    """Measure. Print a table, write the figures where asked.

    Args:
        json_file: where to.
        compare: also messages without stamps, for comparison.
    """
    forms = list(Form) if compare else [Form.TIMED]
    tasks = [(p, form, *setup) for p in trajectory_profiles() for form in forms for setup in setups(p)]
    rest, rows = FirstUnits(len(tasks), "setups"), []
    for task in track(tasks, "playing", console=Console(stderr=True), transient=True):
        rows.append(_measure(*task))
        rest.done()
    table = Table("robot", "stream Hz", "update Hz", "from desired", "messages", "velocity", "acceleration", "delay ms")
    for row in rows:
        table.add_row(
            row.robot, f"{row.stream_hz:g}", f"{row.update_hz:g}", str(row.interpolate_from_desired_state).lower(),
            row.form, f"{row.velocity:.2f}", f"{row.acceleration:.2f}", f"{row.delay_ms:.0f}",
        )  # fmt: skip
    Console().print(table)
    if json_file is not None:
        write_json(json_file, [asdict(row) for row in rows])
    return 0


def _measure(profile: RobotProfile, form: Form, rate: float, from_desired_state: bool) -> Row:
    played: list[Played] = [
        play(profile, Setup(rate, from_desired_state, lag, form), ending) for lag in LAGS for ending in StopCause
    ]
    return Row(
        robot=profile.name,
        stream_hz=profile.rates.stream,
        update_hz=rate,
        interpolate_from_desired_state=from_desired_state,
        form=form.value,
        velocity=max(p.velocity for p in played),
        acceleration=max(p.acceleration for p in played),
        outside=max(p.outside for p in played),
        delay_ms=max(1e3 * p.delay for p in played if p.delay == p.delay),
    )
