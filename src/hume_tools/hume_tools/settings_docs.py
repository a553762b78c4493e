"""Writes the tables of settings in the documentation: `./hume python -m hume_tools.settings_docs docs/*.md`.

A table stands between two comments. The first names the settings class, and the prefix of its names if there is one:

    <!-- settings hume_system1.settings:LimitScales limit_scale. -->
    <!-- end of settings -->
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

from hume_core.settings import markdown_table

_BLOCK = re.compile(
    r"(?P<begin><!-- settings (?P<module>[\w.]+):(?P<cls>\w+)(?: (?P<prefix>\S+))? -->\n)"
    r".*?(?P<end><!-- end of settings -->)",
    re.DOTALL,
)


def with_tables(page: str) -> str:
    """A page of Markdown with every table of settings as the code has it."""
    return _BLOCK.sub(_block, page)


def _block(found: re.Match[str]) -> str:
    cls = getattr(import_module(found["module"]), found["cls"])
    heading = "argument" if found["cls"] == "LaunchOptions" else "parameter"
    return f"{found['begin']}\n{markdown_table(cls, heading, found['prefix'] or '')}\n\n{found['end']}"


def main(paths: list[str]) -> None:
    """Bring pages up to date."""
    for path in map(Path, paths):
        page = path.read_text(encoding="utf-8")
        path.write_text(with_tables(page), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
