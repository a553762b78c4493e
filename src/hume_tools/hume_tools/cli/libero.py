"""The commands `hume libero`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hume_core.command_line import make_app
from hume_core.errors import ConfigError
from hume_tools.cli.file_options import JsonOption

libero = make_app("Set up the LIBERO benchmark in an environment of its own, and try it.")
libero.info.no_args_is_help = False
libero.info.invoke_without_command = True


@libero.callback(invoke_without_command=True)
def prepare(context: typer.Context) -> None:
    """The LIBERO benchmark: set it up in an environment of its own, and try it. Alone: setup."""
    if context.invoked_subcommand is None:
        setup()


@libero.command()
def setup() -> None:
    """Set LIBERO up in an environment of its own. Needs the network once, and 2 GB."""
    from hume_libero.environment import FOLDER, set_up, workspace

    typer.echo(f"Setting LIBERO up in {FOLDER}. This takes some minutes the first time.")
    changed = set_up(workspace())
    typer.echo(f"LIBERO is {'set up' if changed else 'there already'}. Try it: ./hume libero expert --episodes 1")


@libero.command()
def expert(
    task: Annotated[list[str], typer.Option(help="SUITE:NUMBER. Repeatable. Without: all that the expert knows.")] = [],  # noqa: B006
    episodes: Annotated[int, typer.Option(min=1, help="Initial states of each task, from the first on.")] = 10,
    json_file: JsonOption = None,
) -> None:
    """Let a scripted expert do tasks by OSC_POSE, and send its rows through the stack."""
    from hume_libero.expert_report import parse_tasks, run_expert

    raise typer.Exit(run_expert(parse_tasks(task), episodes, json_file))


_DEFAULT_ROBOT = "wx250s_sim"


def evaluate_libero(refused: Sequence[str], variants: str, tasks: str, robot: str, **given: Any) -> int:
    """`hume evaluate` with a suite of LIBERO. Returns the exit code.

    Args:
        refused: options that were given and do not go with it.
        variants, tasks: separated by commas.
        robot: as given. That of the other suites counts as not given.
        given: the other fields of `LiberoOptions`.

    Raises:
        ConfigError: an option does not go with LIBERO.
    """
    if refused:
        raise ConfigError(f"--{refused[0]} does not go with a suite of LIBERO. Leave it out")
    from hume_libero.evaluation import LiberoOptions, parse_tasks, run_libero
    from hume_libero.robot import ROBOT

    names = [name.strip() for name in variants.split(",") if name.strip()]
    chosen = ROBOT if robot == _DEFAULT_ROBOT else robot
    return run_libero(LiberoOptions(**given, variants=names, tasks=parse_tasks(tasks), robot=chosen))


def refuse_libero(**given: Any) -> None:
    """Refuse options of LIBERO where another suite is played.

    Args:
        given: name of an option -> whether it was given.

    Raises:
        ConfigError: one was.
    """
    for name, value in given.items():
        if value:
            raise ConfigError(f"--{name} goes with a suite of LIBERO. Leave it out, or give --suite libero_spatial")
