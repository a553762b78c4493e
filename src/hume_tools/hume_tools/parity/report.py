"""Largest errors per array, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

RELATIVE_LIMIT = 1e-4
SCALAR_ABSOLUTE_LIMIT = 1e-5

Array = NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """How far one array is from what was recorded.

    Attributes:
        name: of the recorded array.
        absolute: largest absolute error.
        relative: largest absolute error divided by the largest magnitude of the recorded array.
        passed: whether it is close enough.
        note: rule that was applied, where it is not the usual one.
    """

    name: str
    absolute: float
    relative: float
    passed: bool
    note: str = ""


@dataclass
class Report:
    """Comparisons of one recording.

    Args:
        recorded: all recorded arrays by name.
        strict: judge every array by the usual rule. Otherwise only those with a rule of their own.
        rules: by array name, whether a computed array is close enough to the recorded one.
    """

    recorded: dict[str, Array]
    strict: bool = True
    rules: dict[str, Callable[[Array, Array], bool]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)

    def add(self, name: str, computed: Any) -> None:
        """Compare a computed array with the recorded one of that name, if there is one."""
        if name not in self.recorded:
            return
        expected = np.asarray(self.recorded[name])
        found = as_numpy(computed)
        if found.shape != expected.shape:
            shapes = f"shape {list(found.shape)}, recorded {list(expected.shape)}"
            self.comparisons.append(Comparison(name, float("inf"), float("inf"), False, shapes))
            return
        absolute, relative = errors(found, expected)
        rule = self.rules.get(name)
        passed = self._close(absolute, relative, expected) if rule is None else rule(found, expected)
        self.comparisons.append(Comparison(name, absolute, relative, passed))

    def _close(self, absolute: float, relative: float, expected: Array) -> bool:
        if not self.strict:
            return bool(np.isfinite(absolute))
        if expected.dtype.kind in "biu":
            return absolute == 0.0
        return relative <= RELATIVE_LIMIT or (expected.ndim == 0 and absolute <= SCALAR_ABSOLUTE_LIMIT)

    @property
    def passed(self) -> bool:
        """Whether every array is close enough. A report without arrays has not passed."""
        return bool(self.comparisons) and all(item.passed for item in self.comparisons)

    def print(self, console: Console, title: str) -> None:
        """Show one row per array: largest absolute error, also relative to the largest recorded magnitude."""
        table = Table(title=title, caption="largest absolute error. Relative = that / max|x| of the recorded array")
        table.add_column("array", overflow="fold")
        table.add_column("absolute", justify="right")
        table.add_column("relative", justify="right")
        table.add_column("result")
        for item in self.comparisons:
            result = "[green]ok[/]" if item.passed else "[red]FAIL[/]"
            note = f" {item.note}" if item.note else ""
            table.add_row(item.name, f"{item.absolute:.2e}", f"{item.relative:.2e}", result + note)
        console.print(table)


def as_numpy(value: Any) -> Array:
    """Numpy array of a tensor, list or number; bfloat16 becomes float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
        return np.asarray(value.numpy())
    return np.asarray(value)


def errors(found: Array, expected: Array) -> tuple[float, float]:
    """Largest absolute error, and the same relative to the largest recorded magnitude."""
    if expected.size == 0:
        return 0.0, 0.0
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    absolute = float(difference.max()) if np.isfinite(difference).all() else float("inf")
    scale = float(np.abs(expected.astype(np.float64)).max())
    if scale == 0.0:
        return absolute, absolute
    return absolute, absolute / scale
