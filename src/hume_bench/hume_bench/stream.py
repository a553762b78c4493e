"""`hume bench stream`: period error of the command stream beside a bare loop, and time to standstill after faults."""

from __future__ import annotations

import os
import tempfile
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
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile, find_profile
from hume_ros.context import init_ros
from hume_ros.domain import free_domain

_ROBOT = "wx250s_sim"
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


def run_bench(json_file: Path | None, seconds: float = 60.0, faults: bool = True, plot: Path | None = None) -> int:
    """Measure and report. Returns 1 when the trial of a fault did not come to an end, else 0.

    Args:
        json_file: where the figures go. None prints only.
        seconds: of each stream measurement.
        faults: measure them too.
        plot: .svg or .png file for the plot. None draws none.
    """
    os.environ.update(default_environment())
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    interrupt_on_signals()
    init_ros()
    stream = Units(len(_STREAMS), "measurements of the stream", seconds + _START_SECONDS)
    trials = [Units(len(FAULTS), "faults", _FAULT_SECONDS)] if faults else []
    say(estimate(stream, Units(1, "bare loop", _CLOCK_SECONDS), *trials, basis=MEASURED))
    try:
        with Progress(console=Console(stderr=True)) as progress:
            figures = _measure(progress, seconds, faults)
    finally:
        rclpy.try_shutdown()
    _print(figures)
    if json_file is not None:
        write_json(json_file, figures)
    if plot is not None:
        plot_stream(figures, plot)
    return int(any("error" in values for values in figures["faults"].values()))


def _measure(progress: Progress, seconds: float, faults: bool) -> dict[str, Any]:
    names = list(FAULTS) if faults else []
    bar = progress.add_task("core step", total=4 + len(names))
    steps = {joints: measure_core_step(joints) for joints in _CORE_STEP_JOINTS}
    medians = {str(joints): figures["median_us"] for joints, figures in steps.items()}
    figures: dict[str, Any] = {"core_step": steps[_CORE_STEP_JOINTS[0]], "core_step_us": medians}

    def note(name: str, value: Any) -> None:
        figures[name] = value
        progress.advance(bar)

    for name, rate, priority in _STREAMS:
        progress.update(bar, description=f"{name}, {seconds:.0f} s")
        stream, clock = measure_stream(rate, seconds, priority, with_clock=name == "stream_200hz")
        note(name, stream)
        if clock:
            note("clock_limit", clock)
    figures["faults"] = {}
    limits = RobotProfile.load(_ROBOT).motion_limits()
    for name in names:
        progress.update(bar, description=f"fault: {name}")
        figures["faults"][name] = _fault_figures(name, limits)
        progress.advance(bar)
    return figures


def _fault_figures(name: str, limits: MotionLimits) -> dict[str, Any]:
    """What one fault leads to. `error` instead, where its trial did not come to an end."""
    try:
        outcome = run_fault(FAULTS[name], limits)
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
    rate: float, seconds: float, priority: int, *, with_clock: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Period error of the command stream while both systems work.

    Args:
        rate: of the stream, Hz.
        seconds: length.
        priority: SCHED_FIFO priority of the command loop. 0: ordinary scheduling.
        with_clock: measure a bare loop of the same rate and priority beside it, after the stream's own time.

    Returns:
        Figures of the stream and of the bare loop (empty without). The stream's say also what the command process
        has in memory (`resident_figures`), and `loop_page_faults` in this time: None without SCHED_FIFO.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = _profile_at(rate, Path(folder))
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


def _profile_at(rate: float, folder: Path) -> Path:
    """The simulated robot's profile with another stream rate."""
    data = yaml.safe_load(find_profile(_ROBOT).read_text(encoding="utf-8"))
    data["rates"]["stream"] = rate
    path = folder / f"{_ROBOT}.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def _print(figures: dict[str, Any]) -> None:
    console = Console()
    table = Table("loop", "scheduler", "rate, Hz", "p50, us", "p99", "p99.9", "max", "gaps > 2 periods")
    for name, values in figures.items():
        if name in ("faults", "core_step", "core_step_us"):
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
    console.print(f"one step of the control core: median {medians} (p99 with {_CORE_STEP_JOINTS[0]}: {p99:.0f} us)")
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
