"""The `hume` command. Each subcommand imports what it needs when it runs, so that the command starts quickly."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_core.errors import HumeError
from hume_system1.denoiser_settings import DenoiserSettings
from hume_system2.settings import System2Settings
from hume_tools.cli_bags import add_bag_commands
from hume_tools.cli_regress import add_regress
from hume_tools.settings_options import option
from hume_tools.training_cli import add_commands

app = typer.Typer(
    name="hume",
    help="The Hume robot stack: simulate, run, check, measure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench = typer.Typer(help="Measure speed and timing.", no_args_is_help=True)
app.add_typer(bench, name="bench")
add_commands(app)
add_regress(app, bench)
add_bag_commands(app)

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
JsonOption = Annotated[Optional[Path], typer.Option("--json", help="Write the figures to this file.")]  # noqa: UP045


_REFUSALS = {
    errno.EACCES: "name a place that this user may write to",
    errno.EPERM: "name a place that this user may write to",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "make room on the disk, or name another place",
    errno.EMFILE: "allow more open files: ulimit -n 1024, or LimitNOFILE=1024 in the systemd unit",
    errno.ENFILE: "the system has too many files open: sysctl fs.file-max",
    errno.ENOMEM: "allow more memory, or end other programs",
}


def workspace() -> Path:
    """Top folder of the workspace, as `./hume` sets it."""
    return Path(os.environ.get("HUME_ROOT", Path.cwd()))


@app.command()
def demo(
    episodes: Annotated[int, typer.Option(min=1, help="Episodes to run.")] = 3,
    seed: Annotated[int, option(System2Settings, "seed", low=0, help="Seed of scenes and noise.")] = 0,
    candidates: Annotated[int | None, option(System2Settings, "candidates")] = None,
    system1: Annotated[bool, option(DenoiserSettings, "refine")] = True,
    robot: Annotated[str, typer.Option(help="Robot profile of a simulated arm.")] = "wx250s_sim",
    checkpoint: Annotated[str, typer.Option(help="Checkpoint folder or hub name; empty: that of the robot.")] = "",
    suite: Annotated[str, typer.Option(help="Scenes, tasks and disturbances of this suite of hume evaluate.")] = "",
    episode_seconds: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=1.0, help="Time limit of an episode, s; without: the suite's, or 20."),
    ] = None,
    json_file: JsonOption = None,
    video: Annotated[Optional[Path], typer.Option(help="Write an mp4 of the scene.")] = None,  # noqa: UP045
) -> None:
    """Run the simulated arm with both systems for some episodes."""
    from hume_tools.demo import DemoOptions, run_demo

    options = DemoOptions(
        episodes, seed, candidates, system1, robot, checkpoint, episode_seconds, json_file, video, suite
    )
    raise typer.Exit(run_demo(options))


@app.command(context_settings=_PASS_ON)
def up(context: typer.Context) -> None:
    """Start a set of nodes: hume up sim|robot|mock|... [argument:=value ...]. Without arguments: what there is."""
    from hume_tools.up import run_up

    raise typer.Exit(run_up(context.args))


@app.command()
def doctor(
    robot: Annotated[str, typer.Option(help="Check the running graph against this robot profile instead.")] = "",
    namespace: Annotated[str, typer.Option(help="Namespace of the robot's topics.")] = "",
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to listen to the graph, s.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say what is there, what is missing, and what to type; with --robot, whether a robot runs as its profile says."""
    from hume_tools.doctor import installation, show

    if robot:
        from hume_tools.robot_doctor import examine

        raise typer.Exit(show(examine(robot, namespace, seconds), as_json))
    raise typer.Exit(show(installation(workspace()), as_json))


@app.command(context_settings=_PASS_ON)
def test(context: typer.Context) -> None:
    """Run the checks and tests: ruff, mypy, pytest. Arguments go to pytest, which then runs alone."""
    from hume_tools.checks import run_checks

    raise typer.Exit(run_checks(workspace(), context.args))


@app.command(context_settings=_PASS_ON)
def python(context: typer.Context) -> None:
    """Run Python inside the workspace's environment."""
    from hume_bringup.environment import default_environment

    os.environ.update(default_environment())
    os.execv(sys.executable, [sys.executable, *context.args])


@app.command()
def parity(folder: Annotated[Path, typer.Argument(help="Folder with a checkpoint and recorded arrays.")]) -> None:
    """Compare the models with recorded numbers."""
    from hume_tools.parity import run_parity

    raise typer.Exit(run_parity(folder))


@bench.command("model")
def bench_model(json_file: JsonOption = None) -> None:
    """Measure the models against the straightforward schedule."""
    from hume_tools.bench.model import run_bench

    raise typer.Exit(run_bench(json_file))


@bench.command("kinematics")
def bench_kinematics(json_file: JsonOption = None) -> None:
    """Measure inverse kinematics on every robot profile."""
    from hume_tools.bench.kinematics import run_bench

    raise typer.Exit(run_bench(json_file))


@bench.command("trajectory")
def bench_trajectory(
    json_file: JsonOption = None,
    compare: Annotated[bool, typer.Option(help="Also play messages without stamps, for comparison.")] = False,
) -> None:
    """Play the command stream through a model of joint_trajectory_controller, on every robot that has it."""
    from hume_tools.bench.trajectory import run_bench

    raise typer.Exit(run_bench(json_file, compare))


@bench.command("stream")
def bench_stream(
    json_file: JsonOption = None,
    seconds: Annotated[float, typer.Option(min=5.0, help="Length of each measurement of the stream, s.")] = 60.0,
    faults: Annotated[bool, typer.Option(help="Also measure how soon each fault ends in standstill.")] = True,
) -> None:
    """Measure how punctual the command stream is, next to a bare loop, and how it stops."""
    from hume_tools.bench.stream import run_bench

    raise typer.Exit(run_bench(json_file, seconds, faults))


@bench.command("stops")
def bench_stops(
    json_file: JsonOption = None,
    endings: Annotated[bool, typer.Option(help="Also end the set of processes in every way.")] = True,
) -> None:
    """Measure how soon every kind of stop ends in standstill, and what is left when hume up ends."""
    from hume_bringup.environment import default_environment
    from hume_bringup.signals import interrupt_on_signals
    from hume_tools.bench.stops import run_bench

    os.environ.update(default_environment())
    interrupt_on_signals()
    raise typer.Exit(run_bench(json_file, endings))


def main() -> None:
    """Entry point: a typed error, or what the system refuses, ends the command with its message and exit code 2."""
    try:
        app(prog_name="hume")
    except HumeError as error:
        print(f"hume: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"hume: {error.strerror}{where}; {_REFUSALS[error.errno]}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
