"""System 1's choice of what to denoise, and the step from action rows to joint positions. No ROS inside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces import ACTION_SPACES, LayoutPath, LayoutTargets
from hume_core.angles import short_way
from hume_core.chunk import Chunk, Segment
from hume_core.errors import ActionSpaceError, ChunkError
from hume_core.kinematics import ArmsKinematics
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import BACK
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.admission import ChunkAdmission
from hume_system1.control.control_settings import ControlSettings
from hume_system1.robot_settings import control_settings
from hume_system1.segment_starts import allowed_starts

_LONGEST_LATENCY = 0.3
"""For how long System 2's rows go on where the next segment is not there yet, s."""
_STANDS = 0.02
"""An arm of which no joint has moved further stands where it stood, rad."""


@dataclass(frozen=True)
class SegmentRequest:
    """A segment that is wanted of System 1.

    Attributes:
        chunk: to refine.
        observation: one, the newest.
        observation_stamp: ROS time of the oldest part of the observation, s.
        moved: (a,) how far the joints are from the chunk's anchor, in numbers of a row. 0 for grippers.
        row: of the chunk, where the segment starts.
        progress: how far into the chunk the segment starts, in [0, 1). With the fraction inside the row.
        answer: what System 1 answered when it was asked this before. None: it has to be asked.
        velocity: (n,) of the joints at the observation of the chunk, rad/s. None: nobody needs it.
    """

    chunk: Chunk
    observation: Observation
    observation_stamp: float
    moved: NDArray[np.float64]
    row: int
    progress: float
    answer: NDArray[np.float64] | None = None
    velocity: NDArray[np.float64] | None = None

    def refined_by(self, refiner: Refiner) -> NDArray[np.float64]:
        """System 1's answer: (k, a) actions in real units. The slow part of a segment."""
        if self.answer is not None:
            return self.answer
        return refiner.segment(self.observation, self.chunk.rows, self.progress, self.moved)


class Refiner(Protocol):
    """Turns a chunk into the segment that starts at a row of it."""

    chunk_size: int
    segment_size: int
    origin: str
    """See ``HumeConfig.s1_origin``."""
    sees_images: bool
    """Whether `segment` looks at the observation's images. Where it does not, nobody has to decode them."""

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], progress: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(up to h, a) actions in real units, relative to the chunk's anchor where they are relative.

        `progress` in [0, 1) is how far into the chunk the segment starts, `moved` (a,) how far the joints are from the
        chunk's anchor, in numbers of a row. Past the chunk's end there may be fewer than h rows.
        """

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(k, a) rows of a chunk as they are, in real units."""


