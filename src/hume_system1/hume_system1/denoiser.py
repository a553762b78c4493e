"""System 1's choice of what to denoise, and the step from action rows to joint positions. No ROS inside."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.action import ActionSpace, joint_targets
from hume_core.errors import ActionSpaceError, ChunkError
from hume_core.kinematics import ChunkPath, Kinematics, end_effector_action
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.chunk_switch import ChunkSwitch


@dataclass(frozen=True)
class Chunk:
    """An action chunk of System 2.

    Attributes:
        stamp: time of row 0, s on the ROS clock.
        epoch, seq: see ActionChunk.msg.
        dt: time between rows, s.
        rows: (H, A) float32, normalised policy units.
        anchor: (n,) joint positions at the observation, rad.
    """

    stamp: float
    epoch: int
    seq: int
    dt: float
    rows: NDArray[np.float32]
    anchor: NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """Joint setpoints from now on.

    Attributes:
        stamp: time of row 0, s on the ROS clock: of a row of the chunk, or now, where System 1 starts from the newest
            state.
        chunk: what was refined.
        positions: (h, n) rad.
        gripper: (h,) policy units, or None without a gripper.
        duration: time it took, s.
        unreachable: why the tool does not come where the rows ask it to; empty: it does, or the rows are joints.
    """

    stamp: float
    chunk: Chunk
    positions: NDArray[np.float64]
    gripper: NDArray[np.float64] | None
    duration: float
    unreachable: str = ""


@dataclass(frozen=True)
class SegmentRequest:
    """A segment that is wanted of System 1.

    Attributes:
        chunk: to refine.
        observation: one, the newest.
        moved: (n,) how far the joints are from the chunk's anchor, rad.
        row: of the chunk, where the segment starts.
        stamp: how far into the chunk the segment starts, in [0, 1); with the fraction inside the row.
        started: when it was asked for, s on the monotonic clock.
    """

    chunk: Chunk
    observation: Observation
    moved: NDArray[np.float64]
    row: int
    stamp: float
    started: float


class Refiner(Protocol):
    """Turns a chunk into the segment that starts at a row of it."""

    chunk_size: int
    segment_size: int
    origin: str
    """See ``HumeConfig.s1_origin``."""

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(up to h, a) actions in real units, relative to the chunk's anchor where they are relative.

        `stamp` in [0, 1) is how far into the chunk the segment starts, `moved` (n,) how far the joints are from the
        chunk's anchor, rad. Past the chunk's end there may be fewer than h rows.
        """

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(k, a) rows of a chunk as they are, in real units."""


class Denoiser:
    """Keeps the chunk in use and refines the part of it that starts now.

    Args:
        refiner: System 1, or a pass-through.
        profile: joints and action space.
        switch: when to change to a newer chunk.
        kinematics: of the arm, for action spaces of the end effector.

    Raises:
        ActionSpaceError: the action space needs kinematics and there are none, or System 1 was trained on another.
    """

    def __init__(
        self,
        refiner: Refiner,
        profile: RobotProfile,
        switch: ChunkSwitch = ChunkSwitch.BOUNDARY,
        kinematics: Kinematics | None = None,
    ) -> None:
        if profile.action.space.end_effector and kinematics is None:
            raise ActionSpaceError(
                f"action space '{profile.action.space.value}' of robot '{profile.name}' needs kinematics; "
                "see hume_core.kinematics.load_kinematics"
            )
        if refiner.origin == "newest_state" and profile.action.space is not ActionSpace.JOINT_DELTA:
            raise ActionSpaceError(
                f"System 1 of this checkpoint refines joint deltas (s1_origin is 'newest_state'); robot "
                f"'{profile.name}' has action space '{profile.action.space.value}', valid: joint_delta"
            )
        self._refiner = refiner
        self._profile = profile
        self._kinematics = kinematics
        self._path: tuple[Chunk, ChunkPath] | None = None
        self._switch = switch
        self._epoch = 0
        self._current: Chunk | None = None
        self._next: Chunk | None = None
        self._adopted = float("-inf")

    def offer(self, chunk: Chunk) -> None:
        """Take a chunk into account.

        Raises:
            ChunkError: it is of an older epoch, not newer than the last one, or of a wrong shape.
        """
        self._check(chunk)
        self.begin_epoch(chunk.epoch)
        self._next = chunk

    def begin_epoch(self, epoch: int) -> None:
        """Forget chunks of older epochs."""
        if epoch > self._epoch:
            self._epoch = epoch
            self._current = self._next = None

    def chunk_at(self, now: float) -> Chunk | None:
        """The chunk to work on at `now` (s, ROS clock); None without one that still covers `now`."""
        if self._next is not None and self._may_switch(now):
            self._current, self._next = self._next, None
            self._adopted = now
        if self._current is None or now >= self._end(self._current):
            return None
        return self._current

    def denoise(self, chunk: Chunk, observation: Observation, joints: NDArray[np.float64], now: float) -> Segment:
        """Refine the rows that start at `now` (s, ROS clock), or at the chunk's last one.

        Args:
            chunk: to refine.
            observation: one, the newest.
            joints: (n,) joint positions at the observation, rad.
            now: s, ROS clock.
        """
        request = self.request(chunk, observation, joints, now)
        return self.finish(request, self._refiner.segment(observation, chunk.rows, request.stamp, request.moved))

    def request(
        self, chunk: Chunk, observation: Observation, joints: NDArray[np.float64], now: float
    ) -> SegmentRequest:
        """What to ask System 1 for; the first half of `denoise`."""
        started = time.monotonic()
        elapsed = max(0.0, now - chunk.stamp) / chunk.dt
        row = min(int(elapsed), self._refiner.chunk_size - 1)
        # The fraction inside the step goes on to the model as well.
        position = elapsed if int(elapsed) == row else float(row)
        moved = joints - chunk.anchor
        return SegmentRequest(chunk, observation, moved, row, position / self._refiner.chunk_size, started)

    def finish(self, request: SegmentRequest, actions: NDArray[np.float64]) -> Segment:
        """The segment that System 1's answer (k, a), real units, amounts to; the second half of `denoise`."""
        chunk, row = request.chunk, request.row
        start = row if self._refiner.origin == "anchor" else request.stamp * self._refiner.chunk_size
        arm_dim = self._profile.action.space.arm_dim(len(self._profile.joints))
        positions, unreachable = self._joint_positions(chunk, row, actions)
        return Segment(
            stamp=chunk.stamp + start * chunk.dt,
            chunk=chunk,
            positions=positions,
            gripper=actions[:, arm_dim].copy() if self._profile.gripper is not None else None,
            duration=time.monotonic() - request.started,
            unreachable=unreachable,
        )

    def _joint_positions(self, chunk: Chunk, row: int, actions: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
        """(h, n) joint positions of actions that start at a row of the chunk, rad, and why the tool falls short."""
        if self._kinematics is None or not self._profile.action.space.end_effector:
            return joint_targets(self._profile.action.space, actions, chunk.anchor), ""
        if self._path is None or self._path[0] is not chunk:
            # Rows that System 1 adds past the chunk's end find room behind it.
            beyond = self._refiner.segment_size - 1
            rows = np.pad(self._refiner.unnormalise(chunk.rows), ((0, beyond), (0, 0)), mode="edge")
            meaning = end_effector_action(self._profile)
            self._path = chunk, ChunkPath(self._kinematics, meaning, rows, chunk.anchor, chunk.dt)
        targets = self._path[1].segment(row, actions)
        return targets.positions, targets.report

    def _check(self, chunk: Chunk) -> None:
        if chunk.epoch < self._epoch:
            raise ChunkError(f"chunk {chunk.seq} is of epoch {chunk.epoch}; the present one is {self._epoch}")
        newest = self._next or self._current
        if newest is not None and newest.epoch == chunk.epoch and chunk.seq <= newest.seq:
            raise ChunkError(f"chunk {chunk.seq} is not newer than {newest.seq}")
        if len(chunk.rows) != self._refiner.chunk_size:
            raise ChunkError(f"chunk has {len(chunk.rows)} rows; the policy's chunks have {self._refiner.chunk_size}")
        if not (np.isfinite(chunk.rows).all() and np.isfinite(chunk.anchor).all()):
            raise ChunkError(f"chunk {chunk.seq} contains numbers that are not finite")

    def _may_switch(self, now: float) -> bool:
        current = self._current
        if current is None or self._switch is ChunkSwitch.AT_ONCE:
            return True
        segment = self._refiner.segment_size * current.dt
        # A chunk that no longer holds a whole segment from now on has reached its last boundary.
        return now >= self._adopted + segment or now + segment > self._end(current)

    def _end(self, chunk: Chunk) -> float:
        return chunk.stamp + self._refiner.chunk_size * chunk.dt
