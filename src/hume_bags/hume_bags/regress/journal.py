"""Notes of a run in canonical form, filled by the stepper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.regress.policy import content_hash
from hume_bags.regress.stream import SEGMENT_DTYPE, command_dtype, source_dtype, thought_dtype
from hume_core.angles import short_way
from hume_core.chunk import Chunk, Segment
from hume_core.robot import RobotProfile
from hume_ros.conversions import known_joint_values, stamp_nanoseconds
from hume_ros.observation_buffer import JOINT_STATES
from hume_session import Listener
from hume_session.schedule import NS
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.states import Mode, Reason
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import PendingThought

MODES = {mode: k for k, mode in enumerate(Mode)}
REASONS = {reason: k for k, reason in enumerate(Reason)}

_APART = NS
_NUMBER = re.compile(r"\d+\.\d+")


class Journal(Listener):
    """Everything worth keeping of a run. Times in ns since its start.

    Args:
        profile: joints.
        sources: sensor names.
        candidates: N.

    Raises:
        RobotProfileError: the robot has several arms or grippers.

    Attributes:
        start: of the run on the ROS clock, ns.
    """

    def __init__(self, profile: RobotProfile, sources: Sequence[str], candidates: int) -> None:
        self._profile = profile
        self._names = [*profile.arm.joint_names, *([profile.gripper.joint] if profile.gripper else [])]
        self._command_dtype = command_dtype(len(profile.joints))
        self._thought_dtype = thought_dtype(candidates)
        self._commands: list[tuple[Any, ...]] = []
        self._thoughts: list[tuple[Any, ...]] = []
        self._segments: list[tuple[Any, ...]] = []
        self._sources: dict[str, list[tuple[Any, ...]]] = {source: [] for source in sources}
        self._events: dict[tuple[str, str], dict[str, Any]] = {}
        self._bounds = profile.motion_limits().tracking
        self._limited = [0] * len(profile.joints)
        self.start = 0

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        """A tick."""
        self._commands.append(
            (
                time, MODES[command.mode], REASONS[command.reason], command.publish, self._limited_joints(core),
                command.position.copy(), command.velocity.copy(), command.gripper, self._tracking(command, core),
            )
        )  # fmt: skip

    def _limited_joints(self, core: ControlCore) -> int:
        """One bit per joint whose reference could not be followed in the last tick."""
        counts = list(core.limiter.limited)
        bits = sum(1 << i for i, (new, old) in enumerate(zip(counts, self._limited, strict=True)) if new != old)
        self._limited = counts
        return bits

    def _tracking(self, command: Command, core: ControlCore) -> float:
        """Largest |command - measured| as a multiple of the robot's bound."""
        measured = core.intake.joint_states.position
        if not measured or not command.publish:
            return 0.0
        difference = short_way(command.position - measured, core.limits.continuous)
        return float((np.abs(difference) / self._bounds).max())

    def thought(self, start: int, end: int, task: PendingThought, result: ThoughtResult, chunk: Chunk | None) -> None:
        """A thought is over."""
        digest = content_hash(np.ascontiguousarray(result.chunk, "<f4").data)
        observation, epoch = self._since_start(task.frame.stamp), task.assignment.epoch
        self._thoughts.append((start, end, observation, epoch, chunk is not None, result.index, digest, result.values))

    def segment(self, start: int, end: int, segment: Segment) -> None:
        """A segment is done."""
        digest = content_hash(np.ascontiguousarray(segment.positions, "<f8").data)
        observation, first_row = self._since_start(segment.observation_stamp), self._since_start(segment.stamp)
        self._segments.append((start, end, observation, first_row, segment.chunk_seq, digest))

    def _since_start(self, ros: float) -> int:
        return round(ros * NS) - self.start

    def epoch(self, time: int, epoch: int, reason: str) -> None:
        """A new epoch began."""
        self.event(time, "epoch", f"{epoch}: {reason}")

    def received(self, source: str, time: int, message: Any) -> None:
        """A sensor message."""
        stamp = stamp_nanoseconds(message.header.stamp) - self.start
        if source != JOINT_STATES:
            shape = f"{getattr(message, 'width', 0)}x{getattr(message, 'height', 0)}"
            kind = getattr(message, "encoding", None) or getattr(message, "format", "")
            digest = content_hash(f"{shape} {kind} {content_hash(memoryview(message.data))}".encode())
            self._sources[source].append((time, stamp, digest))
            return
        values = known_joint_values(message, self._names)
        self._sources[source].append((time, stamp, content_hash(values.astype("<f8").data), values))

    def note_rejections(self, time: int, core: ControlCore) -> None:
        """Write down what the core did not let in."""
        for name, count in sorted(core.intake.rejected.items()):
            self.event(time, "rejected", f"{name} ({count})")

    @property
    def thought_count(self) -> int:
        """Thoughts so far."""
        return len(self._thoughts)

    def event(self, time: int, kind: str, text: str) -> None:
        """Something worth a line. The same with other numbers in it counts as a repetition."""
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
        """What is unusual about the messages themselves."""
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
