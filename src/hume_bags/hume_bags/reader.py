"""Reading rosbag2 bags (MCAP) without a ROS graph, damaged ones as far as they go."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcap.records import Channel
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from hume_bags.errors import BagError
from hume_bags.mcap_chunk import DAMAGE, unpacked_zstd
from hume_bags.mcap_storage import McapFile, open_mcap
from hume_bags.message_types import message_class, type_hash
from hume_bags.metadata import read_information
from hume_bags.quality import qos_from
from hume_bags.writer import METADATA, PROVENANCE
from hume_core.texts import listed, shortened

_LITTLE_ENDIAN = (b"\0\1", b"\0\7", b"\0\x09", b"\0\x0b")
"""How CDR begins, in its first version and the second (DDS-XTypes 1.3, 7.6.3.1.2)."""


@dataclass(frozen=True)
class TopicInfo:
    """One topic of a bag.

    Attributes:
        type: such as `sensor_msgs/msg/Image`.
        count: messages.
        qos: what the recorded publishers offered. May be empty.
        problem: why the messages cannot be read. Empty where they can.
    """

    type: str
    count: int
    qos: tuple[QoSProfile, ...]
    problem: str = ""


@dataclass(frozen=True)
class BagMessage:
    """One recorded message.

    Attributes:
        topic: fully qualified name.
        type: of the message.
        log_time_ns: when it arrived at the recorder.
        publish_time_ns: when it was sent, as far as the recorder knew.
        data: CDR.
    """

    topic: str
    type: str
    log_time_ns: int
    publish_time_ns: int
    data: bytes

    @cached_property
    def message(self) -> Any:
        """The rclpy message, decoded on first use.

        Raises:
            BagError: the bytes do not fit the type.
        """
        if self.data[:2] not in _LITTLE_ENDIAN:
            raise BagError(f"a message of '{self.topic}' is no little-endian CDR, the only encoding that is read")
        try:
            return deserialize_message(self.data, message_class(self.type))
        except Exception as error:  # each rmw raises its own
            raise BagError(f"a message of '{self.topic}' does not fit {self.type}") from error


class BagReader:
    """A bag: a folder with `metadata.yaml` and MCAP files, or one `.mcap` file.

    Args:
        path: the folder or file.

    Raises:
        BagError: there is nothing that can be read as a bag.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._problems: list[str] = []
        self._unsorted: dict[tuple[int, int], int] = {}
        self._information = read_information(self.path, self._problems) if self.path.is_dir() else {}
        self._per_message_zstd = self._compressed_per_message()
        self._files = [open_mcap(file) for file in self._file_paths()]
        self.topics = self._collect_topics()
        self._compare_counts()

    @property
    def problems(self) -> list[str]:
        """What is missing, damaged or was skipped. Complete once `messages()` has come to its end."""
        found = [*self._problems, *(problem for file in self._files for problem in file.problems)]
        found += [f"topic '{topic}' is skipped: {info.problem}" for topic, info in self.topics.items() if info.problem]
        if self._unsorted:
            number = sum(self._unsorted.values())
            found.append(f"{number} messages lie out of order in the file; they are read in the order of their time")
        return found

    @property
    def provenance(self) -> dict[str, Any]:
        """What the recorder noted about code, checkpoint, robot and limits. Empty for bags of other recorders."""
        values: dict[str, Any] = {}
        for file in self._files:
            for record in file.metadata:
                if record.name == PROVENANCE:
                    values.update({key: _parsed(text) for key, text in record.metadata.items()})
        return values

    @property
    def start_ns(self) -> int:
        """Arrival of the first message. 0 in an empty bag."""
        return min((block.start for file in self._files for block in file.blocks), default=0)

    @property
    def end_ns(self) -> int:
        """Arrival of the last message. 0 in an empty bag."""
        return max((block.end for file in self._files for block in file.blocks), default=0)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Messages in the order of their log time, those of equal time as they lie in the file.

        Args:
            topics: only these. None takes every one that can be read.

        Raises:
            BagError: a wanted topic is not in the bag or cannot be read.
        """
        wanted = self._wanted(topics)
        blocks = [
            (block.start, number, place)
            for number, file in enumerate(self._files)
            for place, block in enumerate(file.blocks)
            if any(number not in file.channels or file.channels[number].topic in wanted for number in block.channels)
        ]
        heap: list[tuple[int, int, int, int, BagMessage]] = []
        for start, number, place in sorted(blocks):
            while heap and heap[0][0] < start:
                yield heapq.heappop(heap)[-1]
            for k, message in enumerate(self._load(number, place, wanted)):
                heapq.heappush(heap, (message.log_time_ns, number, place, k, message))
        while heap:
            yield heapq.heappop(heap)[-1]

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.stream.close()

    def _wanted(self, topics: Collection[str] | None) -> set[str]:
        if topics is None:
            return {topic for topic, info in self.topics.items() if not info.problem}
        for topic in topics:
            if topic not in self.topics:
                raise BagError(f"{self.path} has no topic '{topic}'; it has: {listed(self.topics) or 'none'}")
            if self.topics[topic].problem:
                raise BagError(f"topic '{topic}' of {self.path} cannot be read: {self.topics[topic].problem}")
        return set(topics)

    def _load(self, number: int, place: int, wanted: set[str]) -> Iterator[BagMessage]:
        """The wanted messages of one block, in file order."""
        file = self._files[number]
        previous, out_of_order = 0, 0
        for record in file.messages(file.blocks[place]):
            out_of_order += record.log_time < previous
            previous = max(previous, record.log_time)
            channel = file.channels.get(record.channel_id)
            if channel is None:
                file.note(f"{file.path.name}: messages of the undescribed channel {record.channel_id} were skipped")
            elif channel.topic in wanted and _type_name(file, channel) == self.topics[channel.topic].type:
                data = self._unpacked(file, channel.topic, record.data)
                if data is not None:
                    type_name = self.topics[channel.topic].type
                    yield BagMessage(channel.topic, type_name, record.log_time, record.publish_time, data)
        if place and file.blocks[place].start < file.blocks[place - 1].end:
            out_of_order += 1
        if out_of_order:
            self._unsorted[number, place] = out_of_order

    def _unpacked(self, file: McapFile, topic: str, data: bytes) -> bytes | None:
        """A message as it was before the recorder packed it. None, and a problem, where it is damaged."""
        if not self._per_message_zstd:
            return data
        try:
            return unpacked_zstd(data)
        except DAMAGE as error:
            file.note(f"{file.path.name}: a message of '{topic}' cannot be unpacked and was skipped ({error})")
            return None

    def _compressed_per_message(self) -> bool:
        mode = str(self._information.get("compression_mode") or "").lower()
        if mode == "file":
            raise BagError(f"{self.path} is compressed as a whole; write it again with 'ros2 bag convert'")
        return mode == "message"

    def _file_paths(self) -> list[Path]:
        if not self.path.exists():
            raise BagError(f"bag '{self.path}' does not exist; name its folder or its .mcap file")
        if self.path.is_file():
            return [self.path]
        storage = str(self._information.get("storage_identifier", "mcap"))
        if storage != "mcap":
            raise BagError(f"{self.path} is stored as '{storage}'; only MCAP is read: write it again, ros2 bag convert")
        named = [self.path / Path(name).name for name in self._information.get("relative_file_paths", [])]
        self._problems += [f"{path.name} is missing" for path in named if not path.is_file()]
        found = [path for path in named if path.is_file()] or sorted(self.path.glob("*.mcap"))
        if not found:
            raise BagError(f"'{self.path}' has no .mcap file; it is no rosbag2 MCAP bag")
        return found

    def _collect_topics(self) -> dict[str, TopicInfo]:
        topics: dict[str, TopicInfo] = {}
        for file in self._files:
            for number, channel in sorted(file.channels.items()):
                count = file.counts.get(number, 0)
                type_name = _type_name(file, channel)
                known = topics.get(channel.topic)
                if known is None:
                    qos = self._recorded_qos(channel)
                    problem = _encoding_problem(channel) or _type_problem(type_name, channel.metadata)
                    topics[channel.topic] = TopicInfo(type_name, count, qos, problem)
                elif known.type == type_name:
                    topics[channel.topic] = TopicInfo(type_name, known.count + count, known.qos, known.problem)
                else:
                    self._problems.append(
                        f"topic '{channel.topic}' has two types; {count} messages of type {type_name} are skipped"
                    )
        return dict(sorted(topics.items()))

    def _recorded_qos(self, channel: Channel) -> tuple[QoSProfile, ...]:
        try:
            return qos_from(channel.metadata.get("offered_qos_profiles", ""))
        except BagError as error:
            self._problems.append(f"topic '{shortened(channel.topic)}' has no quality of service: {error}")
            return ()

    def _compare_counts(self) -> None:
        """A file cut off at the end of a chunk looks complete. The metadata count its messages."""
        said = self._information.get("message_count")
        found = sum(count for file in self._files for count in file.counts.values())
        if isinstance(said, int) and said != found:
            self._problems.append(f"{METADATA} tells of {said} messages; found {found}")


def _type_name(file: McapFile, channel: Channel) -> str:
    schema = file.schemas.get(channel.schema_id)
    return "" if schema is None else str(schema.name)


def _encoding_problem(channel: Channel) -> str:
    encoding = channel.message_encoding
    return "" if encoding == "cdr" else f"it is encoded as '{shortened(encoding, 30)}'; only 'cdr' is read"


def _type_problem(type_name: str, described: Mapping[str, str]) -> str:
    """Why messages of a type cannot be decoded here. Empty where they can."""
    try:
        message_class(type_name)
    except BagError as error:
        return str(error)
    recorded, installed = described.get("topic_type_hash", ""), type_hash(type_name)
    if recorded and installed and recorded != installed:
        return f"it was recorded with another definition of {type_name} than the one that is installed"
    return ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
