"""The paths of a dataset's files, which `meta/info.json` gives as patterns."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any

from hume_core.errors import DatasetError
from hume_core.texts import shown

_LONGEST = 500


class PathPattern:
    """A relative path within the dataset's folder, with placeholders.

    Args:
        path: of `info.json`.
        field: of that file.
        pattern: what the field says.
        numbers: placeholders of whole numbers that it may have.
        texts: placeholders of texts.

    Raises:
        DatasetError: it leads out of the folder, or has other placeholders.
    """

    def __init__(
        self, path: Path, field: str, pattern: Any, numbers: Collection[str], texts: Collection[str] = ()
    ) -> None:
        found = pattern if isinstance(pattern, str) and len(pattern) <= _LONGEST else "{"
        plain = re.sub(rf"\{{({'|'.join(numbers)})(?::0?([1-9]))?d?\}}", "0", found)
        plain = re.sub(rf"\{{({'|'.join(texts)})\}}", "0", plain) if texts else plain
        parts = PurePosixPath(plain).parts
        if any(sign in plain for sign in "{}\0\n\\") or plain.startswith("/") or ".." in parts or not parts:
            wanted = " and ".join([*(f"{{{name}}}" for name in texts), *(f"{{{name}:03d}}" for name in numbers)])
            raise DatasetError(
                f"{path}: {field} is {shown(pattern)}. Valid: a path below the dataset's folder, with {wanted}"
            )
        self._pattern = found

    def __call__(self, **values: int | str) -> str:
        """The path of one file."""
        return self._pattern.format(**values)
