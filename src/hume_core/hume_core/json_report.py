"""Writing JSON that others read: numbers that are not known are null, since JSON has neither NaN nor infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def finite(value: Any) -> Any:
    """The same content with null in place of each number that is not finite. Tuples become lists."""
    if isinstance(value, Mapping):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(content: Any, indent: int | None = None) -> str:
    """JSON text without NaN or infinity."""
    return json.dumps(finite(content), indent=indent, allow_nan=False)


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write figures as JSON. Folders on the way are made.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json_text(content, indent) + "\n", encoding="utf-8")
