"""`hume recipe`: commands in their order, each once."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hume_core.errors import ConfigError
from hume_sim.suites import SUITES
from hume_tools.cli.main import app
from hume_tools.cli.recipe import _check
from hume_tools.recipe import Recipe, run_recipe
from hume_training.evaluation.variants import find_variant
from hume_training.training.config import System1Config, System2Config, TrainingConfig, ValueConfig

SHIPPED = sorted((Path(__file__).parents[2] / "hume_training" / "hume_training" / "configs" / "recipes").glob("*.yaml"))
CONFIGS: dict[str, type[TrainingConfig]] = {"system2": System2Config, "system1": System1Config, "value": ValueConfig}


class Runs:
    """Stands in for the commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[list[str]] = []
        self.codes: dict[str, int] = {}
        monkeypatch.setattr(subprocess, "run", self)

    def __call__(self, words: Sequence[str], check: bool) -> Any:
        self.seen.append(list(words[3:]))
        return SimpleNamespace(returncode=self.codes.get(self.seen[-1][0], 0))

    def names(self) -> list[str]:
        found = [words[0] for words in self.seen]
        self.seen.clear()
        return found


def written(folder: Path, steps: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(f"folder: {folder / 'made'}\nsteps:\n{steps}")
    return path


STEPS = "  one: collect {folder}/data --suite detour\n  two: train system2 --config {configs}/system2.yaml\n"


def test_every_step_runs_once_and_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch)
    recipe = Recipe.load(written(tmp_path, STEPS))
    assert run_recipe(recipe, lambda words: None) == 0
    assert runs.seen[0] == ["collect", str(tmp_path / "made" / "data"), "--suite", "detour"]
    assert runs.names() == ["collect", "train"]
    assert run_recipe(recipe, lambda words: None) == 0
    assert runs.names() == []


def test_a_step_that_fails_ends_it_and_is_the_first_of_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch)
    recipe = Recipe.load(written(tmp_path, STEPS + "  three: evaluate --suite detour\n"))
    runs.codes["train"] = 1
    assert run_recipe(recipe, lambda words: None) == 1
    assert runs.names() == ["collect", "train"]
    runs.codes.clear()
    assert run_recipe(recipe, lambda words: None) == 0
    assert runs.names() == ["train", "evaluate"]


def test_a_step_that_was_another_command_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch)
    run_recipe(Recipe.load(written(tmp_path, STEPS)), lambda words: None)
    runs.names()
    changed = Recipe.load(written(tmp_path, STEPS.replace("detour", "mixed")))
    with pytest.raises(ConfigError, match="step 'one' was another command"):
        run_recipe(changed, lambda words: None)
    assert runs.names() == []
    elsewhere = Recipe.load(written(tmp_path, STEPS.replace("detour", "mixed")), tmp_path / "other")
    assert run_recipe(elsewhere, lambda words: None) == 0
    assert runs.seen[0][1] == str(tmp_path / "other" / "data")


@pytest.mark.parametrize(
    "step",
    ["collect {folder}/data --sweet detour", "train system2", "evaluate --episodes none", "collect"],
)
def test_a_mistake_in_the_last_step_is_found_before_the_first_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    runs = Runs(monkeypatch)
    recipe = Recipe.load(written(tmp_path, STEPS + f"  three: {step}\n"))
    with pytest.raises(ConfigError, match=f"hume {step.split()[0]}"):
        run_recipe(recipe, lambda words: _check(app, words))
    assert runs.names() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no recipe"),
        ("folder: here\n", "is no recipe"),
        ("folder: here\nsteps: {}\nmore: 1\n", "is no recipe"),
        ("folder: here\nsteps: {}\n", "must hold a name and a command"),
        ("folder: here\nsteps: {one: [collect]}\n", "must hold a name and a command"),
        ("folder: here\nsteps: {one: rm -rf here}\n", "step 'one' is no command of a recipe"),
        ("folder: here\nsteps: {one: 'collect {home}'}\n", "step 'one' cannot be read: 'home'"),
        ("folder: here\nsteps: {one: 'collect \"here'}\n", "step 'one' cannot be read"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        Recipe.load(path)


def uses_and_makes(words: list[str]) -> tuple[list[str], set[str]]:
    """The folders that a step reads, and those that it writes."""
    changes = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set")
    if words[0] == "train":
        assert set(changes) <= set(CONFIGS[words[1]].field_names())
        branches = [changes["branches"]] if "branches" in changes else []
        return [*changes["dataset"].split(","), changes["checkpoint"], *branches], {f"{changes['output']}/checkpoint"}
    if words[0] == "evaluate":
        return [words[1]], set()
    return [words[i + 1] for i, word in enumerate(words) if word == "--policy"], {words[1]}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_recipes_that_ship_can_be_carried_out(path: Path) -> None:
    recipe = Recipe.load(path)
    made: set[str] = set()
    if path.stem.endswith("_value"):
        before = Recipe.load(path.with_stem(path.stem.removesuffix("_value")))
        assert before.folder == recipe.folder
        assert {step.name for step in before.steps}.isdisjoint(step.name for step in recipe.steps)
        made |= {place for step in before.steps for place in uses_and_makes(list(step.words))[1]}
    for step in recipe.steps:
        _check(app, step.words)
        words = list(step.words)
        used, makes = uses_and_makes(words)
        assert [place for place in used if place.startswith(str(recipe.folder)) and place not in made] == []
        made |= makes
        if "--suite" in words:
            assert words[words.index("--suite") + 1] in SUITES
        for option in ("--variants", "--variant"):
            if option in words:
                for name in words[words.index(option) + 1].split(","):
                    find_variant(name)


def test_recipes_ship() -> None:
    assert {"detour", "mixed", "detour_value", "mixed_value"} <= {path.stem for path in SHIPPED}
