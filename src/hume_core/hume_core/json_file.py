"""Reading JSON that may come from anywhere: whatever is wrong with it is one typed error."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hume_core.errors import HumeError
from hume_core.text_files import BIGGEST_INTEGER, LARGEST_FILE, read_text
from hume_core.texts import shortened


def read_json(path: str | Path, failure: type[HumeError], missing: str = "", largest: int = LARGEST_FILE) -> Any:
    """Content of a JSON file.

    Args:
        path: of the file.
        failure: error to raise.
        missing: what to say of a file that does not exist, after its name.
        largest: bytes that it may have.

    Raises:
        HumeError: of the type `failure`. See `parse_json` and `read_text`.
        FileNotFoundError: it does not exist, and `missing` is empty.
    """
    try:
        return parse_json(read_text(path, failure, largest), str(path), failure)
    except FileNotFoundError as error:
        if not missing:
            raise
        raise failure(f"{path} does not exist. {missing}") from error


def parse_json(text: str | bytes, where: str, failure: type[HumeError]) -> Any:
    """Content of a JSON text.

    Args:
        text: to parse.
        where: begins the message, such as the file's name.
        failure: error to raise.

    Raises:
        HumeError: of the type `failure`. It is no JSON, holds a number that is not finite, or lists a key twice.
    """
    try:
        return json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_constant, object_pairs_hook=_unique
        )
    except RecursionError as error:
        raise failure(f"{where} is not valid JSON: it is nested too deep") from error
    except ValueError as error:
        raise failure(f"{where} is not valid JSON: {error}") from error


def _integer(text: str) -> int | float:
    """Beyond 64 bits a float, as tokenizers write for "no limit": no size can be meant, and none takes a float."""
    if len(text) > len(str(BIGGEST_INTEGER)) or abs(int(text)) > BIGGEST_INTEGER:
        return _number(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {shortened(text, 30)} is too large")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key '{shortened(next(key for key in keys if keys.count(key) > 1))}' is there twice")
    return content
