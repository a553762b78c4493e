"""The commands `hume bench ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from hume_tools.cli.file_options import JsonOption, PlotOption

bench = typer.Typer(help="Measure speed and timing.", no_args_is_help=True)


@bench.command("model")
def bench_model(json_file: JsonOption = None, plot: PlotOption = None) -> None:
    """Measure the models against the straightforward schedule."""
    from hume_bench.model import run_bench

    raise typer.Exit(run_bench(json_file, plot=plot))


@bench.command("kinematics")
def bench_kinematics(json_file: JsonOption = None) -> None:
    """Measure inverse kinematics on every robot profile."""
    from hume_bench.kinematics import run_bench

    raise typer.Exit(run_bench(json_file))


@bench.command("trajectory")
def bench_trajectory(
    json_file: JsonOption = None,
    compare: Annotated[bool, typer.Option(help="Also play messages without stamps, for comparison.")] = False,
) -> None:
    """Play the command stream through a model of joint_trajectory_controller, on every robot that has it."""
    from hume_bench.trajectory import run_bench

    raise typer.Exit(run_bench(json_file, compare))


@bench.command("splice")
def bench_splice(
    json_file: JsonOption = None,
    plot: PlotOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the segments.")] = 0,
) -> None:
    """Compare the commands when a segment takes the place of another, with the splice and without."""
    from hume_bench.splice import run_bench

    raise typer.Exit(run_bench(json_file, plot, seed))


@bench.command("stream")
def bench_stream(
    json_file: JsonOption = None,
    seconds: Annotated[float, typer.Option(min=5.0, help="Length of each measurement of the stream, s.")] = 60.0,
    faults: Annotated[bool, typer.Option(help="Also measure how soon each fault ends in standstill.")] = True,
    plot: PlotOption = None,
    robot: Annotated[
        str, typer.Option(help="A simulated robot: wx250s_sim with one arm, wx250s_pair_sim with two, or a path.")
    ] = "wx250s_sim",
) -> None:
    """Measure how punctual the command stream is, next to a bare loop, and how it stops."""
    from hume_bench.stream import run_bench

    raise typer.Exit(run_bench(json_file, seconds, faults, plot, robot))


@bench.command("stops")
def bench_stops(
    json_file: JsonOption = None,
    endings: Annotated[bool, typer.Option(help="Also end the set of processes in every way.")] = True,
    plot: PlotOption = None,
) -> None:
    """Measure how soon every kind of stop ends in standstill, and what is left when hume up ends."""
    from hume_bench.stops import run_bench

    raise typer.Exit(run_bench(json_file, endings, plot))


@bench.command("load")
def bench_load(
    json_file: JsonOption = None,
    plot: PlotOption = None,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes under each load.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene.")] = 0,
) -> None:
    """Run the demo's episodes on a quiet computer, and with two and four busy processes beside it."""
    from hume_bench.load import run_bench

    raise typer.Exit(run_bench(json_file, plot, episodes, seed))


@bench.command("markers")
def bench_markers(
    json_file: JsonOption = None,
    seconds: Annotated[float, typer.Option(min=2.0, help="Length of each measurement, s.")] = 20.0,
) -> None:
    """Measure what drawing the candidates costs, with somebody who looks and without."""
    from hume_bench.markers import run_bench

    raise typer.Exit(run_bench(json_file, seconds))


@bench.command("dataset")
def bench_dataset(
    json_file: JsonOption = None,
    frames: Annotated[int, typer.Option(min=100, help="Frames of the dataset, each of two cameras.")] = 5000,
    lerobot: Annotated[str, typer.Option(help="Also measure LeRobot's loader: path of a Python that has it.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Worker processes of LeRobot's loader.")] = 0,
) -> None:
    """Measure the first epoch over a dataset with video: time and memory."""
    from hume_bench.dataset import run_bench

    raise typer.Exit(run_bench(json_file, frames, lerobot, workers))
