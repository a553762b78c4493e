"""The commands `hume libero`."""

from __future__ import annotations

from typing import Annotated

import typer

from hume_core.command_line import make_app
from hume_tools.cli.file_options import JsonOption

libero = make_app("Set up the LIBERO benchmark in an environment of its own, and try it.")
libero.info.no_args_is_help = False
libero.info.invoke_without_command = True


@libero.callback(invoke_without_command=True)
def prepare(context: typer.Context) -> None:
    """Set up the LIBERO benchmark in an environment of its own. Needs the network once, and 2 GB."""
    if context.invoked_subcommand is not None:
        return
    from hume_libero.environment import FOLDER, set_up, workspace

    typer.echo(f"Setting LIBERO up in {FOLDER}. This takes some minutes the first time.")
    changed = set_up(workspace())
    typer.echo(
        f"LIBERO is {'set up' if changed else 'there already'}. Try it: ./hume libero expert --episodes 1"
    )


@libero.command()
def expert(
    task: Annotated[list[str], typer.Option(help="SUITE:NUMBER. Repeatable. Without: all that the expert knows.")] = [],  # noqa: B006
    episodes: Annotated[int, typer.Option(min=1, help="Initial states of each task, from the first on.")] = 10,
    json_file: JsonOption = None,
) -> None:
    """Let a scripted expert do tasks by OSC_POSE, and send its rows through the stack."""
    from hume_libero.expert_report import parse_tasks, run_expert

    raise typer.Exit(run_expert(parse_tasks(task), episodes, json_file))
