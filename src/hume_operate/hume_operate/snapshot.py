"""What a running stack says of itself at one moment, in plain numbers."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from hume_msgs.msg import ActionChunk, Segment, System1Status

from hume_core.json_report import finite
from hume_operate.client import OperatorClient
from hume_ros import qos
from hume_ros.conversions import stamp_seconds
from hume_ros.status_reason import reason_without_mode

HISTORY = 120
"""Values that are kept for the curve."""

_RATE_WINDOW = 5.0
"""Over which thoughts are counted, s."""
_SILENT = 1.0
"""A topic without a message for longer is silent, s."""


@dataclass(frozen=True)
class Snapshot:
    """State of a stack. Infinite: there is none yet.

    Attributes:
        mode: of System 1, in small letters. "silent": its status does not come.
        reason: why, after the mode. Empty while running.
        instruction: of the newest chunk. Empty: there was none.
        epoch: of System 1.
        standing_still: the commanded velocity is zero.
        system2: "active", "not active" or "silent".
        rates: Hz: commands, segments and thoughts.
        ages: s: chunk, segment, joint states, heartbeat, and every source of observations.
        think_duration: of the newest chunk, s.
        observation_to_command: newest image used in the segment in force to its first command, s.
        value: Q of the newest chunk.
        values: those before it, the oldest first.
        limited: joints whose commands the limiter has just changed.
        max_velocity_ratio: highest |commanded velocity| / limit since the start.
        gripper: newest action of the gripper, in policy units. A list where there are several.
        rejected: chunks and segments that were turned away, by reason.
        unreachable: why the tool does not come where it is asked to. Empty: it does.
    """

    mode: str
    reason: str
    instruction: str
    epoch: int
    standing_still: bool
    system2: str
    rates: dict[str, float]
    ages: dict[str, float]
    think_duration: float
    observation_to_command: float
    value: float
    values: list[float]
    limited: list[str]
    max_velocity_ratio: float
    gripper: float | list[float]
    rejected: dict[str, int]
    unreachable: str

    def as_json(self) -> dict[str, Any]:
        """For JSON: what is not known is null."""
        content: dict[str, Any] = finite(asdict(self))
        return content


class StatusWatch:
    """Listens to what both systems publish.

    Args:
        client: of the stack.
    """

    def __init__(self, client: OperatorClient) -> None:
        self._client = client
        self._status_at = self._system2_at = -math.inf
        self._last_status: System1Status | None = None
        self._last_beat: Any = None
        self._chunk: ActionChunk | None = None
        self._gripper: float | list[float] = math.nan
        self._values: deque[float] = deque(maxlen=HISTORY)
        self._thoughts: deque[float] = deque()
        self._since = time.monotonic()
        client.node.create_subscription(ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK)
        client.node.create_subscription(Segment, "hume/segment", self._on_segment, qos.CHUNK)

    def snapshot(self) -> Snapshot:
        """What is known now. Call it regularly, since it notes what has come since the last call."""
        now = time.monotonic()
        status, beat = self._client.status, self._client.system2
        if status is not self._last_status:
            self._last_status, self._status_at = status, now
        if beat is not self._last_beat:
            self._last_beat, self._system2_at = beat, now
        silent = now - self._status_at > _SILENT
        status = System1Status() if status is None else status
        mode = "silent" if silent else str(status.mode_name).lower()
        chunk = ActionChunk() if self._chunk is None else self._chunk
        never = self._chunk is None
        return Snapshot(
            mode=mode,
            reason="System 1 publishes no status" if silent else reason_without_mode(status),
            instruction=str(chunk.instruction),
            epoch=int(status.epoch),
            standing_still=bool(status.standing_still),
            system2=self._system2(now),
            rates={
                "commands": float(status.stream_rate),
                "segments": float(status.denoise_rate),
                "thoughts": self._thought_rate(now),
            },
            ages=_ages(status),
            think_duration=math.inf if never else stamp_seconds(chunk.think_duration),
            observation_to_command=float(status.observation_to_command),
            value=math.nan if never else float(chunk.value),
            values=list(self._values),
            limited=[name for name, on in zip(status.joint_names, status.limited, strict=False) if on],
            max_velocity_ratio=float(status.max_velocity_ratio),
            gripper=self._gripper,
            rejected=dict(zip(status.rejected_reasons, map(int, status.rejected_counts), strict=False)),
            unreachable=str(status.unreachable),
        )

    def _system2(self, now: float) -> str:
        if self._last_beat is None or now - self._system2_at > _SILENT:
            return "silent"
        return "active" if self._last_beat.ready else "not active"

    def _thought_rate(self, now: float) -> float:
        """Thoughts per second over the last seconds, or since the watch began."""
        while self._thoughts and now - self._thoughts[0] > _RATE_WINDOW:
            self._thoughts.popleft()
        return len(self._thoughts) / max(min(now - self._since, _RATE_WINDOW), 1.0)

    def _on_chunk(self, message: ActionChunk) -> None:
        self._chunk = message
        self._values.append(float(message.value))
        self._thoughts.append(time.monotonic())

    def _on_segment(self, message: Segment) -> None:
        self._gripper = first_grippers(message, self._gripper)


def first_grippers(message: Segment, before: float | list[float] = math.nan) -> float | list[float]:
    """Actions of the grippers in a segment's first row: a number for one, else a list. `before` where there is none."""
    count = len(message.gripper) // max(int(message.horizon), 1)
    first = [float(value) for value in message.gripper[:count]]
    return (first[0] if count == 1 else first) if first else before


def _ages(status: System1Status) -> dict[str, float]:
    known = {
        "chunk": float(status.chunk_age), "segment": float(status.segment_age),
        "joint states": float(status.joint_state_age), "heartbeat": float(status.heartbeat_age),
    }  # fmt: skip
    sources = zip(status.source_names, map(float, status.source_ages), strict=False)
    return {**known, **dict(sources)}
