"""Every name in an `Args:` section is a parameter, and every one in an `Attributes:` section an attribute."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path for path in (ROOT / "src").glob("hume_*") if (path / path.name).is_dir())

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def section_names(docstring: str, title: str) -> list[str]:
    """Names of a section of a docstring, in order."""
    section = re.search(rf"^{title}:\n((?:    .*\n|\n)*)", docstring + "\n", re.MULTILINE)
    heads = re.findall(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*):", section[1], re.MULTILINE) if section else []
    return [name.strip(" *") for head in heads for name in head.split(",")]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names of all parameters of a function."""
    given = function.args
    single = [one for one in (given.vararg, given.kwarg) if one is not None]
    return {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *single)}


def accepted(node: Documented) -> set[str]:
    """Names that a call of a function, or of a class by `__init__` or its fields, takes."""
    if not isinstance(node, ast.ClassDef):
        return parameters(node)
    fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
    makers = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name in ("__init__", "__new__")]
    return fields.union(*map(parameters, makers))


def attributes(node: ast.ClassDef) -> set[str]:
    """Names of a class's fields, methods and properties, and of what its methods set on `self`."""
    named = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    stored = (one for one in ast.walk(node) if isinstance(one, ast.Attribute | ast.Name))
    return named | {one.attr if isinstance(one, ast.Attribute) else one.id for one in stored if _is_stored(one)}


def _is_stored(node: ast.Attribute | ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def wrong_names(source: str) -> Iterator[str]:
    """`NAME: name` for each documented argument that is no parameter, or attribute that its class does not have."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Documented):
            docstring, known = ast.get_docstring(node) or "", accepted(node)
            wrong = [name for name in section_names(docstring, "Args") if name not in known]
            if isinstance(node, ast.ClassDef):
                known = attributes(node)
                wrong += [name for name in section_names(docstring, "Attributes") if name not in known]
            yield from (f"{node.name}: {name}" for name in wrong)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_documented_names_are_there(package: Path) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in sorted((package / package.name).rglob("*.py"))
        for found in wrong_names(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


FUNCTION = '''
def move(to, *, speed):
    """Move.

    Args:
        to, through: places.
            rad: no name.
        *speed: rad/s.
    """
'''
CLASS = '''
class Arm:
    """An arm.

    Args:
        joints: number of them.
        links: number of them.

    Attributes:
        place: rad.
        speed: rad/s.
    """

    def __init__(self, joints):
        self.place = joints * [0.0]
'''


@pytest.mark.parametrize(("source", "wrong"), [(FUNCTION, ["move: through"]), (CLASS, ["Arm: links", "Arm: speed"])])
def test_a_name_that_is_not_there_is_found(source: str, wrong: list[str]) -> None:
    assert list(wrong_names(source)) == wrong
