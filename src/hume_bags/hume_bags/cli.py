"""Commands for bags: record, replay, inspect, export. The first two are programs of their own too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_core.command_line import make_app, option, run_app
from hume_core.node_settings import ModelSettings

Robot = Annotated[str, typer.Option(help="Robot profile: a name or the path of a YAML file.")]
Bag = Annotated[Path, typer.Argument(help="Folder of the bag, or its .mcap or .db3 file.")]
Recorded = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--namespace", help="Namespace of the recorded topics. Left out: where the robot's sensors are."),
]
Prefix = Annotated[str, option(ModelSettings, "prefix")]
PrefixControllers = Annotated[bool, option(ModelSettings, "prefix_controllers")]
Namespace = Annotated[str, typer.Option(help="Namespace of the stack.")]


def add_bag_commands(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(record)
    app.command()(replay)
    app.command("inspect")(inspect_bag)
    app.command()(export)


def record(
    robot: Robot,
    output: Annotated[Optional[Path], typer.Option("-o", "--output", help="Folder of the bag. Must not exist.")] = None,  # noqa: UP045
    prefix: Prefix = "",
    prefix_controllers: PrefixControllers = True,
    namespace: Namespace = "",
    topic: Annotated[Optional[list[str]], typer.Option(help="Also this topic. May be given again.")] = None,  # noqa: UP045
    thoughts: Annotated[bool, typer.Option(help="Also every candidate that System 2 weighs.")] = True,
    use_sim_time: Annotated[bool, typer.Option("--use-sim-time", help="Stamp arrivals with /clock.")] = False,
    seconds: Annotated[Optional[float], typer.Option(min=0.1, help="End after this time, s.")] = None,  # noqa: UP045
) -> None:
    """Record sensors, commands and what both systems say into a rosbag2 MCAP bag, until Ctrl-C."""
    from hume_bags.record import RecordOptions, run_record

    options = RecordOptions(
        robot, output, namespace, tuple(topic or ()), thoughts, use_sim_time, seconds, prefix, prefix_controllers
    )
    raise typer.Exit(run_record(options))


def replay(
    bag: Bag,
    rate: Annotated[float, typer.Option(min=0.01, max=100.0, help="Speed. 1 is as recorded.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Over and over. Stamps and /clock go on.")] = False,
    topics: Annotated[Optional[list[str]], typer.Option(help="Only these. May be given again.")] = None,  # noqa: UP045
    wait: Annotated[bool, typer.Option("--wait", help="Show the first messages until both systems run.")] = False,
    namespace: Annotated[
        str, typer.Option(help="Namespace of the stack: the robot's topics move there. Empty: as recorded.")
    ] = "",
) -> None:
    """Play a bag's sensors into the graph, with /clock and the recorded quality of service."""
    from hume_bags.replay import ReplayOptions, run_replay

    raise typer.Exit(run_replay(ReplayOptions(bag, rate, loop, tuple(topics or ()), wait, namespace)))


def export(
    bags: Annotated[list[Path], typer.Argument(help="Folders of bags, or .mcap or .db3 files.")],
    to: Annotated[tuple[str, Path], typer.Option(help="Format (lerobot) and folder of the new dataset.")],
    robot: Annotated[str, typer.Option(help="Robot profile. Empty: the one the bag was recorded with.")] = "",
    contract: Annotated[
        str, typer.Option(help="State and pictures as this policy contract wants them: a built-in name or a path.")
    ] = "",
    namespace: Recorded = None,
    task: Annotated[str, typer.Option(help="Instruction of bags that have none, or instead of theirs.")] = "",
    success: Annotated[Optional[bool], typer.Option("--success/--failure", help="Label of every episode.")] = None,  # noqa: UP045
    actions: Annotated[str, typer.Option(help="commands, or states: measured positions one step later.")] = "commands",
    image_size: Annotated[Optional[int], typer.Option(min=16, help="Side of the stored images, pixels.")] = None,  # noqa: UP045
    max_age: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.0, help="Oldest usable observation, s. Default: the profile's observation.max_age."),
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Store PNG images instead of videos: exact, and far larger.")
    ] = False,
    push_to_hub: Annotated[
        str, typer.Option(help="Publish the dataset under this name on the Hugging Face hub: OWNER/NAME.")
    ] = "",
) -> None:
    """Turn bags into a LeRobot dataset that `hume train` reads: one episode per goal, on the action grid."""
    from hume_bags.export import ExportOptions, run_export

    if to[0] != "lerobot":
        raise typer.BadParameter(f"format '{to[0]}' is unknown. Valid: --to lerobot FOLDER")
    options = ExportOptions(
        tuple(bags),
        to[1],
        robot,
        namespace,
        task,
        success,
        actions,
        image_size,
        max_age,
        contract,
        images=images,
        push_to_hub=push_to_hub,
    )
    raise typer.Exit(run_export(options))


def inspect_bag(
    bag: Bag,
    robot: Annotated[str, typer.Option(help="Robot profile. Empty: the one the bag was recorded with.")] = "",
    namespace: Recorded = None,
    json_file: Annotated[Optional[Path], typer.Option("--json", help="Write the figures to this file.")] = None,  # noqa: UP045
    rerun: Annotated[Optional[Path], typer.Option(help="Also write a .rrd file for the rerun viewer.")] = None,  # noqa: UP045
) -> None:
    """Say what a bag holds: rates, gaps, ages, synchronisation, joints, image sizes, unusable parts."""
    from hume_bags.inspection_report import run_inspect

    raise typer.Exit(run_inspect(bag, robot, namespace, json_file, rerun))


def _program(command: Callable[..., None]) -> None:
    app = make_app(str(command.__doc__))
    app.command()(command)
    run_app(app, command.__name__)


def record_program() -> None:
    """Entry point of `ros2 run hume_bags record`."""
    _program(record)


def replay_program() -> None:
    """Entry point of `ros2 run hume_bags replay`."""
    _program(replay)
