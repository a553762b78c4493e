"""`hume demo`: the simulated arm with both systems, for some episodes."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import rclpy
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hume_bench.demo.client import DemoClient, DemoEpisode
from hume_bench.demo.film import Film
from hume_bench.demo.measurements import Measurements, percentiles
from hume_bench.demo.overlay import CameraView, CandidateOverlay
from hume_bench.demo.reply_times import ReplyTiming
from hume_bench.demo.video import VideoWriter
from hume_bringup.description import graph
from hume_bringup.environment import default_environment
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.signals import interrupt_on_signals
from hume_bringup.supervisor import Supervisor
from hume_core.console import say
from hume_core.durations import duration
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_core.robot import RobotProfile
from hume_core.tool_paths import load_tool_paths
from hume_ros.context import init_ros
from hume_ros.domain import free_domain
from hume_sim.scene import PLAIN, load_model
from hume_sim.suites import find_suite, scene
from hume_training.default_checkpoint import default_checkpoint

INTERRUPTED = 130
"""Exit code after Ctrl-C."""
_EPISODE_SECONDS = 20.0
_START_SECONDS = 20.0
"""What simulator and models take to start."""


@dataclass(frozen=True)
class DemoOptions:
    """What `hume demo` was asked for. See its help."""

    episodes: int = 3
    seed: int = 0
    candidates: int | None = None
    system1: bool = True
    robot: str = "wx250s_sim"
    checkpoint: str = ""
    episode_seconds: float | None = None
    json_file: Path | None = None
    video: Path | None = None
    suite: str = ""

    def scenes(self) -> list[tuple[int, str]]:
        """Seed and task of every episode. An empty task is drawn by the scene's seed.

        Raises:
            ConfigError: unknown suite.
        """
        if not self.suite:
            return [(self.seed + k, "") for k in range(self.episodes)]
        suite = find_suite(self.suite)
        return [scene(self.seed, k, suite) for k in range(self.episodes)]

    def time_limit(self) -> float:
        """Of an episode, s: what was asked for, else the suite's, else 20.

        Raises:
            ConfigError: unknown suite.
        """
        if self.episode_seconds is not None:
            return self.episode_seconds
        return find_suite(self.suite).time_limit if self.suite else _EPISODE_SECONDS


def run_demo(options: DemoOptions) -> int:
    """Run the episodes and report. Returns 0 when the loop ran from cameras to commands.

    Raises:
        ConfigError: unknown suite.
        HumeError: a node did not become active, or the simulator does not answer.
    """
    console = Console(stderr=True)
    try:
        episodes, measurements = play(options, console)
    except KeyboardInterrupt:
        console.print("interrupted. Nothing is left running")
        return INTERRUPTED
    report = summarise(episodes, measurements)
    _print(episodes, report)
    print(timing_line(ReplyTiming.of(measurements.system2, measurements.system1)))
    if options.json_file is not None:
        write_json(options.json_file, report)
    return 0 if measurements.loop_ran else 1


def play(options: DemoOptions, console: Console) -> tuple[list[DemoEpisode], Measurements]:
    """Start the simulated arm with both systems, run the episodes and end everything.

    Args:
        options: what to run.
        console: for the progress bar.

    Raises:
        ConfigError: unknown suite.
        HumeError: a node did not become active, or the simulator does not answer.
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    scenes, limit = options.scenes(), options.time_limit()
    os.environ.update(default_environment())
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    RobotProfile.load(options.robot)
    launch = LaunchOptions(
        robot=options.robot,
        checkpoint=options.checkpoint or str(default_checkpoint(options.robot, options.suite)),
        candidates=options.candidates,
        refine=options.system1,
        seed=options.seed,
        log_level="warn",
        suite=options.suite,
        video=options.video is not None,
    )
    say(f"at most {duration(_START_SECONDS + len(scenes) * limit)}: {len(scenes)} episodes of at most {limit:g} s")
    interrupt_on_signals()
    init_ros()
    try:
        with Supervisor(graph("sim", launch)) as supervisor:
            client = DemoClient(supervisor.ended, _film(options, launch.checkpoint))
            try:
                return _run_episodes(client, scenes, limit, console), client.measurements
            finally:
                client.close()
    finally:
        rclpy.try_shutdown()


