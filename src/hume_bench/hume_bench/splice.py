"""`hume bench splice`: the commands when a segment takes the place of another, with the splice and without.

Simulated time and an arm that is where it was commanded, so the figures are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from hume_bench.plot import plot_splice
from hume_core.chunk import Segment
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile
from hume_system1.control.command import ClockReading
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent, JointStateEvent, SegmentEvent
from hume_system1.control.spline import Spline
from hume_system1.control.states import Mode
from hume_system1.control.stream_check import divided_differences, stream_ratios
from hume_system1.robot_settings import control_settings

Array = NDArray[np.float64]

_ROBOT = "wx250s_sim"
_SEGMENT_PERIOD = 0.25  # s
_SEGMENTS = 12
_ROWS, _ROW_DT = 16, 0.05  # rows, s
_SPEED = 0.3  # of the path, as a part of the velocity limit
_FREQUENCY = 3.0  # rad/s
_BESIDE = 0.03  # rad, standard deviation of a segment's distance from the path
_FROM_REST = 6.0 * _SEGMENT_PERIOD
"""The way from rest into motion is over, s. The plot begins here."""


@dataclass(frozen=True)
class Paths:
    """Commands of one run.

    Attributes:
        limits: of the joints.
        times: (k,) s, from 0.
        switched: (k, n) rad, the row of the newest segment at each tick.
        spliced: (k, n) rad, what the control core commands.
        replaced: (r,) s, when a segment came.
    """

    limits: MotionLimits
    times: Array
    switched: Array
    spliced: Array
    replaced: Array


def run_bench(json_file: Path | None, plot: Path | None = None, seed: int = 0) -> int:
    """Play and report. Returns 0.

    Args:
        json_file: where the figures go. None prints only.
        plot: .svg or .png file for the plot. None draws none.
        seed: of the segments.

    Raises:
        HumeError: the control core did not follow.
    """
    figures = summarise(play(RobotProfile.load(_ROBOT), seed))
    table = Table("largest value / limit", "velocity", "acceleration", "jerk")
    for name in ("plain switch", "splice"):
        ratios = figures[name]["ratios"]
        table.add_row(name, *(f"{ratios[key]:.2f}" for key in ("velocity", "acceleration", "jerk")))
    Console().print(table)
    if json_file is not None:
        write_json(json_file, figures, indent=None)
    if plot is not None:
        plot_splice(figures, plot)
    return 0


def play(profile: RobotProfile, seed: int) -> Paths:
    """Feed the control core with segments that differ from each other, as those of a policy do.

    Args:
        profile: of the robot.
        seed: of the segments.

    Raises:
        HumeError: the control core did not follow.
    """
    limits, random = profile.motion_limits(), np.random.default_rng(seed)
    settings = control_settings(profile, ControlSettings(require_chunk=False, require_heartbeat=False))
    core, period = ControlCore(limits, settings), settings.period
    beside = random.normal(0.0, _BESIDE, (_SEGMENTS, limits.size))
    every = round(_SEGMENT_PERIOD / period)
    home = position = np.array(profile.home)
    core.inbox.append(ActivateEvent())
    curve, row = Spline(0.0, _ROW_DT, home[None]), np.zeros((4, limits.size))
    commands, rows = [], []
    for tick in range(-settings.start_states, every * _SEGMENTS):
        now = tick * period
        core.inbox.append(JointStateEvent(limits.names, tuple(position), (0.0,) * limits.size, now, now))
        if tick >= 0 and tick % every == 0:
            segment = _segment(core, limits, home + beside[tick // every], now, tick // every)
            core.inbox.append(SegmentEvent(segment, now))
            curve = Spline(segment.stamp, segment.dt, segment.positions)
        command = core.step(ClockReading(now, now))
        position = command.position.copy()
        curve.sample(now, row)
        commands.append(position)
        rows.append(row[0].copy())
    if command.mode is not Mode.RUNNING:
        raise HumeError(f"the control core did not follow the segments: {command.mode.value}, {command.reason.value}")
    times = np.arange(-settings.start_states, every * _SEGMENTS, dtype=np.float64) * period
    shown = times >= _FROM_REST - 0.5 * period
    replaced = np.arange(1, _SEGMENTS, dtype=np.float64) * _SEGMENT_PERIOD - _FROM_REST
    return Paths(
        limits, times[shown] - _FROM_REST, np.array(rows)[shown], np.array(commands)[shown], replaced[replaced > 0.0]
    )


def _segment(core: ControlCore, limits: MotionLimits, centre: Array, now: float, number: int) -> Segment:
    """A piece of one path, moved aside."""
    times = now + _ROW_DT * np.arange(_ROWS)
    amplitude = _SPEED * limits.velocity / _FREQUENCY
    return Segment(
        stamp=now, dt=_ROW_DT, epoch=core.intake.epoch, chunk_seq=0, seq=number, names=limits.names,
        positions=centre + amplitude * np.sin(_FREQUENCY * times[:, None] + np.arange(limits.size)),
        grippers=np.zeros((_ROWS, 0)), observation_stamp=now,
    )  # fmt: skip


def summarise(paths: Paths) -> dict[str, Any]:
    """The figures as JSON: `ratios` of each kind over all joints, and the curves of the joint that steps furthest."""
    steps = np.abs(np.diff(paths.switched, axis=0)).max(axis=0)
    joint = int(steps.argmax())
    report: dict[str, Any] = {
        "joint": paths.limits.names[joint],
        "velocity_limit": float(paths.limits.velocity[joint]),
        "replaced_s": paths.replaced.tolist(),
        "time_s": paths.times.tolist(),
    }
    for name, positions in (("plain switch", paths.switched), ("splice", paths.spliced)):
        ratios = stream_ratios(paths.times, positions, paths.limits)
        velocity, _, _ = divided_differences(paths.times, positions[:, [joint]])
        report[name] = {
            "ratios": {"velocity": ratios.velocity, "acceleration": ratios.acceleration, "jerk": ratios.jerk},
            "position_rad": positions[:, joint].tolist(),
            "velocity_rad_s": velocity[:, 0].tolist(),
        }
    return report