class SegmentPlanner:
    """Keeps the chunk in use and refines the part of it that starts now.

    Args:
        refiner: System 1, or a pass-through.
        profile: joints and action space.
        switch: when to change to a newer chunk.
        kinematics: of the arms, for action spaces of the end effector.
        settings: thresholds of the admission of chunks, which are those of the control core.

    Raises:
        ActionSpaceError: the action space needs kinematics and there are none, or System 1 was trained on another.
    """

    def __init__(
        self,
        refiner: Refiner,
        profile: RobotProfile,
        switch: ChunkSwitch = ChunkSwitch.BOUNDARY,
        kinematics: ArmsKinematics | None = None,
        settings: ControlSettings | None = None,
    ) -> None:
        layout = profile.action_layout(kinematics)
        if layout.lacks_kinematics:
            raise ActionSpaceError(
                f"action space '{layout.action_space}' of robot '{profile.name}' needs kinematics. "
                "See hume_core.robot_kinematics.load_needed_kinematics"
            )
        if refiner.origin == "newest_state" and not layout.offsets_from_anchor:
            valid = ", ".join(name for name, space in ACTION_SPACES.items() if space.offsets_from_anchor)
            raise ActionSpaceError(
                f"System 1 of this checkpoint refines joint deltas (s1_origin is 'newest_state'). Robot "
                f"'{profile.name}' has action space '{layout.action_space}', valid: {valid}"
            )
        self.refiner = refiner
        self._profile = profile
        self._layout = layout
        self._continuous = profile.motion_limits().continuous
        self._path: tuple[Chunk, LayoutPath] | None = None
        self._starts = allowed_starts(profile.action.system1_progress, refiner.chunk_size, refiner.segment_size)
        self._answered: SegmentRequest | None = None
        self._switch = switch
        rules = control_settings(profile, settings or ControlSettings())
        self._admission = ChunkAdmission(replace(rules, chunk_rows=refiner.chunk_size), profile.joint_names)
        self._epoch = 0
        self._current: Chunk | None = None
        self._next: Chunk | None = None
        self._adopted = self._newest = float("-inf")
        self._first = False

    def notice(self, now: float) -> bool:
        """Forget all chunks if the ROS clock has gone back. `now` is its time, s. Returns whether it has."""
        back = self._newest - now > BACK
        if back:
            self._current = self._next = None
            self._adopted = float("-inf")
        self._newest = now if back else max(now, self._newest)
        return back

    def offer(self, chunk: Chunk, now: float) -> None:
        """Take a chunk into account that came at `now` (s, ROS clock).

        Raises:
            ChunkError: it is not admitted. Says why.
        """
        rejection = self._admission.check(chunk, self._epoch, now)
        if rejection is not None:
            raise ChunkError(self._admission.explain(rejection, chunk, self._epoch, now))
        self.begin_epoch(chunk.epoch)
        self._next = chunk

    def begin_epoch(self, epoch: int) -> None:
        """The epoch in force: forget chunks of others."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._current = self._next = None

    def chunk_at(self, now: float) -> Chunk | None:
        """The chunk to work on at `now` (s, ROS clock). None without one that still covers `now`."""
        if self._next is not None and self._may_switch(now):
            self._first = self._current is None or now >= self._end(self._current)
            self._current, self._next = self._next, None
            self._adopted = now
        if self._current is None or now >= self._end(self._current):
            return None
        return self._current

    def needs_velocity(self, chunk: Chunk) -> bool:
        """Whether the next request for a chunk has to say how fast the joints were at its observation."""
        return not self._layout.moves_at_once and (self._path is None or self._path[0] is not chunk)

    def request(
        self,
        chunk: Chunk,
        observation: Observation,
        observation_stamp: float,
        joints: NDArray[np.float64],
        now: float,
        velocity: NDArray[np.float64] | None = None,
    ) -> SegmentRequest:
        """What to ask System 1 for: the rows that start at `now`, or at the chunk's last one.

        Where System 1 may start at some rows only, they start at the newest of them that is not ahead. It is asked
        once, since it takes the observation for one of that time. After that the request holds its answer.

        Args:
            chunk: to refine.
            observation: one, the newest.
            observation_stamp: ROS time of its oldest part, s.
            joints: (n,) joint positions at the observation, rad.
            now: s, ROS clock.
            velocity: see `needs_velocity`; (n,) rad/s.
        """
        apart = short_way(joints - chunk.anchor, self._continuous)
        if self._first:
            # Nothing was in use. An arm that still stands where it stood at the observation has all rows before it, so
            # they begin now: a start in the middle would cut the corner of the first ones.
            self._first = False
            if chunk is self._current and np.abs(apart).max() < _STANDS:
                chunk = self._current = replace(chunk, stamp=now)
        row, progress = self._start(max(0.0, now - chunk.stamp) / chunk.dt)
        asked = self._answered
        if asked is not None and (asked.chunk, asked.row) == (chunk, row):
            return asked
        moved = self._layout.in_rows(apart)
        return SegmentRequest(chunk, observation, observation_stamp, moved, row, progress, velocity=velocity)

    def _start(self, elapsed: float) -> tuple[int, float]:
        """Row and progress at which a segment starts that is wanted `elapsed` rows into the chunk."""
        size = self.refiner.chunk_size
        if self._starts:
            return max((start for start in self._starts if start[0] <= elapsed), default=self._starts[0])
        row = min(int(elapsed), size - 1)
        # The fraction inside the step goes on to the model as well.
        return row, (elapsed if int(elapsed) == row else float(row)) / size

    def finish(self, request: SegmentRequest, actions: NDArray[np.float64], seq: int, duration: float) -> Segment:
        """The segment that System 1's answer amounts to.

        Args:
            request: what was asked.
            actions: (k, a) the answer, real units.
            seq: number of the segment.
            duration: how long the answer took, s.
        """
        chunk, row = request.chunk, request.row
        if self._starts:
            self._answered = replace(request, answer=actions)
            actions = self._continued(request, actions)
        start = row if self.refiner.origin == "anchor" else request.progress * self.refiner.chunk_size
        targets = self._targets(request, actions)
        positions, grippers = targets.timed()
        return Segment(
            stamp=chunk.stamp + start * chunk.dt,
            dt=chunk.dt,
            epoch=chunk.epoch,
            chunk_seq=chunk.seq,
            seq=seq,
            names=self._layout.joint_names,
            positions=positions,
            grippers=grippers,
            observation_stamp=request.observation_stamp,
            denoise_duration=duration,
            unreachable=targets.report,
        )

    def _continued(self, request: SegmentRequest, actions: NDArray[np.float64]) -> NDArray[np.float64]:
        """With some more rows as System 2 chose them: what System 1 starts next comes a latency late."""
        end, count = request.row + len(actions), max(1, round(_LONGEST_LATENCY / request.chunk.dt))
        following = request.chunk.rows[end : end + min(count, self.refiner.segment_size)]
        return np.concatenate([actions, self.refiner.unnormalise(following)[:, : actions.shape[1]]])

    def _targets(self, request: SegmentRequest, actions: NDArray[np.float64]) -> LayoutTargets:
        """What actions (h, a), real units, that start at a row of the chunk ask of the robot."""
        chunk, row = request.chunk, request.row
        if not self._layout.sequential:
            return self._layout.path(actions, chunk.anchor, chunk.dt).segment(row, actions)
        if self._path is None or self._path[0] is not chunk:
            # Rows that System 1 adds past the chunk's end find room behind it.
            beyond = self.refiner.segment_size - 1
            rows = np.pad(self.refiner.unnormalise(chunk.rows), ((0, beyond), (0, 0)), mode="edge")
            before = self._followed_at(chunk)
            self._path = chunk, self._layout.path(rows, chunk.anchor, chunk.dt, request.velocity, before)
        return self._path[1].segment(row, actions)

    def _followed_at(self, chunk: Chunk) -> tuple[LayoutPath, float] | None:
        """The path that the arm followed at the observation of a new chunk, and how many rows of it had passed."""
        if self._path is None or self._path[0].epoch != chunk.epoch:
            return None
        before, path = self._path
        row = (chunk.stamp - before.stamp) / before.dt
        return (path, row) if 0.0 <= row <= self.refiner.chunk_size else None

    def _may_switch(self, now: float) -> bool:
        current = self._current
        if current is None or self._switch is ChunkSwitch.AT_ONCE:
            return True
        segment = self.refiner.segment_size * current.dt
        # A chunk that no longer holds a whole segment from now on has reached its last boundary.
        return now >= self._adopted + segment or now + segment > self._end(current)

    def _end(self, chunk: Chunk) -> float:
        return chunk.stamp + self.refiner.chunk_size * chunk.dt
