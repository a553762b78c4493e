"""`hume bench stream`: period error of the command stream beside a bare loop, and time to standstill after faults."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hume_bench.clock_limit import measure_clock
from hume_bench.control_step import measure_core_step
from hume_bench.fault_trials import FAULTS, run_fault
from hume_bench.period_error import period_figures
from hume_bench.plot import plot_stream
from hume_bench.process_memory import resident_figures, urgent_page_faults
from hume_bench.trial import Trial
from hume_bringup.environment import default_environment
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.signals import interrupt_on_signals
from hume_core.console import say
from hume_core.durations import MEASURED, Units, estimate
from hume_core.errors import HumeError, RobotProfileError
from hume_core.json_report import write_json
from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile, find_profile, known_profiles
from hume_ros.context import init_ros
from hume_ros.domain import free_domain
from hume_sim.robots import other_than_simulated, unheard_topic

ROBOT = "wx250s_sim"
"""Which robot is measured where none is named."""
_CLOCK_SECONDS = 20.0
_PRIORITY = 60
_CORE_STEP_JOINTS = (7, 14)
"""One arm, and two."""
_STREAMS = (
    ("stream_200hz", 200.0, _PRIORITY),
    ("stream_500hz", 500.0, _PRIORITY),
    ("stream_200hz_without_fifo", 200.0, 0),
)
"""Name, rate and priority of each measurement."""
_START_SECONDS, _FAULT_SECONDS = 15.0, 15.0
"""What starting a stack takes, and the trial of a fault with it."""


def run_bench(
    json_file: Path | None, seconds: float = 60.0, faults: bool = True, plot: Path | None = None, robot: str = ROBOT
) -> int:
    """Measure and report. Returns 1 when the trial of a fault did not come to an end, else 0.

    Args:
        json_file: where the figures go. None prints only.
        seconds: of each stream measurement.
        faults: measure them too.
        plot: .svg or .png file for the plot. None draws none.
        robot: name or path of the profile of a simulated robot, with one arm or two.

    Raises:
        RobotProfileError: the robot is unknown, or cannot be simulated.
    """
    _check_simulated(robot)
    os.environ.update(default_environment())
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    interrupt_on_signals()
    init_ros()
    stream = Units(len(_STREAMS), "measurements of the stream", seconds + _START_SECONDS)
    trials = [Units(len(FAULTS), "faults", _FAULT_SECONDS)] if faults else []
    say(estimate(stream, Units(1, "bare loop", _CLOCK_SECONDS), *trials, basis=MEASURED))
    try:
        with Progress(console=Console(stderr=True)) as progress:
            figures = _measure(progress, seconds, faults, robot)
    finally:
        rclpy.try_shutdown()
    _print(figures)
    if json_file is not None:
        write_json(json_file, figures)
    if plot is not None:
        plot_stream(figures, plot)
    return int(any("error" in values for values in figures["faults"].values()))


def _check_simulated(robot: str) -> None:
    profile = RobotProfile.load(robot)
    problem = other_than_simulated(profile) or (unheard_topic(profile) if len(profile.arms) > 1 else "")
    if problem:
        names = ", ".join(name for name in known_profiles() if not other_than_simulated(RobotProfile.load(name)))
        raise RobotProfileError(f"robot '{profile.name}' cannot be simulated: {problem}. Robots that can: {names}")


def _measure(progress: Progress, seconds: float, faults: bool, robot: str = ROBOT) -> dict[str, Any]:
    names = list(FAULTS) if faults else []
    bar = progress.add_task("core step", total=4 + len(names))
    profile = RobotProfile.load(robot)
    joints = len(profile.joints) + len(profile.grippers)
    steps = {count: measure_core_step(count) for count in sorted({*_CORE_STEP_JOINTS, joints})}
    medians = {str(count): values["median_us"] for count, values in steps.items()}
    figures: dict[str, Any] = {
        "robot": profile.name, "joints": joints, "core_step": steps[joints], "core_step_us": medians,
    }  # fmt: skip

    def note(name: str, value: Any) -> None:
        figures[name] = value
        progress.advance(bar)

    for name, rate, priority in _STREAMS:
        progress.update(bar, description=f"{name}, {seconds:.0f} s")
        stream, clock = measure_stream(rate, seconds, priority, robot, with_clock=name == "stream_200hz")
        note(name, stream)
        if clock:
            note("clock_limit", clock)
    figures["faults"] = {}
    limits = profile.motion_limits()
    for name in names:
        progress.update(bar, description=f"fault: {name}")
        figures["faults"][name] = _fault_figures(name, robot, limits)
        progress.advance(bar)
    return figures


def _fault_figures(name: str, robot: str, limits: MotionLimits) -> dict[str, Any]:
    """What one fault leads to. `error` instead, where its trial did not come to an end."""
    try:
        fault = FAULTS[name]
        outcome = run_fault(replace(fault, options=replace(fault.options, robot=robot)), limits)
    except HumeError as error:
        return {"error": str(error)}
    return {
        "detection_ms": 1e3 * outcome.detection,
        "slowing_ms": 1e3 * max(0.0, outcome.slowing),
        "standstill_ms": 1e3 * outcome.standstill,
        "allowed_standstill_ms": 1e3 * outcome.allowed_standstill,
        "worst_limit_ratio": outcome.ratios.worst,
        "reason": outcome.reason,
    }


def measure_stream(
    rate: float, seconds: float, priority: int, robot: str = ROBOT, *, with_clock: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Period error of the command stream while both systems work.

    Args:
        rate: of the stream, Hz.
        seconds: length.
        priority: SCHED_FIFO priority of the command loop. 0: ordinary scheduling.
        robot: name or path of the profile of a simulated robot.
        with_clock: measure a bare loop of the same rate and priority beside it, after the stream's own time.

    Returns:
        Figures of the stream and of the bare loop (empty without). The stream's say also what the command process
        has in memory (`resident_figures`), and `loop_page_faults` in this time: None without SCHED_FIFO.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = _profile_at(rate, robot, Path(folder))
        options = LaunchOptions(robot=str(profile), seed=0, log_level="warn")
        with Trial(options, {"hume_system1": {"priority": priority}}) as trial:
            trial.start_task()
            trial.spin(2.0)
            started = trial.node.get_clock().now().nanoseconds
            process = trial.pid("hume_system1")
            faults = urgent_page_faults(process)
            trial.spin(seconds)
            memory = resident_figures(process)
            memory["loop_page_faults"] = None if faults is None else (urgent_page_faults(process) or 0) - faults
            scheduler = str(trial.status.scheduler)
            clock = measure_clock(rate, _CLOCK_SECONDS, priority) if with_clock else {}
            elapsed = 1e-9 * (trial.node.get_clock().now().nanoseconds - started)
            times = trial.stop().times
    end = times[-1] - (elapsed - seconds)
    window = times[(times > end - seconds) & (times <= end)]
    return period_figures(np.diff(window), 1.0 / rate, scheduler) | memory, clock


def _profile_at(rate: float, robot: str, folder: Path) -> Path:
    """The simulated robot's profile with another stream rate."""
    source = find_profile(robot)
    data = yaml.safe_load(source.read_text(encoding="utf-8"))
    data.setdefault("rates", {})["stream"] = rate
    path = folder / source.name
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def _print(figures: dict[str, Any]) -> None:
    console = Console()
    table = Table("loop", "scheduler", "rate, Hz", "p50, us", "p99", "p99.9", "max", "gaps > 2 periods")
    for name, values in figures.items():
        if not isinstance(values, dict) or "period_error_us" not in values:
            continue
        error = values["period_error_us"]
        numbers = [f"{error[key]:.0f}" for key in ("p50", "p99", "p999", "max")]
        gaps = str(values["gaps_over_two_periods"])
        table.add_row(name, values["scheduler"], f"{values['rate_hz']:.1f}", *numbers, gaps)
    console.print(table)
    for name, _, _ in _STREAMS:
        _print_memory(console, name, figures[name])
    medians = ", ".join(f"{cost:.0f} us with {joints} joints" for joints, cost in figures["core_step_us"].items())
    p99 = figures["core_step"]["p99_us"]
    console.print(f"one step of the control core: median {medians} (p99 with {figures['joints']}: {p99:.0f} us)")
    if not figures["faults"]:
        return
    table = Table("fault", "noticed, ms", "after the bound", "standstill", "allowed", "worst / limit", "reason")
    for name, values in figures["faults"].items():
        if "error" in values:
            table.add_row(name, "", "", "", "", "", values["error"])
            continue
        keys = ("detection_ms", "slowing_ms", "standstill_ms", "allowed_standstill_ms")
        ratio = f"{values['worst_limit_ratio']:.6f}"
        table.add_row(name, *(f"{values[key]:.0f}" for key in keys), ratio, values["reason"])
    console.print(table)


def _print_memory(console: Console, name: str, values: dict[str, Any]) -> None:
    parts = ", ".join(f"{cause} {size:.0f}" for cause, size in values["resident_by_cause_mb"].items())
    faults = values["loop_page_faults"]
    waited = "" if faults is None else f". Its loop waited for {faults} pages"
    console.print(f"{name}: command process {values['resident_mb']:.0f} MB resident ({parts}){waited}")
