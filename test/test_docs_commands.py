"""Every command in the documentation has options and fields that exist. Nothing is run."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from hume_bringup.description import GRAPHS
from hume_bringup.launch_options import LaunchOptions
from hume_core.settings import declared
from hume_libero.suites import NAMES
from hume_sim.suites import SUITES
from hume_tools.cli.main import app
from hume_training.evaluation.variants import find_variant
from hume_training.training.config import System1Config, System2Config, TrainingConfig, ValueConfig

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("src/hume_training/hume_training/checkpoints/*/README.md")),
]
LAUNCH = re.compile(r"ros2 launch hume_bringup (\w+)\.launch\.py((?:\s+\w+:=\S*)*)")
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)
ASSIGNMENT = re.compile(r'^(\w+)=("[^"\n]*"|\S+)', re.MULTILINE)
OPERATORS = (">", "2>&1", "&", "&&", "|")
SHELL = {"python", "test", "--help"}
"""What follows `./hume` and is no command of the program."""
CONFIGS: dict[str, type[TrainingConfig]] = {"system2": System2Config, "system1": System1Config, "value": ValueConfig}


def commands(page: Path) -> list[list[str]]:
    """The words after `./hume` of each command in a page, with the variables of its block and those before."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    found: list[list[str]] = []
    variables: dict[str, str] = {}
    for block in BLOCK.findall(text):
        for line in (part for whole in block.splitlines() for part in whole.split("; ")):
            assignment = ASSIGNMENT.match(line)
            value = re.sub(r"\$(\w+)", lambda name: variables.get(name[1], name[0]), line)
            if assignment is not None:
                variables[assignment[1]] = value.partition("=")[2].strip().partition(" #")[0].strip().strip('"')
            elif "./hume " in value:
                found.append(shlex.split(value[value.index("./hume ") :], comments=True)[1:])
    return [_typed(words) for words in found if words and words[0] not in SHELL]


def _typed(words: list[str]) -> list[str]:
    """The words that the command gets: those before the shell redirects its output or goes on."""
    return list(itertools.takewhile(lambda word: word not in OPERATORS, words))


def parsed(words: list[str]) -> tuple[str, dict[str, object]]:
    """The command that the words name, and its values by parameter."""
    # Typer brings a click of its own, whose classes are not those of the package click.
    command: Any = typer.main.get_command(app)
    name = "hume"
    while hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, f"there is no command '{name}'"
        command = command.commands[name]
    return name, dict(command.make_context(name, words).params)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_can_be_typed_as_it_stands(page: Path) -> None:
    for words in commands(page):
        if words[0] == "up":
            _check_launch(words[1:])
            continue
        try:
            name, values = parsed(words)
        except Exception as error:  # those of Typer's own click
            pytest.fail(f"{page.name}: ./hume {shlex.join(words)}: {error}")
        if name == "train":
            known = CONFIGS[str(values["kind"])].field_names()
            changes = values["change"]
            assert isinstance(changes, (list, tuple))
            assert [change for change in changes if change.partition("=")[0] not in known] == []
        if name == "evaluate":
            assert values["suite"] in (*SUITES, *NAMES)
            for variant in str(values["variants"]).split(","):
                find_variant(variant)


def _check_launch(words: list[str]) -> None:
    known = {item.name for item in declared(LaunchOptions)}
    names = [word for word in words if word != "..."]
    assert not names or names[0] in GRAPHS
    assert [word for word in names[1:] if word.partition(":=")[0] not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_launch_file_and_argument_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for name, arguments in LAUNCH.findall(text):
        if name != "NAME":
            assert (ROOT / "src" / "hume_bringup" / "launch" / f"{name}.launch.py").is_file(), name
        _check_launch(["sim", *arguments.split()])


def test_the_pages_have_commands_to_check() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 60
