"""The documentation builds as a site without a warning, and its pages keep their links on GitHub and in the site."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LIST_IN_PARAGRAPH = re.compile(r"<p>(?:(?!</p>).)*\n(?:- |\d+\. )", re.DOTALL)
"""A list that GitHub shows and the site does not: there a list begins after an empty line."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    """The hooks of the site."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "setup" / "site" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_of_the_repository_is_in_the_site(site: Path, pages: ModuleType) -> None:
    wanted = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    wanted |= {path.removesuffix("md") + "html" for path in pages.outside_docs().values()}
    assert {path for path in wanted if not (site / path).is_file()} == set()
    assert {"index.html", "architecture.html", "packages/hume_core.html"} <= wanted


def test_the_api_page_has_what_the_docstrings_say(site: Path) -> None:
    page = (site / "api.html").read_text(encoding="utf-8")
    marks = re.findall(r"<!-- api ([\w.]+) -->", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    assert len(marks) > 20
    assert [name for name in marks if f'id="{name}"' not in page] == []
    assert "Propose, value and choose." in page


def test_lists_are_lists(site: Path) -> None:
    broken = [path.name for path in site.rglob("*.html") if LIST_IN_PARAGRAPH.search(path.read_text(encoding="utf-8"))]
    assert broken == []


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("bags.md", "[a](regress.md#run)", "[a](regress.md#run)"),
        ("bags.md", "[a](../ARCHITECTURE.md)", "[a](architecture.md)"),
        ("bags.md", "[`a`](../src/hume_core/hume_core/chunk.py)", "`a`"),
        ("index.md", "[a](docs/launch.md), ![b](docs/images/architecture.svg)",
         "[a](launch.md), ![b](images/architecture.svg)"),
        ("packages/hume_core.md", "[a](../../ARCHITECTURE.md#clocks)", "[a](../architecture.md#clocks)"),
        ("index.md", "[a](src/hume_core/README.md) [b](https://arxiv.org/abs/2505.21432) [c](#layout)",
         "[a](packages/hume_core.md) [b](https://arxiv.org/abs/2505.21432) [c](#layout)"),
        ("index.md", "```python\nx = [1](README.md)\n```\n", "```python\nx = [1](README.md)\n```\n"),
        ("api.md", "<!-- api hume_core.chunk.Chunk -->\n", "::: hume_core.chunk.Chunk\n"),
    ],
)  # fmt: skip
def test_links_are_written_anew_for_the_site(pages: ModuleType, page: str, text: str, expected: str) -> None:
    assert pages.as_in_site(text, page) == expected


@pytest.mark.parametrize(("page", "target"), [("bags.md", "nowhere.md"), ("index.md", "src/hume_core/none.py")])
def test_a_link_to_nothing_is_a_warning(
    pages: ModuleType, caplog: pytest.LogCaptureFixture, page: str, target: str
) -> None:
    with caplog.at_level(logging.WARNING):
        pages.as_in_site(f"[a]({target})", page)
    assert target in caplog.text
