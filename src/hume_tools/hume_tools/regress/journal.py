"""Notes of a run in canonical form, filled by the stepper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_ros.conversions import joint_values
from hume_ros.observation_buffer import JOINT_STATES
from hume_system1.control.command import Command
from hume_system1.control.states import Mode, Reason
from hume_tools.regress.policy import content_hash
from hume_tools.regress.stream import SEGMENT_DTYPE, command_dtype, source_dtype, thought_dtype

MODES = {mode: k for k, mode in enumerate(Mode)}
REASONS = {reason: k for k, reason in enumerate(Reason)}

_APART = 1_000_000_000
_NUMBER = re.compile(r"\d+\.\d+")


class Journal:
    """Everything worth keeping of a run; times in ns since its start.

    Args:
        profile: joints.
        sources: sensor names.
        candidates: N.
    """

    def __init__(self, profile: RobotProfile, sources: Sequence[str], candidates: int) -> None:
        self._profile = profile
        self._names = list(profile.joint_names) + ([profile.gripper.joint] if profile.gripper else [])
        self._command_dtype = command_dtype(len(profile.joints))
        self._thought_dtype = thought_dtype(candidates)
        self._commands: list[tuple[Any, ...]] = []
        self._thoughts: list[tuple[Any, ...]] = []
        self._segments: list[tuple[Any, ...]] = []
        self._sources: dict[str, list[tuple[Any, ...]]] = {source: [] for source in sources}
        self._events: dict[tuple[str, str], dict[str, Any]] = {}

    def command(self, time: int, command: Command, limited: int, tracking: float) -> None:
        """A tick."""
        self._commands.append(
            (
                time, MODES[command.mode], REASONS[command.reason], command.publish, limited,
                command.position.copy(), command.velocity.copy(), command.gripper, tracking,
            )
        )  # fmt: skip

    def thought(
        self, start: int, end: int, observation: int, epoch: int, wanted: bool, index: int,
        rows: NDArray[np.float32], values: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """A thought is over."""
        digest = content_hash(np.ascontiguousarray(rows, "<f4").data)
        self._thoughts.append((start, end, observation, epoch, wanted, index, digest, values))

    def segment(
        self, start: int, end: int, observation: int, first_row: int, chunk_seq: int, positions: NDArray[np.float64]
    ) -> None:
        """A segment is done."""
        digest = content_hash(np.ascontiguousarray(positions, "<f8").data)
        self._segments.append((start, end, observation, first_row, chunk_seq, digest))

    def received(self, source: str, arrival: int, stamp: int, message: Any) -> None:
        """A sensor message."""
        if source != JOINT_STATES:
            shape = f"{getattr(message, 'width', 0)}x{getattr(message, 'height', 0)}"
            kind = getattr(message, "encoding", None) or getattr(message, "format", "")
            digest = content_hash(f"{shape} {kind} {content_hash(memoryview(message.data))}".encode())
            self._sources[source].append((arrival, stamp, digest))
            return
        try:
            values = joint_values(message, self._names)
        except ObservationError:
            values = np.full(len(self._names), np.nan)
        self._sources[source].append((arrival, stamp, content_hash(values.astype("<f8").data), values))

    @property
    def thought_count(self) -> int:
        """Thoughts so far."""
        return len(self._thoughts)

    def event(self, time: int, kind: str, text: str) -> None:
        """Something worth a line; the same with other numbers in it counts as a repetition."""
        key = kind, _NUMBER.sub("#", text)
        entry = self._events.setdefault(key, {"time_ns": time, "kind": kind, "text": text, "count": 0})
        entry["count"] += 1
        entry["last_ns"] = time

    @property
    def events(self) -> list[dict[str, Any]]:
        """In order of time."""
        return sorted(self._events.values(), key=lambda event: event["time_ns"])

    def sections(self) -> dict[str, NDArray[np.void]]:
        """All records."""
        sections = {
            "commands": np.array(self._commands, self._command_dtype),
            "thoughts": np.array(self._thoughts, self._thought_dtype),
            "segments": np.array(self._segments, SEGMENT_DTYPE),
        }
        for source, rows in self._sources.items():
            columns = len(self._names) if source == JOINT_STATES else 0
            sections[f"source:{source}"] = np.array(rows, source_dtype(columns))
        return sections

    def problems(self) -> list[str]:
        """What is odd about the messages themselves."""
        found = []
        for source, rows in self._sources.items():
            stamps = [row[1] for row in rows]
            backward = sum(new <= old for old, new in pairwise(stamps))
            if backward:
                found.append(f"{source}: {backward} of {len(rows)} stamps do not go forward")
            late = max((abs(row[0] - row[1]) for row in rows), default=0)
            if late > _APART:
                found.append(f"{source}: stamps and recording times are up to {late * 1e-9:.1f} s apart")
        return found

    @property
    def joint_columns(self) -> list[str]:
        """Names of the values of the joint states."""
        return self._names
