"""What a recorded session holds for a replay: the robot's topics, in order of arrival, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_bags.observations import NO_STAMP
from hume_bags.reader import BagMessage, BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_bags.regress.latency import measured_latencies
from hume_bags.topics import recorded_image_topic, recorded_namespace, resolved
from hume_core.errors import HumeError, ObservationError
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_ros.conversions import image_to_rgb, stamp_nanoseconds
from hume_ros.joint_state_merger import JointStateMerger
from hume_ros.observation_buffer import JOINT_STATES, check_cameras, state_vector
from hume_session import LatencyModel

CHUNKS, STATUS, SEGMENTS = "hume/action_chunk", "hume/status", "hume/segment"
EPOCHS, ESTOP = "hume/epoch", "hume/estop"


class SessionError(HumeError):
    """A recording lacks what a replay needs."""


@dataclass(frozen=True)
class Arrival:
    """A message reaches the nodes.

    Attributes:
        time: ROS time of the arrival, ns.
        source: camera key, `JOINT_STATES`, `EPOCHS` or `ESTOP`.
        message: decoded.
    """

    time: int
    source: str
    message: Any


class SteppedSession:
    """What a recording holds for a robot and a policy.

    Args:
        bag: where it is recorded.
        profile: gives the topics.
        cameras: keys that the policy wants.
        namespace: of the recorded nodes. None: see `recorded_namespace`.

    Attributes:
        composer: of the states.
        namespace: of the recorded nodes.

    Raises:
        BagError: several namespaces have the robot's topics.
        ObservationError: the robot has no such camera.
        SessionError: a topic is not in the bag.
    """

    def __init__(self, bag: BagReader, profile: RobotProfile, cameras: list[str], namespace: str | None = None) -> None:
        check_cameras(profile, cameras)
        self._bag = bag
        self._profile, self.composer = profile, StateComposer.of(profile)
        self.cameras = cameras
        self._skipped: dict[str, int] = {}
        self._clock = RecordedClock.of(bag)
        names = list(bag.topics)
        self.namespace = recorded_namespace(bag.recorded, profile, namespace)
        images = {key: self.resolve(profile.cameras[key].topic) for key in cameras}
        self.topics = {key: recorded_image_topic(bag.recorded, topic) for key, topic in images.items()}
        self.topics[JOINT_STATES] = self.resolve(profile.joint_states)
        for source, topic in self.topics.items():
            what = "joint states" if source == JOINT_STATES else f"camera '{source}'"
            if topic not in names:
                raise SessionError(f"the bag has no topic '{topic}' ({what}). It has: {', '.join(names) or 'none'}")
            if bag.topics[topic].problem:
                raise SessionError(f"topic '{topic}' ({what}) cannot be read: {bag.topics[topic].problem}")

    @property
    def problems(self) -> list[str]:
        """What is damaged or was skipped so far."""
        skipped = [f"{count} messages of '{topic}' cannot be decoded" for topic, count in self._skipped.items()]
        return [*self._bag.problems, *skipped]

    def resolve(self, topic: str) -> str:
        """Full name of a topic of the robot's nodes."""
        return resolved(topic, self.namespace)

    def check(self) -> NDArray[np.float32]:
        """Decode every camera's first image and put the first joint state together, as the nodes do at the start.

        Returns:
            The first state (s,).

        Raises:
            ObservationError: another robot's joints, an unknown encoding, no time stamps.
            SessionError: a topic is there but empty.
        """
        wanted, merger, problem = dict(self.topics), JointStateMerger.of(self._profile), ""
        first: NDArray[np.float32] | None = None
        for arrival in self._sensor_arrivals():
            topic = wanted.get(arrival.source)
            if topic is None:
                continue
            try:
                usable, state = self._usable(arrival, merger)
            except ObservationError as error:
                raise ObservationError(f"topic '{topic}': {error}") from error
            if usable:
                del wanted[arrival.source]
            first = state if first is None else first
            problem = merger.problem(arrival.time * 1e-9)
            if not wanted and first is not None:
                return first
        if JOINT_STATES in wanted and problem:
            raise ObservationError(f"topic '{wanted[JOINT_STATES]}': {problem}")
        raise SessionError(f"no message on topic '{next(iter(wanted.values()))}' can be read")

    def _usable(self, arrival: Arrival, merger: JointStateMerger) -> tuple[bool, NDArray[np.float32] | None]:
        """Whether a message is of use by itself, or completes a joint state that is, and that state."""
        whole = arrival.message
        if arrival.source == JOINT_STATES:
            whole = merger.add(arrival.message, arrival.time * 1e-9)
            if whole is None:
                return False, None
        if stamp_nanoseconds(whole.header.stamp) == 0:
            raise ObservationError(NO_STAMP)
        if arrival.source == JOINT_STATES:
            return True, state_vector(self.composer, whole)
        image_to_rgb(whole)
        return True, None

    def arrivals(self) -> Iterator[Arrival]:
        """Everything the nodes would have received, in order of recording time."""
        topics = {topic: source for source, topic in self.topics.items()}
        topics |= {self.resolve(name): name for name in (EPOCHS, ESTOP)}
        yield from self._read(topics)

    def has_instructions(self) -> bool:
        """Whether System 2's epochs, which carry the instructions, were recorded."""
        return any(str(item.message.source).endswith("system2") for item in self._readable([self.resolve(EPOCHS)]))

    def instruction(self) -> str:
        """Of the first recorded chunk. Empty if there is none."""
        topic = self.resolve(CHUNKS)
        return next((str(item.message.instruction) for item in self._readable([topic])), "")

    def latencies(self, think: float, denoise: float) -> LatencyModel:
        """As recorded. The given seconds where nothing is."""
        chunks = self.resolve(CHUNKS)
        segments = self.resolve(SEGMENTS)
        other = segments if segments in self._bag.topics else self.resolve(STATUS)
        return measured_latencies(
            ((self._clock.ros_time(item.log_time_ns), item) for item in self._readable([chunks, other])),
            chunks,
            think,
            denoise,
        )

    def _sensor_arrivals(self) -> Iterator[Arrival]:
        yield from self._read({topic: source for source, topic in self.topics.items()})

    def _read(self, topics: Mapping[str, str]) -> Iterator[Arrival]:
        for item in self._readable(list(topics)):
            yield Arrival(self._clock.ros_time(item.log_time_ns), topics[item.topic], item.message)

    def _readable(self, topics: Sequence[str]) -> Iterator[BagMessage]:
        """Messages of those topics that are there, without those that cannot be decoded."""
        present = [topic for topic in topics if topic in self._bag.topics and not self._bag.topics[topic].problem]
        self._skipped.clear()
        for item in self._bag.messages(present):
            try:
                item.message  # noqa: B018
            except BagError:
                self._skipped[item.topic] = self._skipped.get(item.topic, 0) + 1
            else:
                yield item
