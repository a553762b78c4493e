"""The commands `hume views ...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hume_core.command_line import option
from hume_core.node_settings import ModelSettings
from hume_core.plot_file import check_plot_file

if TYPE_CHECKING:
    from hume_views.shown import Shown

views = typer.Typer(help="Layouts for Foxglove and rviz, and pictures of bags.", no_args_is_help=True)

Robot = Annotated[str, typer.Option(help="Robot profile: a name or the path of a YAML file.")]
Prefix = Annotated[str, option(ModelSettings, "prefix")]
PrefixControllers = Annotated[bool, option(ModelSettings, "prefix_controllers")]
Namespace = Annotated[str, typer.Option(help="Namespace of the stack. Empty: the root.")]
Bag = Annotated[Path, typer.Argument(help="Folder of the bag, or its .mcap file.")]
RecordedRobot = Annotated[str, typer.Option(help="Robot profile. Empty: the one the bag was recorded with.")]
Output = Annotated[Optional[Path], typer.Option("-o", "--output", help="File to write. Without: standard output.")]  # noqa: UP045


@views.command()
def foxglove(
    robot: Robot = "wx250s_sim",
    prefix: Prefix = "",
    prefix_controllers: PrefixControllers = True,
    namespace: Namespace = "",
    output: Output = None,
) -> None:
    """Print a layout for Foxglove: cameras, candidates, joints, limiter, mode, instruction."""
    from hume_views.foxglove import foxglove_layout

    _write(foxglove_layout(_shown(robot, prefix, prefix_controllers, namespace)), output)


@views.command()
def rviz(
    robot: Robot = "wx250s_sim",
    prefix: Prefix = "",
    prefix_controllers: PrefixControllers = True,
    namespace: Namespace = "",
    output: Output = None,
) -> None:
    """Print a configuration of rviz2: cameras, the arm, candidates, mode, limiter, instruction."""
    from hume_views.rviz import rviz_config

    _write(rviz_config(_shown(robot, prefix, prefix_controllers, namespace)), output)


@views.command()
def draw(
    bag: Bag,
    output: Annotated[Path, typer.Option("-o", "--output", help="Picture, .svg or .png.", callback=check_plot_file)],
    at: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.0, help="Moment, s since the first message. Without: where the values differ most."),
    ] = None,
    robot: RecordedRobot = "",
    namespace: Namespace = "",
) -> None:
    """Draw a moment of a bag: cameras, candidates by value, chosen path, commanded against measured."""
    from hume_views.picture import draw_bag

    raise typer.Exit(draw_bag(bag, output, at, robot, namespace))


@views.command()
def screenshot(
    bag: Bag,
    output: Annotated[Path, typer.Option("-o", "--output", help="Picture, .png.")],
    at: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.0, help="Moment, s since the first message. Without: the end."),
    ] = None,
    robot: RecordedRobot = "",
    namespace: Namespace = "",
) -> None:
    """Show a bag in the viewer of rerun and save the picture. Needs rerun and a Vulkan driver, but no screen."""
    from hume_views.screenshot import take_screenshot

    raise typer.Exit(take_screenshot(bag, output, at, robot, namespace))


def _shown(robot: str, prefix: str, prefix_controllers: bool, namespace: str) -> Shown:
    from hume_core.robot import RobotProfile
    from hume_views.shown import Shown

    return Shown(RobotProfile.load(robot, prefix, prefix_controllers), namespace)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
