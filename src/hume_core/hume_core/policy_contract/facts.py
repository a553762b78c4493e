"""What a contract and a robot are compared by, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNKNOWN = "unknown"


def numbers(values: Sequence[float | None]) -> str:
    """Numbers as text. `UNKNOWN` where one is left out."""
    if None in values:
        return UNKNOWN
    return listed(f"{value:.6g}" for value in values)


def listed(parts: Iterable[str]) -> str:
    """Words as one text."""
    return f"[{', '.join(parts)}]"
