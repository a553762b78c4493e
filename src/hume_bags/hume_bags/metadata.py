"""What a bag's `metadata.yaml` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hume_bags.errors import BagError
from hume_bags.writer import METADATA
from hume_core.texts import shown
from hume_core.yaml_file import read_yaml

_INFORMATION = "rosbag2_bagfile_information"
_PACKING = "zstd"


@dataclass(frozen=True)
class Information:
    """Of a bag. The fields that all versions from 1 to 9 have in common.

    Attributes:
        files: names.
        messages: how many there are. None where it does not say.
        packed_messages: each message was packed by itself.
        packing: with which program files or messages were packed. Empty: they were not.
        custom: of the recorder, by name.
    """

    files: tuple[str, ...] = ()
    messages: int | None = None
    packed_messages: bool = False
    packing: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


def read_information(folder: Path, problems: list[str]) -> Information:
    """The content of `metadata.yaml`. Empty, and a problem more, where it is missing or damaged.

    Args:
        folder: of the bag.
        problems: takes one.

    Raises:
        BagError: the bag is packed with a program that is not read.
    """
    path = folder / METADATA
    if not path.exists():
        problems.append(f"{METADATA} is missing, so the recording did not end. The files in the folder were read")
        return Information()
    try:
        found = _checked(read_yaml(path, "bag metadata", BagError))
    except BagError as error:
        problems.append(f"{METADATA} cannot be read ({error}). The files in the folder were read")
        return Information()
    if found.packing not in ("", _PACKING):
        raise BagError(f"{folder} is packed with {shown(found.packing)}. Only zstd is read. Use 'ros2 bag convert'")
    return found


def _checked(content: Any) -> Information:
    given = content.get(_INFORMATION) if isinstance(content, dict) else None
    names = given.get("relative_file_paths") if isinstance(given, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BagError(f"it needs '{_INFORMATION}' with a list 'relative_file_paths'")
    assert isinstance(given, dict)
    count, mode, custom = (given.get(key) for key in ("message_count", "compression_mode", "custom_data"))
    mode = str(mode or "").lower()
    return Information(
        files=tuple(names),
        messages=count if isinstance(count, int) else None,
        packed_messages=mode == "message",
        packing=str(given.get("compression_format") or "").lower() if mode in ("message", "file") else "",
        custom={str(key): str(text) for key, text in custom.items()} if isinstance(custom, dict) else {},
    )


def parsed(text: str) -> Any:
    """A value of the recorder's own, which is JSON where this stack recorded it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
