"""The newest synchronised set of messages and what a policy makes of it. Needs no node: live and on bags alike."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_ros.conversions import image_to_rgb, joint_values, stamp_seconds
from hume_ros.joint_state_merger import JointStateMerger
from hume_ros.joint_velocities import velocities_around
from hume_ros.message_sync import ApproximateTimeSynchronizer, MessageSource
from hume_ros.sensor_frame import SensorFrame, check_cameras, state_vector

__all__ = ["BACK", "JOINT_STATES", "ObservationBuffer", "SensorFrame", "check_cameras", "state_vector"]

JOINT_STATES = "joint_states"
"""Name of the source that is no camera."""

BACK = 0.1
"""Stamps that go back by more begin again. By less, a message has come out of order. s"""

_LONGEST_THOUGHT = 2.0
"""For how long the velocities at the observation of a chunk can be asked for, s."""

_MOST_STATES = 8192
"""Past joint states kept, whatever their stamps."""


class ObservationBuffer:
    """Keeps the newest matching set of camera images and joint states. Nothing queues.

    Threads: messages come from one thread. `wait_for_new` and `take` may be called from another.

    Time may go back: a bag that is played again, a simulator that is reset, a clock that is set. Then everything kept
    so far is void, and the next matching set counts as new.

    Args:
        profile: how far apart stamps may lie, and how old a set may be.
        sources: what delivers messages (`registerCallback`, as in `message_filters`): one per camera key that the
            policy wants, in its order, then `JOINT_STATES`.
        history: number of past states T that the policy wants.
        clock: steady time, s. The ages of the sources are measured on it.
        composer: of the states. None: that of the profile.
        decode: decode images. Without, a frame has none. They count for matching and age all the same.
        on_problem: told in one line of what is wrong with messages, and when time goes back.

    Attributes:
        beginnings: how often time went back.
    """

    def __init__(
        self,
        profile: RobotProfile,
        sources: Mapping[str, Any],
        history: int = 1,
        clock: Callable[[], float] = time.monotonic,
        decode: bool = True,
        composer: StateComposer | None = None,
        on_problem: Callable[[str], None] = lambda problem: None,
    ) -> None:
        self._profile = profile
        self._continuous = profile.motion_limits().continuous
        self._composer = composer or StateComposer.of(profile)
        self._cameras = [key for key in sources if key != JOINT_STATES]
        timing = profile.observation
        # The newest state may be this much newer than the one that the history leads up to.
        self._past = (history - 1) * profile.action.dt + timing.slop + timing.max_age
        if not profile.action_layout().moves_at_once:
            self._past += _LONGEST_THOUGHT
        self._history: deque[tuple[float, Any]] = deque(maxlen=_MOST_STATES)
        self._num_states, self._decode = history, decode
        self._clock, self._on_problem = clock, on_problem
        self._arrival: dict[str, float] = {}
        self._newest: dict[tuple[str, ...], float] = {}
        self._matched: tuple[Any, ...] | None = None
        self._decoded: tuple[tuple[Any, ...], dict[str, NDArray[np.uint8]]] | None = None
        self._condition = threading.Condition()
        self._merger = JointStateMerger.of(profile)
        self._complete: float | None = None
        self._states_source = MessageSource()
        self.beginnings = 0
        for key in self._cameras:
            sources[key].registerCallback(self._note_image, key)
        sources[JOINT_STATES].registerCallback(self._note_joints)
        # What is older than `max_age` cannot be used, so nothing has to wait for longer.
        matched = [*(sources[key] for key in self._cameras), self._states_source]
        self._sync = ApproximateTimeSynchronizer(matched, timing.slop + timing.max_age, timing.slop)
        self._sync.registerCallback(self._store)

    def wait_for_new(self, after: float, timeout: float) -> bool:
        """Block until a set newer than `after` (s, ROS clock) is there. False at the timeout (s)."""
        with self._condition:
            return self._condition.wait_for(lambda: self.newest_stamp() > after, timeout)

    def newest_stamp(self) -> float:
        """Time of the newest set, s on the ROS clock. Minus infinity before the first."""
        return min(self.newest_stamps(), default=float("-inf"))

    def newest_stamps(self) -> tuple[float, ...]:
        """Times of the newest set's images, then of its joint states, s on the ROS clock. Empty before the first."""
        matched = self._matched or ()
        return tuple(stamp_seconds(message.header.stamp) for message in matched)

    def wake(self) -> None:
        """Let a blocked `wait_for_new` look again, for shutdown."""
        with self._condition:
            self._condition.notify_all()

    def take(self, now: float, *, newest_state: bool = False) -> SensorFrame:
        """Decode the newest set.

        Args:
            now: s on the ROS clock.
            newest_state: take the newest joint state instead of the one that matches the images.

        Raises:
            ObservationError: nothing matched yet, the set is too old, or a message cannot be used.
        """
        with self._condition:
            matched, beginnings = self._matched, self.beginnings
            history = list(self._history)
        if matched is None:
            raise ObservationError(self._nothing_matched())
        stamp = min(stamp_seconds(message.header.stamp) for message in matched)
        if now - stamp > self._profile.observation.max_age:
            raise ObservationError(
                self._merger.problem(self._clock())
                or f"the newest observation is {now - stamp:.2f} s old. At most {self._profile.observation.max_age} s "
                "is allowed (observation.max_age of the robot profile)"
            )
        images = self._batch(matched) if self._decode else {}
        state = history[-1][1] if newest_state else matched[-1]
        return SensorFrame(
            stamp=stamp,
            images=images,
            joint_positions=joint_values(state, self._profile.joint_names),
            states=self._states(state, history),
            beginnings=beginnings,
        )

    def joint_velocities(self, stamp: float) -> NDArray[np.float64]:
        """(n,) how fast the joints were at a past time (s, ROS clock), rad/s. 0 where no states of it are kept."""
        with self._condition:
            history = list(self._history)
        names, window = self._profile.joint_names, 0.5 * self._profile.action.dt
        return velocities_around(stamp, history, names, window, self._continuous)

    def _batch(self, matched: tuple[Any, ...]) -> dict[str, NDArray[np.uint8]]:
        """Batches of one (1, height, width, 3). The same arrays as long as no newer set has come."""
        if self._decoded is None or self._decoded[0] is not matched:
            pairs = zip(self._cameras, matched[:-1], strict=True)
            cameras = self._profile.cameras
            self._decoded = matched, {key: cameras[key].prepare(image_to_rgb(message))[None] for key, message in pairs}
        return self._decoded[1]

    def ages(self) -> dict[str, float]:
        """Seconds since the last arrival of each source. Infinite where none came."""
        now = self._clock()
        sources = [*self._cameras, JOINT_STATES]
        return {source: now - self._arrival.get(source, float("-inf")) for source in sources}

    def _note_image(self, message: Any, source: str) -> None:
        self._arrival[source] = self._clock()
        self._note_stamp(message, source, (source,))

    def _note_joints(self, message: Any) -> None:
        received = self._clock()
        self._arrival[JOINT_STATES] = received
        # Drivers of different joints may have different delays.
        self._note_stamp(message, JOINT_STATES, (JOINT_STATES, *message.name))
        state = self._merged(message, received)
        if state is None:
            return
        stamp = stamp_seconds(state.header.stamp)
        with self._condition:
            self._history.append((stamp, state))
            while self._history[0][0] < stamp - self._past:
                self._history.popleft()
        self._states_source.deliver(state)

    def _merged(self, message: Any, received: float) -> Any | None:
        """The complete joint state that a message makes, if it does."""
        try:
            state = self._merger.add(message, received)
        except ObservationError as error:
            self._on_problem(str(error))
            return None
        if state is not None or self._complete is None:
            self._complete = received
        elif received - self._complete > self._profile.observation.max_age:
            self._on_problem(self._merger.problem(received))
        return state

    def _note_stamp(self, message: Any, source: str, publisher: tuple[str, ...]) -> None:
        """Begin again if stamps have gone back."""
        stamp = stamp_seconds(message.header.stamp)
        before = self._newest.get(publisher, stamp)
        if stamp == 0.0:  # not stamped
            return
        back = before - stamp
        self._newest[publisher] = stamp if back > BACK else max(stamp, before)
        if back > BACK:
            self._begin_anew(source, before, stamp)

    def _begin_anew(self, source: str, before: float, now: float) -> None:
        place = len(self._cameras) if source == JOINT_STATES else self._cameras.index(source)
        self._sync.restart(place, before, now)
        with self._condition:
            self._matched = None
            if source == JOINT_STATES:
                self._history.clear()
                self._merger.restart()
            self.beginnings += 1
        self._on_problem(
            f"stamps of {source} went back by {before - now:.2f} s. Observations begin again "
            "(a bag played again, a simulator reset, or a clock that was set)"
        )

    def _store(self, *messages: Any) -> None:
        with self._condition:
            # A match of messages that came late may be older than the one before it.
            if self._matched is None or _oldest(messages) >= _oldest(self._matched):
                self._matched = messages
            self._condition.notify_all()

    def _states(self, newest: Any, history: list[tuple[float, Any]]) -> NDArray[np.float32]:
        """States at the newest stamp and at whole action steps before it, oldest first, copies where none is."""
        end = stamp_seconds(newest.header.stamp)
        picked = [state_vector(self._composer, newest)]
        for k in range(1, self._num_states):
            wanted = end - k * self._profile.action.dt
            past = next((state for stamp, state in reversed(history) if stamp <= wanted), None)
            picked.append(picked[-1] if past is None else state_vector(self._composer, past))
        return np.stack(picked[::-1])

    def _nothing_matched(self) -> str:
        silent = [source for source, age in self.ages().items() if age == float("inf")]
        if silent:
            return f"no message yet from: {', '.join(silent)}"
        problem = self._merger.problem(self._clock())
        if problem:
            return problem
        return f"cameras and joint states are never within {self._profile.observation.slop} s of each other"


def _oldest(messages: tuple[Any, ...]) -> float:
    return min(stamp_seconds(message.header.stamp) for message in messages)
