"""Tables of settings in the documentation, and command-line options made from declarations."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hume_core.errors import ConfigError
from hume_tools.cli.main import app
from hume_tools.settings_docs import with_tables

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md") if "<!-- settings " in path.read_text(encoding="utf-8"))


def test_the_pages_with_tables_are_found() -> None:
    assert {path.name for path in PAGES} >= {"launch.md", "parameters.md"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_tables_say_what_the_code_says(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page == with_tables(page), f"run: ./hume python -m hume_tools.settings_docs docs/{path.name}"


def test_an_old_table_is_replaced() -> None:
    begin, end = "<!-- settings hume_system1.settings:LimitScales limit_scale. -->\n", "<!-- end of settings -->"
    page = with_tables(f"{begin}| old |\n{end} more")
    assert "| old |" not in page
    assert "| `limit_scale.velocity` | `1.0` | a number from 0.01 to 1 |" in page
    assert page.endswith(f"{end} more")


def test_options_take_the_nodes_range() -> None:
    refused = CliRunner().invoke(app, ["demo", "--candidates", "65"])
    assert refused.exit_code == 2
    assert "64" in refused.output


@pytest.mark.parametrize(
    ("option", "valid"), [("--dtype", "float32 or bfloat16"), ("--chunk-switch", "boundary or at_once")]
)
def test_options_take_the_nodes_choices(option: str, valid: str) -> None:
    refused = CliRunner().invoke(app, ["regress", "bag", option, "other"])
    assert isinstance(refused.exception, ConfigError)
    assert str(refused.exception) == f"option '{option}' is 'other'. Valid: {valid}"
