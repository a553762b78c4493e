"""Commands on checkpoint folders: contract, compact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_Checkpoint = Annotated[str, typer.Argument(help="Checkpoint folder or hub name.")]


def contract(
    checkpoint: _Checkpoint,
    robot: Annotated[str, typer.Option(help="Profile of the robot it was made for: gives names of joints.")] = "",
) -> None:
    """Print what a checkpoint's numbers mean: its contract, that of its release, or a draft to be filled in.

    ./hume contract FOLDER > FOLDER/policy_contract.json
    """
    from hume_tools.contract import run_contract

    raise typer.Exit(run_contract(checkpoint, robot))


def compact(
    checkpoint: _Checkpoint,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
) -> None:
    """Copy a checkpoint with 8-bit matrices: a quarter of the size. Evaluate the copy before you ship it."""
    from hume_core.checkpoint import resolve_folder
    from hume_core.checkpoint_writer import write_compact

    source = resolve_folder(checkpoint)
    write_compact(source, folder)
    sizes = [sum(file.stat().st_size for file in each.glob("*.safetensors")) * 1e-6 for each in (source, folder)]
    typer.echo(f"{folder}: {sizes[1]:.1f} MB in place of {sizes[0]:.1f} MB")


def add_checkpoint_commands(app: typer.Typer) -> None:
    """Add `contract` and `compact`."""
    for command in (contract, compact):
        app.command()(command)
