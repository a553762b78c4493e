"""The `hume` command. Each subcommand imports what it needs when it runs, so that the command starts quickly."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_bags.cli import add_bag_commands
from hume_bags.comparison.cli import add_compare
from hume_bags.regress.cli import add_regress
from hume_bringup.environment import default_environment
from hume_core.command_line import make_app, option, run_app
from hume_core.engine_names import EAGER, ENGINE_CHOICES
from hume_core.node_settings import ModelSettings
from hume_system1.denoiser_settings import DenoiserSettings
from hume_system2.settings import System2Settings
from hume_tools.cli.bench import bench
from hume_tools.cli.checkpoints import add_checkpoint_commands
from hume_tools.cli.file_options import JsonOption, VideoOption
from hume_tools.cli.libero import libero
from hume_tools.cli.operate import COMMANDS, add_operator_commands
from hume_tools.cli.recipe import add_recipe
from hume_tools.cli.serve import add_serve
from hume_tools.cli.training import add_commands
from hume_views.cli import views

app = make_app("The Hume robot stack: simulate, run, check, measure.", name="hume")
app.add_typer(bench, name="bench")
app.add_typer(libero, name="libero")
app.add_typer(views, name="views")
add_commands(app)
add_recipe(app)
add_checkpoint_commands(app)
add_regress(app, bench)
add_bag_commands(app)
add_compare(app)
add_operator_commands(app)
add_serve(app)

# These join the ROS graph from this very process.
_IN_THE_GRAPH = ("record", "replay", "python", *(command.__name__ for command in COMMANDS))
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.callback()
def prepare(context: typer.Context) -> None:
    """The Hume robot stack: simulate, run, check, measure."""
    if context.invoked_subcommand in _IN_THE_GRAPH:
        os.environ.update(default_environment())


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
    checkpoint: Annotated[str, typer.Option(help="Checkpoint folder or hub name. Empty: that of the robot.")] = "",
    suite: Annotated[str, typer.Option(help="Scenes, tasks and disturbances of this suite of hume evaluate.")] = "",
    episode_seconds: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=1.0, help="Time limit of an episode, s. Without: the suite's, or 20."),
    ] = None,
    json_file: JsonOption = None,
    video: VideoOption = None,
) -> None:
    """Run the simulated arm with both systems for some episodes."""
    from hume_bench.demo.run import DemoOptions, run_demo

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
    prefix: Annotated[str, option(ModelSettings, "prefix")] = "",
    prefix_controllers: Annotated[bool, option(ModelSettings, "prefix_controllers")] = True,
    namespace: Annotated[str, typer.Option(help="Namespace of the robot's topics.")] = "",
    checkpoint: Annotated[str, typer.Option(help="With --robot: whether this checkpoint fits it.")] = "",
    contract: Annotated[str, typer.Option(help="Of the checkpoint: a built-in name or a path. Empty: its own.")] = "",
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to listen to the graph, s.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say what is there, what is missing, and what to type. With --robot, whether a robot runs as its profile says."""
    from hume_tools.doctor.installation import installation, show

    if robot:
        from hume_core.robot import RobotProfile
        from hume_tools.doctor import examine

        profile = RobotProfile.load(robot, prefix, prefix_controllers)
        raise typer.Exit(show(examine(profile, namespace, seconds, checkpoint, contract), as_json))
    raise typer.Exit(show(installation(workspace()), as_json))


@app.command(context_settings=_PASS_ON)
def test(context: typer.Context) -> None:
    """Run the checks and tests: ruff, mypy, pytest. Arguments go to pytest, which then runs alone."""
    from hume_tools.checks import run_checks

    raise typer.Exit(run_checks(workspace(), context.args))


@app.command(context_settings=_PASS_ON)
def python(context: typer.Context) -> None:
    """Run Python inside the workspace's environment."""
    os.execv(sys.executable, [sys.executable, *context.args])


@app.command()
def parity(
    folder: Annotated[Path, typer.Argument(help="Folder with a checkpoint and recorded arrays.")],
    engine: Annotated[str, typer.Option(help=f"What runs the models: {', '.join(ENGINE_CHOICES)}.")] = EAGER,
) -> None:
    """Compare the models with recorded numbers."""
    from hume_tools.parity import run_parity

    raise typer.Exit(run_parity(folder, engine))


def main() -> None:
    """Entry point."""
    run_app(app, "hume")


if __name__ == "__main__":
    main()
