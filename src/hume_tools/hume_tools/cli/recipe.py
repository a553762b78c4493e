"""The command `hume recipe`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from hume_core.errors import ConfigError


def add_recipe(app: typer.Typer) -> None:
    """Add `recipe`."""

    @app.command()
    def recipe(
        file: Annotated[Path, typer.Argument(help="YAML file with the steps. See hume_training/configs/recipes.")],
        folder: Annotated[Optional[Path], typer.Option(help="In place of the folder that the file names.")] = None,  # noqa: UP045
    ) -> None:
        """Collect, train and evaluate as a file says. Run again to go on where it stopped."""
        from hume_tools.recipe import Recipe, run_recipe

        raise typer.Exit(run_recipe(Recipe.load(file, folder), lambda words: _check(app, words)))


def _check(app: typer.Typer, words: Sequence[str]) -> None:
    """Refuse words that the program cannot read.

    Raises:
        ConfigError: says which and why.
    """
    command: Any = typer.main.get_command(app)
    try:
        command.commands[words[0]].make_context(words[0], list(words[1:]))
    except Exception as error:  # those of Typer's own click
        message = getattr(error, "message", None) or str(error)
        raise ConfigError(f"hume {' '.join(words)}: {message}") from error
