"""Reading text files that may come from anywhere: only ordinary ones of a sensible size."""

from __future__ import annotations

from pathlib import Path

from hume_core.errors import HumeError

LARGEST_FILE = 16 * 1024 * 1024
"""Of a file of text, bytes."""

BIGGEST_INTEGER = 2**64
"""No configuration means more. Beyond it a whole number does not even fit a float."""


def read_text(path: str | Path, failure: type[HumeError], largest: int = LARGEST_FILE) -> str:
    """Text of a file.

    Args:
        path: of the file.
        failure: error to raise.
        largest: bytes that it may have.

    Raises:
        HumeError: of the type `failure`. There is no such file, it is no ordinary one, too large, or no UTF-8.
        FileNotFoundError: there is nothing of that name. It is the caller's to say what is missing.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise failure(f"{path} is no file")
        if size > largest:
            raise failure(f"{path} has {size} bytes. Valid: at most {largest}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise failure(f"{path} cannot be read as text: {error}") from error
