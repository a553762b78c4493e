"""What the denoiser does with chunks and observations. No thread, no node: time comes from outside."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass

import numpy as np
from hume_msgs.msg import ActionChunk
from hume_msgs.msg import Segment as SegmentMessage

from hume_core.action_spaces import ActionLayout, check_described_spaces
from hume_core.errors import ActionSpaceError, ChunkError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.conversions import chunk_rows, set_stamp, stamp_seconds
from hume_ros.observation_buffer import Frame, ObservationBuffer
from hume_system1.denoiser import Chunk, Denoiser, Segment

HEARTBEAT_PERIOD = 0.05
"""Time between two signs of life, s."""

_IDLE_PAUSE = 0.005


@dataclass(frozen=True)
class Task:
    """One segment to make.

    Attributes:
        chunk: to refine.
        frame: what was seen.
        observation: to refine it on, made of the frame.
        now: when the segment is to start, s on the ROS clock.
    """

    chunk: Chunk
    frame: Frame
    observation: Observation
    now: float


class DenoisingCycle:
    """Chunk messages in, segment messages out; `denoise` is the slow part.

    Threads: `offer` and `begin_epoch` from any thread, the rest from one.

    Args:
        denoiser: chooses and refines.
        observer: source of observations.
        profile: joints and action space.
        first_seq: segments are numbered from here on.
    """

    def __init__(self, denoiser: Denoiser, observer: ObservationBuffer, profile: RobotProfile, first_seq: int) -> None:
        self._denoiser = denoiser
        self._observer = observer
        self._profile = profile
        self._period = 1.0 / profile.rates.system1
        self._seq = first_seq
        self._lock = threading.Lock()

    def offer(self, message: ActionChunk) -> None:
        """Take a chunk into account.

        Raises:
            ChunkError: it is not for this robot, malformed, or not newer than the last one.
        """
        check_fits_robot(message, self._profile)
        chunk = Chunk(
            stamp=stamp_seconds(message.header.stamp),
            epoch=int(message.epoch),
            seq=int(message.seq),
            dt=float(message.dt),
            rows=chunk_rows(message),
            anchor=np.asarray(message.anchor, dtype=np.float64),
        )
        with self._lock:
            self._denoiser.offer(chunk)

    def begin_epoch(self, epoch: int) -> None:
        """Forget chunks of older epochs."""
        with self._lock:
            self._denoiser.begin_epoch(epoch)

    def begin(self, now: float) -> Task | None:
        """What to refine at `now` (s, ROS clock); None if there is nothing to do.

        Raises:
            ObservationError: the newest observation cannot be used.
        """
        with self._lock:
            chunk = self._denoiser.chunk_at(now)
        if chunk is None:
            return None
        frame = self._observer.take(now, newest_state=True)
        return Task(chunk, frame, frame.observation(""), now)

    def denoise(self, task: Task) -> Segment:
        """Refine; changes nothing here, except for end-effector actions, whose path goes on from call to call."""
        return self._denoiser.denoise(task.chunk, task.observation, task.frame.joint_positions, task.now)

    def message(self, task: Task, segment: Segment) -> SegmentMessage:
        """The next message to the command process."""
        self._seq += 1
        message = SegmentMessage(
            epoch=segment.chunk.epoch,
            chunk_seq=segment.chunk.seq,
            seq=self._seq,
            names=list(self._profile.joint_names),
            dt=segment.chunk.dt,
            horizon=len(segment.positions),
            positions=array("d", segment.positions.astype(np.float64).tobytes()),
            denoise_duration=segment.duration,
        )
        if segment.gripper is not None:
            message.gripper = array("d", segment.gripper.astype(np.float64).tobytes())
        set_stamp(message.header.stamp, segment.stamp)
        set_stamp(message.observation_stamp, task.frame.stamp)
        return message

    def next_start(self, started: float, finished: float, worked: bool) -> float:
        """When to begin again after a round from `started` to `finished`, s on the steady clock."""
        return max(finished if worked else finished + _IDLE_PAUSE, started + self._period)


def check_fits_robot(message: ActionChunk, profile: RobotProfile) -> None:
    """Refuse a chunk that is not for this robot.

    Raises:
        ChunkError: says what does not fit.
    """
    try:
        check_described_spaces(message.action_space)
    except ActionSpaceError as error:
        raise ChunkError(str(error)) from error
    wanted = ActionLayout.of(profile).action_space
    if message.action_space != wanted:
        raise ChunkError(f"action space '{message.action_space}'; robot '{profile.name}' takes '{wanted}'")
    if tuple(message.names) != profile.joint_names or len(message.anchor) != len(message.names):
        raise ChunkError(f"chunk for joints {list(message.names)}; the robot's are {list(profile.joint_names)}")
    if not 0.0 < message.dt < 10.0:
        raise ChunkError(f"dt is {message.dt}; valid: above 0, below 10 s")
