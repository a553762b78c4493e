"""Each picture of the pages is made by a command that stands beside it."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest
import typer

from hume_tools.cli.main import app

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
DRAWN_BY_HAND = {"architecture.svg"}
SCREENSHOTS = {"regress.png"}
"""Pages in a browser. Their command is a browser's, on a page that a command beside it writes."""
IMAGE = re.compile(r"!\[(?P<text>[^\]]+)\]\((?P<target>[^)]+)\)")
NEAR = 8  # lines


class Shown(NamedTuple):
    """An image on a page."""

    page: Path
    file: Path
    around: str


def shown(pages: list[Path]) -> list[Shown]:
    found = []
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        for k, line in enumerate(lines):
            around = "\n".join(lines[max(0, k - NEAR) : k + NEAR + 1])
            found += [Shown(page, (page.parent / image["target"]).resolve(), around) for image in IMAGE.finditer(line)]
    return found


MADE = [one for one in shown(PAGES) if one.file.name not in DRAWN_BY_HAND | SCREENSHOTS]
TAKEN = [one for one in shown(PAGES) if one.file.name in SCREENSHOTS]


def makers(one: Shown) -> list[list[str]]:
    """The words of the commands beside an image that write it. They are typed at the top of the repository."""
    path = one.file.relative_to(ROOT).as_posix()
    commands = re.findall(r"\./hume ([^`\n#]+)", one.around)
    return [words for words in map(shlex.split, commands) if path in words]


def test_every_image_is_shown_on_a_page() -> None:
    files = {path for path in IMAGES.iterdir() if path.is_file()}
    assert files - {one.file for one in shown(PAGES)} == set()


def test_every_image_of_a_page_is_there() -> None:
    assert [one for one in shown(PAGES) if not one.file.is_file()] == []


@pytest.mark.parametrize("one", MADE, ids=lambda one: f"{one.page.name}: {one.file.name}")
def test_the_command_that_makes_an_image_stands_beside_it(one: Shown) -> None:
    (words,) = makers(one)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    with command.make_context(str(command.name), words) as context:
        assert one.file.relative_to(ROOT) in context.params.values()


@pytest.mark.parametrize("one", TAKEN, ids=lambda one: f"{one.page.name}: {one.file.name}")
def test_the_page_of_a_screenshot_is_written_by_a_command_beside_it(one: Shown) -> None:
    path = one.file.relative_to(ROOT).as_posix()
    (shot,) = re.findall(
        rf"chromium --headless --screenshot={re.escape(path)} .*?(\S+\.html)$", one.around, re.MULTILINE
    )
    commands = [shlex.split(words) for words in re.findall(r"\./hume ([^`\n#]+)", one.around)]
    assert [words[0] for words in commands if shot in words] == ["regress"]
    assert one.file.stat().st_size < 300_000


def test_every_screenshot_is_shown() -> None:
    assert {one.file.name for one in TAKEN} == SCREENSHOTS


def test_the_readme_opens_with_a_film_and_the_architecture() -> None:
    opening = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert [Path(image["target"]).name for image in IMAGE.finditer(opening)] == ["demo.gif", "architecture.svg"]


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.svg")), ids=lambda path: path.name)
def test_drawings_are_small_and_have_their_words_as_text(path: Path) -> None:
    assert path.stat().st_size < 300_000
    root = ElementTree.parse(path).getroot()
    assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 5


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.gif")), ids=lambda path: path.name)
def test_films_are_small_and_move(path: Path) -> None:
    assert path.stat().st_size < 1_500_000
    capture = cv2.VideoCapture(str(path))
    frames = [capture.read()[1] for _ in range(20)]
    assert all(frame is not None for frame in frames)
    assert abs(frames[0].astype(int) - frames[-1]).max() > 50
