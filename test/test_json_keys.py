"""docs/json.md lists the keys that commands write as JSON: all of them, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from json_samples import SAMPLES, SIMPLE, Sample

from hume_core.json_report import json_text
from hume_tools.cli.main import app

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
REST = "..."


@cache
def documented() -> dict[str, list[str]]:
    """Section -> the keys of its table. Sections are named by their commands."""
    sections = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]
    found = {}
    for text in sections:
        title = text.partition("\n")[0].strip().strip("`")
        found[title] = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    return {title: keys for title, keys in found.items() if keys}


def paths(content: Any, path: str = "") -> Iterator[str]:
    """Path of each value that is neither an object nor a list, and of each that is empty."""
    if isinstance(content, dict) and content:
        for name, value in content.items():
            yield from paths(value, f"{path}.{name}" if path else name)
    elif isinstance(content, list) and content:
        for value in content:
            yield from paths(value, f"{path}[]")
    else:
        yield path


def matches(key: str, path: str) -> bool:
    """Whether a documented key is that of a path."""
    pattern = re.escape(key.removesuffix(REST)).replace("NAME", r"[^.\[\]]+")
    return re.fullmatch(pattern + (".*" if key.endswith(REST) else ""), path) is not None


def beginnings(key: str) -> list[str]:
    """The key, and the objects and lists around it, one of which may be empty or null."""
    plain = key.removesuffix(REST)
    return [key, *(plain[: part.start()] for part in re.finditer(r"\.|\[\]", plain))]


def undocumented(keys: list[str], found: set[str]) -> list[str]:
    """Paths that no key matches."""
    known = [beginning for key in keys for beginning in beginnings(key)]
    return sorted(path for path in found if not any(matches(key, path) for key in known))


@pytest.fixture
def contents(request: pytest.FixtureRequest) -> Callable[[str], list[Any]]:
    """What the commands of a section write, read back as a program does."""

    def call(make: Sample) -> Any:
        names = make.__code__.co_varnames[: make.__code__.co_argcount]
        return make(*(request.getfixturevalue(name) for name in names))

    def strict(content: Any) -> Any:
        return json.loads(json_text(content), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return lambda section: [strict(call(make)) for make in SAMPLES[section]]


def test_every_section_is_compared_with_what_is_written() -> None:
    assert set(SAMPLES) == set(documented())


@pytest.mark.parametrize("section", sorted(SAMPLES))
def test_every_key_that_is_written_is_listed_and_no_other(section: str, contents: Callable[[str], list[Any]]) -> None:
    keys = documented()[section]
    found = {path for content in contents(section) for path in paths(content)}
    assert undocumented(keys, found) == []
    assert [key for key in keys if not any(matches(key, path) for path in found)] == []


def test_a_key_that_is_not_listed_is_found() -> None:
    assert undocumented(["a.b", "rows[].NAME"], {"a.b", "a.c", "rows[].x", "rows[]", "other"}) == ["a.c", "other"]


def commands_with_json() -> set[str]:
    """Commands of the program that have the option."""
    group: Any = typer.main.get_command(app)

    def look(command: Any, name: str) -> Iterator[str]:
        for inner, found in getattr(command, "commands", {}).items():
            yield from look(found, f"{name} {inner}")
        if any("--json" in option.opts for option in command.params):
            yield name

    return set(look(group, "hume"))


def test_every_command_that_writes_json_has_a_section() -> None:
    simple = {f"hume {name}" for name in SIMPLE}
    assert commands_with_json() - simple == {title for title in documented() if title.startswith("hume ")} - {
        "hume evaluate --value-quality",
        "hume evaluate --suite libero",
    }
    introduction = PAGE.partition("## Commands for a running stack")[2].partition("| key")[0]
    assert {f"hume {name}" for name in re.findall(r"`(\w+)`", introduction)} >= simple
