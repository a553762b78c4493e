"""`hume recipe`: the commands that make a policy, one after the other, each once.

A recipe is a YAML file with a folder and the words of each command. What a step was is kept in the folder when it is
over, so a recipe that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from hume_core.errors import ConfigError
from hume_core.yaml_file import read_yaml
from hume_training.default_checkpoint import shipped_checkpoint

_DONE = "steps"
_COMMANDS = ("collect", "train", "evaluate")
_FIELDS = ("folder", "steps")
_SHIPPED = "wx250s_tabletop"

Check = Callable[[Sequence[str]], None]
"""Raises ConfigError for words that are no command of the program."""


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: of the step.
        words: what follows `hume`.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """Commands in their order, and the folder below which they write.

    Attributes:
        folder: holds everything.
        steps: in their order.
    """

    folder: Path
    steps: tuple[Step, ...]

    @classmethod
    def load(cls, path: Path, folder: Path | None = None) -> Recipe:
        """Read a recipe. In its commands `{folder}`, `{configs}` and `{shipped}` stand for folders.

        Args:
            path: YAML file.
            folder: in place of the one that the file names.

        Raises:
            ConfigError: the file cannot be read, or is no recipe.
        """
        content = read_yaml(path, "recipe")
        if not isinstance(content, Mapping) or set(content) != set(_FIELDS):
            raise ConfigError(f"{path} is no recipe. It must be a mapping with the fields {' and '.join(_FIELDS)}")
        steps = content["steps"]
        if not isinstance(steps, Mapping) or not steps or not all(isinstance(text, str) for text in steps.values()):
            raise ConfigError(f"'steps' of {path} must hold a name and a command for each step")
        root = folder or Path(str(content["folder"]))
        places = {"folder": root, "configs": _configs(), "shipped": shipped_checkpoint(_SHIPPED)}
        return cls(root, tuple(Step(str(name), _words(str(name), text, places)) for name, text in steps.items()))


def run_recipe(recipe: Recipe, check: Check) -> int:
    """Run the steps that are not over. Returns 0, or the exit code of the step that failed.

    Args:
        recipe: to carry out.
        check: is asked about all steps before the first runs.

    Raises:
        ConfigError: a step is no command, or was another one when it was run.
    """
    console = Console(stderr=True)
    for step in recipe.steps:
        check(step.words)
    todo = [step for step in recipe.steps if not _is_over(recipe.folder, step)]
    console.print(f"{len(recipe.steps) - len(todo)} of {len(recipe.steps)} steps are over", highlight=False)
    for step in todo:
        console.print(f"{step.name}: hume {shlex.join(step.words)}", highlight=False, soft_wrap=True)
        code = subprocess.run([sys.executable, "-m", "hume_tools", *step.words], check=False).returncode
        if code != 0:
            console.print(f"step '{step.name}' ended with exit code {code}. Give the same command again to go on")
            return code
        path = _record(recipe.folder, step)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(step.words), encoding="utf-8")
    return 0


def _is_over(folder: Path, step: Step) -> bool:
    path = _record(folder, step)
    if not path.is_file():
        return False
    if json.loads(path.read_text(encoding="utf-8")) != list(step.words):
        raise ConfigError(
            f"step '{step.name}' was another command when it was run. Name another folder, or remove {path} and what "
            "the step made"
        )
    return True


def _record(folder: Path, step: Step) -> Path:
    return folder / _DONE / f"{step.name}.json"


def _words(name: str, text: str, places: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text.format_map(places)))
    except (KeyError, ValueError, IndexError) as error:
        valid = ", ".join(f"{{{place}}}" for place in places)
        raise ConfigError(f"step '{name}' cannot be read: {error}. Folders that may stand in it: {valid}") from error
    if not words or words[0] not in _COMMANDS:
        raise ConfigError(f"step '{name}' is no command of a recipe. Valid: {', '.join(_COMMANDS)}")
    return words


def _configs() -> Path:
    return Path(str(shipped_checkpoint(_SHIPPED))).parents[1] / "configs"
