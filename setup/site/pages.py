"""Hooks of mkdocs: the pages that lie outside docs/, links between them, and the pages made from docstrings.

On GitHub every page is read where it lies. The site has the same files in one tree, so links are written again.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
TOP = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
    "src/hume_training/hume_training/checkpoints/wx250s_tabletop/README.md": "shipped_policy.md",
}
"""Path in the repository -> path in the site."""

_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_API = re.compile(r"^<!-- api (?P<name>[\w.]+) -->$", re.MULTILINE)
_log = logging.getLogger("mkdocs.hooks.pages")


def outside_docs() -> dict[str, str]:
    """Every page that lies outside docs/: path in the repository -> path in the site."""
    packages = sorted(path.parent.name for path in ROOT.glob("src/*/README.md"))
    return TOP | {f"src/{name}/README.md": f"packages/{name}.md" for name in packages}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs: add the pages that lie outside docs/."""
    from mkdocs.structure.files import File

    for path, page in outside_docs().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Called by mkdocs: a page as the site wants it."""
    return as_in_site(markdown, page.file.src_uri)


def as_in_site(markdown: str, page: str) -> str:
    """The text of a page with links and API marks as the site wants them. Fenced code stays as it is.

    Args:
        markdown: as it lies in the repository.
        page: path in the site.
    """
    repository = {place: path for path, place in outside_docs().items()}
    source = repository.get(page, DOCS + page)
    parts = _FENCE.split(markdown)
    # Odd parts are fenced code.
    parts[::2] = [_LINK.sub(lambda found: _link(found, source, page), part) for part in parts[::2]]
    return _API.sub(r"::: \g<name>", "".join(parts))


def _link(found: re.Match[str], source: str, page: str) -> str:
    """A link as the site wants it. Files of the sources are no pages: only the text of such a link stays."""
    target, _, anchor = found["target"].partition("#")
    if not target or ":" in target:
        return found[0]
    path = normpath(join(dirname(source), target))
    if not (ROOT / path).exists():
        _log.warning("%s links to '%s', which does not exist", source, found["target"])
        return found["text"]
    place = outside_docs().get(path, path.removeprefix(DOCS) if path.startswith(DOCS) else "")
    if not place:
        return found["text"]
    return (
        f"{found['image']}[{found['text']}]({relpath(place, dirname(page) or os.curdir)}{'#' * bool(anchor)}{anchor})"
    )
