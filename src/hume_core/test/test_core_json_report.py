"""JSON for others: every number is one, or null."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hume_core.json_report import finite, json_text, write_json


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x, 1], lambda x: {"a": {"b": (x,)}}])
def test_what_is_no_number_is_null(bad: float, wrap: Any) -> None:
    strict = json.loads(json_text(wrap(bad)), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert strict == json.loads(json.dumps(wrap(None)))


@pytest.mark.parametrize("good", [0, -1.5, True, None, "nan", [1, "inf"], {"a": {"b": 2.0}}])
def test_everything_else_stays(good: Any) -> None:
    assert finite(good) == good


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"x": math.nan})
    assert json.loads((tmp_path / "a" / "b.json").read_text()) == {"x": None}
