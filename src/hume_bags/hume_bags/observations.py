"""Observations of a bag, put together by the code that does it live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_bags.topics import recorded_image_topic, recorded_namespace, resolved
from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_core.texts import listed
from hume_ros.conversions import stamp_seconds
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer, SensorFrame, check_cameras

NO_STAMP = "messages carry no time stamp (header.stamp is zero). The driver has to set it"


@dataclass(frozen=True)
class BagFrame:
    """A matched set of camera images and joint states.

    Attributes:
        frame: as System 2 takes it.
        stamps: of each camera, then of the joint states, s.
        arrival: of the message that completed the set, s on the clock of the stamps.
    """

    frame: SensorFrame
    stamps: tuple[float, ...]
    arrival: float


class BagObservations:
    """Plays cameras and joint states of a bag through the synchroniser.

    Args:
        reader: the bag.
        profile: the robot's.
        cameras: camera keys. None takes all of the profile.
        namespace: of the recorded topics. None: see `recorded_namespace`.

    Attributes:
        problems: how many messages were of no use, by reason. Grows while `frames` runs.

    Raises:
        BagError: a topic is missing or cannot be read.
        ObservationError: the profile lacks a camera.
    """

    def __init__(
        self,
        reader: BagReader,
        profile: RobotProfile,
        cameras: Sequence[str] | None = None,
        namespace: str | None = None,
    ) -> None:
        self._reader, self._profile, self._clock = reader, profile, RecordedClock.of(reader)
        keys = list(profile.cameras if cameras is None else cameras)
        check_cameras(profile, keys)
        space = recorded_namespace(reader.recorded, profile, namespace)
        images = {key: resolved(profile.cameras[key].topic, space) for key in keys}
        self.topics = {key: recorded_image_topic(reader.recorded, topic) for key, topic in images.items()}
        self.topics[JOINT_STATES] = resolved(profile.joint_states, space)
        self.problems: Counter[str] = Counter()
        for key, topic in self.topics.items():
            if topic not in reader.topics:
                has = listed(reader.topics) or "none"
                raise BagError(f"{reader.path} has no topic '{topic}' ({key}). It has: {has}")
            if not reader.topics[topic].count:
                raise BagError(f"topic '{topic}' ({key}) of {reader.path} has no messages")

    def frames(self) -> Iterator[BagFrame]:
        """Every matched set in the order of arrival."""
        sources = {key: MessageSource() for key in self.topics}
        arrival = 0.0
        buffer = ObservationBuffer(self._profile, sources, clock=lambda: arrival, on_problem=self._note)
        key_of = {topic: key for key, topic in self.topics.items()}
        newest: dict[str, float] = {}
        seen = float("-inf")
        for item in self._reader.messages(list(key_of)):
            key, arrival = key_of[item.topic], self._clock.seconds(item.log_time_ns)
            try:
                stamp = stamp_seconds(item.message.header.stamp)
                if stamp == 0.0:
                    self.problems[f"{item.topic}: {NO_STAMP}"] += 1
                    if key != JOINT_STATES:  # of several drivers' joint states one may be enough
                        continue
                elif stamp < newest.get(key, float("-inf")):
                    self.problems[f"{item.topic}: the stamp goes back"] += 1
                newest[key] = max(stamp, newest.get(key, stamp))
                sources[key].deliver(item.message)
                if buffer.newest_stamp() not in (seen, float("-inf")):
                    seen = buffer.newest_stamp()
                    frame = buffer.take(seen)
                    yield BagFrame(frame, buffer.newest_stamps(), arrival)
            except (ObservationError, BagError) as error:
                self.problems[f"{item.topic}: {error}"] += 1

    def _note(self, problem: str) -> None:
        self.problems[f"{self.topics[JOINT_STATES]}: {problem}"] += 1