def _film(options: DemoOptions, checkpoint: str) -> Film | None:
    """With the candidates, where the robot's tool is known. None: no film is wanted."""
    if options.video is None:
        return None
    profile = RobotProfile.load(options.robot)
    writer = VideoWriter(options.video)
    if profile.tool_kinematics is None:
        return Film(writer, None)
    kind = find_suite(options.suite).scene if options.suite else PLAIN
    return Film(writer, CandidateOverlay(load_tool_paths(profile, checkpoint), CameraView(load_model(kind), "video")))


def _run_episodes(
    client: DemoClient, scenes: list[tuple[int, str]], limit: float, console: Console
) -> list[DemoEpisode]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("starting simulator and models", total=len(scenes))
        client.wait_until_ready()
        episodes = []
        for seed, task in scenes:
            episodes.append(client.run_episode(seed, limit, lambda text: progress.update(bar, description=text), task))
            progress.advance(bar)
    return episodes


def timing_line(timing: ReplyTiming) -> str:
    """What was measured, for people who want to evaluate at it."""
    return f"The same timing for hume evaluate: {timing.arguments()}"


def summarise(episodes: list[DemoEpisode], measured: Measurements) -> dict[str, object]:
    """The figures of a run, as they go to JSON."""
    delays = percentiles([1e3 * delay for delay in measured.observation_to_command], (50, 99))
    return {
        "episodes": len(episodes),
        "successes": sum(episode.success for episode in episodes),
        "faults": sum(bool(episode.fault) for episode in episodes),
        "holds": measured.holds.total(),
        "hold_reasons": dict(measured.holds),
        "system2_hz": measured.system2_hz,
        "system1_hz": measured.system1_hz,
        "stream_hz": measured.stream_hz,
        "stream_period_error_us": measured.period_error_us,
        "observation_to_command_ms": {"p50": delays[0], "p99": delays[1]},
        "chunks_rejected": measured.chunks_rejected,
        "max_joint_velocity_ratio": measured.max_velocity_ratio,
        "scheduler": measured.scheduler,
        "timing": {
            **asdict(ReplyTiming.of(measured.system2, measured.system1)),
            "system2_observation_age": measured.system2.observation_age,
            "system1_observation_age": measured.system1.observation_age,
        },
        "outcomes": [asdict(episode) for episode in episodes],
    }


def _print(episodes: list[DemoEpisode], report: dict[str, object]) -> None:
    console = Console()
    table = Table(title="Episodes")
    for column in ("seed", "instruction", "outcome", "time, s", "System 2, Hz", "System 1, Hz", "value"):
        table.add_column(column)
    for episode in episodes:
        table.add_row(
            str(episode.seed), episode.instruction, episode.outcome,
            f"{episode.duration:.1f}", f"{episode.system2_hz:.1f}", f"{episode.system1_hz:.1f}",
            f"{episode.mean_value:.3f}",
        )  # fmt: skip
    console.print(table)
    figures = Table(title="Rates and timing", show_header=False)
    errors, delays = report["stream_period_error_us"], report["observation_to_command_ms"]
    assert isinstance(errors, dict)
    assert isinstance(delays, dict)
    rows = {
        "successes": f"{report['successes']} of {report['episodes']}",
        "episodes with a fault": str(report["faults"]),
        "System 2 (thoughts)": f"{report['system2_hz']:.2f} Hz",
        "System 1 (segments)": f"{report['system1_hz']:.1f} Hz",
        "command stream": f"{report['stream_hz']:.1f} Hz, {report['scheduler']}",
        "period error p50 / p99 / p99.9 / max": " / ".join(f"{errors[k]:.0f}" for k in errors) + " us",
        "observation to command p50 / p99": f"{delays['p50']:.0f} / {delays['p99']:.0f} ms",
        "chunks rejected": str(report["chunks_rejected"]),
        "highest commanded velocity / limit": f"{report['max_joint_velocity_ratio']:.3f}",
    }
    for name, value in rows.items():
        figures.add_row(name, value)
    console.print(figures)
    if math.isnan(float(str(report["stream_hz"]))):
        raise HumeError("no command was streamed. See the messages above")
