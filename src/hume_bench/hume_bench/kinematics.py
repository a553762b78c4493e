"""`hume bench kinematics`: time of inverse kinematics on the shipped robots."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Column, Table

from hume_core.action_spaces import EeDelta
from hume_core.durations import FirstUnits
from hume_core.json_report import write_json
from hume_core.kinematics import Kinematics, Reach
from hume_core.robot import Arm, RobotProfile, known_profiles
from hume_core.robot_kinematics import load_kinematics

T = TypeVar("T")

_DT = 0.05
_STEPS = 1000
_ROWS = 10


@dataclass(frozen=True)
class KinematicsTiming:
    """One arm. Processor time in ms, medians and 99th percentiles of random, reachable motions.

    Attributes:
        robot, joints: which arm, as `ROBOT.ARM` where a robot has several, and how many joints it has.
        step_ms, step_p99_ms: one differential step.
        row_ms, row_p99_ms: one action row, solved to 2 mm and 0.5 deg or as the profile says.
        segment_ms: a segment of ten rows.
        reached: share of the rows that were reached.
    """

    robot: str
    joints: int
    step_ms: float
    step_p99_ms: float
    row_ms: float
    row_p99_ms: float
    segment_ms: float
    reached: float


def run_bench(json_file: Path | None) -> int:
    """Measure every arm of every profile that has kinematics. Print a table, write the figures where asked."""
    profiles = [RobotProfile.load(name) for name in known_profiles()]
    arms = [(profile, arm) for profile in profiles for arm in profile.arms if arm.kinematics is not None]
    rest, results = FirstUnits(len(arms), "arms"), []
    for profile, arm in arms:
        results.append(_measure(profile, arm))
        rest.done()
    table = Table(Column("robot", overflow="fold"), "joints", "step ms", "p99", "row ms", "p99", "10 rows", "reached")
    for result in results:
        times = (result.step_ms, result.step_p99_ms, result.row_ms, result.row_p99_ms, result.segment_ms)
        table.add_row(result.robot, str(result.joints), *(f"{ms:.3f}" for ms in times), f"{result.reached:.1%}")
    Console().print(table)
    if json_file is not None:
        write_json(json_file, [asdict(result) for result in results])
    return 0


def _measure(profile: RobotProfile, measured: Arm) -> KinematicsTiming:
    arm = load_kinematics(profile, arm=measured)
    rng = np.random.default_rng(0)
    low, high = arm.limits.lower, arm.limits.upper
    # Beyond a turn a continuous joint is where it was.
    turn = np.where(arm.limits.continuous, np.pi, np.inf)
    steps, rows, segments, outcomes = [], [], [], Counter[Reach]()
    for _ in range(_STEPS):
        start = rng.uniform(np.maximum(low, -turn), np.minimum(high, turn))
        move = rng.uniform(-0.5, 0.5, len(start)) * arm.limits.velocity * _DT
        target = arm.forward(np.clip(start + move, low, high))
        delta = arm.forward(start).error_to(target)
        steps.append(_timed(partial(arm.step, start, delta, _DT))[0])
        milliseconds, solution = _timed(partial(arm.solve, target, start, _DT))
        rows.append(milliseconds)
        outcomes.update([solution.reach])
    for _ in range(_STEPS // _ROWS):
        chunk = np.tile(rng.normal(size=6) * [0.004, 0.004, 0.004, 0.01, 0.01, 0.01], (_ROWS, 1))
        segments.append(_timed(partial(_follow, arm, chunk, np.array(measured.home)))[0])
    return KinematicsTiming(
        robot=profile.name if len(profile.arms) == 1 else f"{profile.name}.{measured.name}",
        joints=len(measured.joints),
        step_ms=float(np.median(steps)),
        step_p99_ms=float(np.quantile(steps, 0.99)),
        row_ms=float(np.median(rows)),
        row_p99_ms=float(np.quantile(rows, 0.99)),
        segment_ms=float(np.median(segments)),
        reached=outcomes[Reach.REACHED] / _STEPS,
    )


def _follow(arm: Kinematics, chunk: NDArray[np.float64], start: NDArray[np.float64]) -> object:
    return EeDelta().path(chunk, start, _DT, arm).segment(0, chunk)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    """Processor time of a call, ms, and what it returns."""
    started = time.thread_time()
    result = call()
    return 1e3 * (time.thread_time() - started), result
