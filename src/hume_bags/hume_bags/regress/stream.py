"""The canonical file of a command stream: decoded numbers, little-endian, the same bytes for the same run.

Layout: 8 bytes `HUMESTR1`, a uint64 with the length of the header, the header, then the sections one after the other.
The header is JSON in ASCII with sorted keys, padded with blanks to a multiple of 8. Each section is padded with zeros
to a multiple of 8. The header's `sections` gives name, numpy dtype, number of records and offset of each. Offsets are
bytes after the header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import HumeError

MAGIC = b"HUMESTR1"
FORMAT = 1
_ALIGNMENT = 8
_LONGEST_HEADER = 1 << 28


class StreamError(HumeError):
    """A file is no command stream, or a damaged one."""


def command_dtype(joints: int) -> np.dtype[np.void]:
    """One tick of the command loop.

    `time` ns since the first message of the bag. `mode`, `reason` indices into the header's lists. `published` 0 or 1.
    `limited` one bit per joint whose reference could not be followed. `position` rad, `velocity` rad/s. `gripper` m,
    nan without one. `tracking` largest |command - recorded measurement| as a multiple of the robot's bound.
    """
    vector = ("<f8", (joints,))
    return np.dtype(
        [
            ("time", "<i8"), ("mode", "<u2"), ("reason", "<u2"), ("published", "<u4"), ("limited", "<u8"),
            ("position", *vector), ("velocity", *vector), ("gripper", "<f8"), ("tracking", "<f8"),
        ]
    )  # fmt: skip


def thought_dtype(candidates: int) -> np.dtype[np.void]:
    """One thought of System 2: times in ns since the first message. `chunk` hash of its rows (float32).

    `wanted` is 0 where the task had changed meanwhile and no chunk was published.
    """
    return np.dtype(
        [
            ("start", "<i8"), ("end", "<i8"), ("observation", "<i8"), ("epoch", "<u4"), ("wanted", "<u4"),
            ("index", "<u8"), ("chunk", "<u8"), ("values", "<f8", (candidates,)),
        ]
    )  # fmt: skip


SEGMENT_DTYPE = np.dtype(
    [
        ("start", "<i8"), ("end", "<i8"), ("observation", "<i8"), ("first_row", "<i8"), ("chunk_seq", "<u8"),
        ("positions", "<u8"),
    ]
)  # fmt: skip
"""One segment of System 1: times in ns since the first message. `positions` hash of its joint positions (float64)."""


def source_dtype(columns: int) -> np.dtype[np.void]:
    """One message of a sensor topic.

    `arrival` and `stamp` in ns since the first message, `content` hash of the data, `values` the decoded joints
    (none for cameras), rad or m.
    """
    fields: list[Any] = [("arrival", "<i8"), ("stamp", "<i8"), ("content", "<u8")]
    return np.dtype([*fields, ("values", "<f8", (columns,))] if columns else fields)


WEIGHT_DTYPE = np.dtype([("content", "<u8"), ("mean_abs", "<f8")])
"""One tensor of the checkpoint: hash of its bytes and mean of |x|."""


@dataclass(frozen=True)
class CommandStream:
    """A run: what went in, what was thought, what was commanded.

    Attributes:
        header: robot, policy, settings, environment, events. See `docs/regress.md`.
        sections: name -> records. `commands`, `thoughts`, `segments`, `weights`, `source:<name>`.
    """

    header: dict[str, Any]
    sections: Mapping[str, NDArray[np.void]] = field(default_factory=dict)

    @property
    def commands(self) -> NDArray[np.void]:
        """See `command_dtype`."""
        return self.sections["commands"]

    @property
    def thoughts(self) -> NDArray[np.void]:
        """See `thought_dtype`."""
        return self.sections["thoughts"]

    @property
    def segments(self) -> NDArray[np.void]:
        """See `SEGMENT_DTYPE`."""
        return self.sections["segments"]

    @property
    def joints(self) -> list[str]:
        """Joint names in command order."""
        return list(self.header["robot"]["joints"])

    @property
    def sources(self) -> dict[str, NDArray[np.void]]:
        """Sensor -> its messages, see `source_dtype`."""
        return {
            name.removeprefix("source:"): rows for name, rows in self.sections.items() if name.startswith("source:")
        }

    def to_bytes(self) -> bytes:
        """The canonical file."""
        directory, parts, offset = [], [], 0
        for name, rows in self.sections.items():
            data = rows.tobytes()
            directory.append({"name": name, "dtype": rows.dtype.descr, "count": len(rows), "offset": offset})
            parts.append(data + bytes(-len(data) % _ALIGNMENT))
            offset += len(parts[-1])
        header = json.dumps({**self.header, "sections": directory, "format": FORMAT}, sort_keys=True).encode("ascii")
        header += b" " * (-len(header) % _ALIGNMENT)
        return b"".join([MAGIC, len(header).to_bytes(8, "little"), header, *parts])


def read_stream(path: Path) -> CommandStream:
    """Read a canonical file.

    Raises:
        StreamError: not there, of another kind or version, or truncated.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StreamError(f"golden file '{path}' cannot be read: {error.strerror}. Write one with --write") from error
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError) as error:
        raise StreamError(f"'{path}' is no command stream, or a damaged one ({error}). Write it again") from error


def _parse(data: bytes) -> CommandStream:
    if data[:8] != MAGIC:
        raise ValueError("it does not begin with HUMESTR1")
    length = int.from_bytes(data[8:16], "little")
    if length > min(len(data), _LONGEST_HEADER):
        raise ValueError("it ends within the header")
    header = json.loads(data[16 : 16 + length])
    if header.pop("format") != FORMAT:
        raise ValueError("another version of the format")
    sections = {item["name"]: _records(item, data, 16 + length) for item in header.pop("sections")}
    missing = [name for name in ("commands", "thoughts", "segments", "weights") if name not in sections]
    if missing:
        raise ValueError(f"section '{missing[0]}' is missing")
    return CommandStream(header, sections)


def _records(item: Mapping[str, Any], data: bytes, base: int) -> NDArray[np.void]:
    fields = [(name, kind, *(tuple(shape) for shape in rest)) for name, kind, *rest in item["dtype"]]
    dtype = np.dtype(cast(Any, fields))
    return np.frombuffer(data, dtype=dtype, count=int(item["count"]), offset=base + int(item["offset"]))
