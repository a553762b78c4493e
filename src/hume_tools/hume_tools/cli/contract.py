"""The command `hume contract`."""

from __future__ import annotations

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


def add_contract(app: typer.Typer) -> None:
    """Add `contract`."""
    app.command()(contract)
