"""No command writes NaN: what people and programs read is written by one function."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
FORMATS = {
    "hume_bags/regress/run.py", "hume_bags/regress/stream.py", "hume_bags/writer.py", "hume_bringup/node_spec.py",
    "hume_core/json_report.py", "hume_core/policy.py", "hume_system1/denoiser_settings.py",
    "hume_system2/model/system2.py", "hume_operate/keeper.py", "hume_tools/recipe.py",
    "hume_training/collect/run.py", "hume_training/data/branches.py", "hume_training/data/cache.py",
    "hume_training/data/description.py", "hume_training/data/layout.py", "hume_training/data/writer.py",
    "hume_training/evaluation/branching.py", "hume_training/initialize.py", "hume_training/training/lora.py",
    "hume_training/training/state.py", "hume_views/foxglove.py",
}  # fmt: skip
"""Files of a given format, and texts between our own processes: they hold no figures that may be unknown."""


def writers() -> set[str]:
    """Modules that call `json.dump` or `json.dumps` themselves."""
    found = set()
    for file in SOURCE.glob("hume_*/hume_*/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            call = node.func if isinstance(node, ast.Call) else None
            if isinstance(call, ast.Attribute) and call.attr in ("dump", "dumps") and ast.unparse(call.value) == "json":
                found.add("/".join(file.relative_to(SOURCE).parts[1:]))
    return found


def test_reports_are_written_by_the_one_function_without_nan() -> None:
    assert writers() - FORMATS == set()


def test_the_exceptions_are_still_there() -> None:
    assert FORMATS - writers() == set()
