"""Watchdogs, all on the steady clock: a frozen /clock cannot keep them from barking."""

from __future__ import annotations

import math

from hume_system1.control.settings import ControlSettings
from hume_system1.control.states import Reason


class Watchdogs:
    """When each thing was last seen, in steady time (s); -inf if never.

    Args:
        settings: the bounds.

    Attributes:
        heartbeat: denoiser alive.
        segment: last admitted segment.
        chunk: observation time of the newest admitted chunk.
        observation: time of the newest observation behind an admitted segment.
    """

    def __init__(self, settings: ControlSettings) -> None:
        self._settings = settings
        self.heartbeat = -math.inf
        self.segment = -math.inf
        self.chunk = -math.inf
        self.observation = -math.inf
        self._tracking_since = math.inf
        self._since = -math.inf

    def begin(self, now: float) -> None:
        """Activated at steady time `now`, s: silence before it, while the node was starting up, does not count."""
        self._since = now

    def forget_motion(self) -> None:
        """A new epoch: what was seen of the old one does not count."""
        self.segment = self.chunk = self.observation = -math.inf

    def fault(self, now: float, joint_states: float, tracking_ratio: float) -> Reason:
        """What demands a reset.

        Args:
            now: steady clock, s.
            joint_states: steady time of the newest joint state, s.
            tracking_ratio: largest |command - measured| as a multiple of its limit.
        """
        s = self._settings
        if now - max(joint_states, self._since) > s.joint_state_age:
            return Reason.JOINT_STATES_LOST
        if tracking_ratio <= s.tracking_ratio:
            self._tracking_since = math.inf
        elif self._tracking_since == math.inf:
            self._tracking_since = now
        if now - self._tracking_since >= s.tracking_grace:
            return Reason.TRACKING_ERROR
        heartbeat = max(self.heartbeat, self._since)
        if s.require_heartbeat and self.heartbeat > -math.inf and now - heartbeat > s.heartbeat_age:
            return Reason.DENOISER_LOST
        return Reason.NONE

    def hold(self, now: float, covered: bool) -> Reason:
        """What motion has to wait for.

        Args:
            now: steady clock, s.
            covered: whether the timeline has motion for the present.
        """
        s = self._settings
        if s.require_chunk and now - self.chunk > s.chunk_age:
            return Reason.CHUNK_STALE
        if now - self.observation > s.observation_age:
            return Reason.OBSERVATION_STALE
        if now - self.segment > s.segment_age:
            return Reason.SEGMENT_STALE
        return Reason.NONE if covered else Reason.NO_SEGMENT
