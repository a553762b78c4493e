"""Reading rosbag2 bags (MCAP or sqlite3) without a ROS graph, damaged ones as far as they go."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcap.records import Channel, Message
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from hume_bags.bag_files import find_files, open_file
from hume_bags.errors import BagError
from hume_bags.mcap_chunk import DAMAGE
from hume_bags.message_types import full_name, is_ros_type, message_class, type_problem
from hume_bags.metadata import Information, parsed, read_information
from hume_bags.packing import ZSTD_MAGIC, unpacked_zstd
from hume_bags.quality import qos_from
from hume_bags.storage import BagFile
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
    """A bag: a folder with `metadata.yaml` and MCAP or sqlite3 files, or one such file. Files may be packed with zstd.

    Args:
        path: the folder or file.

    Raises:
        BagError: there is nothing that can be read as a bag.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._problems: list[str] = []
        self._unsorted: dict[tuple[int, int], int] = {}
        self._information = read_information(self.path, self._problems) if self.path.is_dir() else Information()
        self._files = self._open_files()
        self.topics = self._collect_topics()
        self._compare_counts()

    @property
    def problems(self) -> list[str]:
        """What is missing, damaged or was skipped. Complete once `messages()` has come to its end."""
        found = [*self._problems, *(problem for file in self._files for problem in file.problems)]
        found += self._skipped()
        if self._unsorted:
            number = sum(self._unsorted.values())
            found.append(f"{number} messages lie out of order in the file. They are read in the order of their time")
        return found

    @property
    def provenance(self) -> dict[str, Any]:
        """What the recorder noted about code, checkpoint, robot and limits. Empty for bags of other recorders."""
        texts: dict[str, str] = {}
        for file in self._files:
            for record in file.metadata:
                if record.name == PROVENANCE:
                    texts.update(record.metadata)
        # Of a bag that was converted to another storage only this is left.
        return {key: parsed(text) for key, text in (texts or self._information.custom).items()}

    @property
    def start_ns(self) -> int:
        """Arrival of the first message. 0 in an empty bag."""
        return min((block.start for file in self._files for block in file.blocks), default=0)

    @property
    def end_ns(self) -> int:
        """Arrival of the last message. 0 in an empty bag."""
        return max((block.end for file in self._files for block in file.blocks), default=0)

    @property
    def recorded(self) -> set[str]:
        """The topics with messages, whether those can be read or not."""
        return {topic for topic, info in self.topics.items() if info.count}

    def has(self, topic: str) -> bool:
        """Whether there are messages of this topic that can be read."""
        info = self.topics.get(topic)
        return info is not None and info.count > 0 and not info.problem

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
        heap: list[tuple[int, int, int, int, str, Message]] = []
        for start, number, place in sorted(blocks):
            while heap and heap[0][0] < start:
                yield from self._finished(heapq.heappop(heap))
            for k, (topic, message) in enumerate(self._load(number, place, wanted)):
                heapq.heappush(heap, (message.log_time, number, place, k, topic, message))
        while heap:
            yield from self._finished(heapq.heappop(heap))

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _skipped(self) -> list[str]:
        """What topics cannot be read, those with the same reason in one line."""
        topics: dict[str, list[str]] = {}
        for topic, info in self.topics.items():
            if info.problem:
                topics.setdefault(info.problem, []).append(f"'{topic}'")
        lines = []
        for problem, names in topics.items():
            subject = f"topic {names[0]} is" if len(names) == 1 else f"topics {listed(names)} are"
            lines.append(f"{subject} skipped: {problem}")
        return lines

    def _wanted(self, topics: Collection[str] | None) -> set[str]:
        if topics is None:
            return {topic for topic, info in self.topics.items() if not info.problem}
        for topic in topics:
            if topic not in self.topics:
                raise BagError(f"{self.path} has no topic '{topic}'. It has: {listed(self.topics) or 'none'}")
            if self.topics[topic].problem:
                raise BagError(f"topic '{topic}' of {self.path} cannot be read: {self.topics[topic].problem}")
        return set(topics)

    def _load(self, number: int, place: int, wanted: set[str]) -> Iterator[tuple[str, Message]]:
        """The wanted messages of one block with their topics, in file order."""
        file = self._files[number]
        previous, out_of_order = 0, 0
        topics = {
            key: channel.topic
            for key, channel in file.channels.items()
            if channel.topic in wanted and _type_name(file, channel) == self.topics[channel.topic].type
        }
        for record in file.messages(file.blocks[place], topics):
            out_of_order += record.log_time < previous
            previous = max(previous, record.log_time)
            topic = topics.get(record.channel_id)
            if topic is not None:
                yield topic, record
        if place and file.blocks[place].start < file.blocks[place - 1].end:
            out_of_order += 1
        if out_of_order:
            self._unsorted[number, place] = out_of_order

    def _finished(self, item: tuple[int, int, int, int, str, Message]) -> Iterator[BagMessage]:
        """A message as it was before the recorder packed it. None, and a problem, where it is damaged."""
        _, number, _, _, topic, record = item
        data = record.data
        # Unpacked as late as possible: a few bytes may become many.
        if self._information.packed_messages or data.startswith(ZSTD_MAGIC):
            try:
                data = unpacked_zstd(data)
            except DAMAGE as error:
                file = self._files[number]
                file.note(f"{file.path.name}: a message of '{topic}' cannot be unpacked and was skipped ({error})")
                return
        yield BagMessage(topic, self.topics[topic].type, record.log_time, record.publish_time, data)

    def _open_files(self) -> list[BagFile]:
        """The files of the bag that can be read, at least one."""
        files: list[BagFile] = []
        failures: list[BagError] = []
        for path in find_files(self.path, self._information, self._problems):
            try:
                files.append(open_file(path, self._problems))
            except BagError as error:
                failures.append(error)
        if not files:
            raise failures[0]
        self._problems += [str(error) for error in failures]
        return files

    def _collect_topics(self) -> dict[str, TopicInfo]:
        topics: dict[str, TopicInfo] = {}
        for file in self._files:
            for number in sorted(set(file.counts) - set(file.channels)):
                file.note(f"{file.path.name}: messages of the undescribed channel {number} were skipped")
            for number, channel in sorted(file.channels.items()):
                count = file.counts.get(number, 0)
                type_name = _type_name(file, channel)
                known = topics.get(channel.topic)
                if known is None:
                    qos, recorded = self._recorded_qos(channel), channel.metadata.get("topic_type_hash", "")
                    problem = _encoding_problem(channel, type_name) or type_problem(type_name, recorded)
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
            reason = " ".join(str(error).split())
            self._problems.append(f"topic '{shortened(channel.topic)}' has no quality of service: {reason}")
            return ()

    def _compare_counts(self) -> None:
        """A file cut off at the end of a chunk looks complete. The metadata count its messages."""
        said = self._information.messages
        found = sum(count for file in self._files for count in file.counts.values())
        if said is not None and said != found:
            self._problems.append(f"{METADATA} tells of {said} messages. Found {found}")
        elif not found and not any(file.problems for file in self._files):
            self._problems.append("it holds no message: nothing was published on the recorded topics")


def _type_name(file: BagFile, channel: Channel) -> str:
    schema = file.schemas.get(channel.schema_id)
    return "" if schema is None else full_name(str(schema.name))


def _encoding_problem(channel: Channel, type_name: str) -> str:
    encoding = channel.message_encoding
    if encoding == "cdr":
        return ""
    kind = "" if is_ros_type(type_name) else f" '{shortened(type_name, 60)}'"
    return f"not ROS messages encoded as 'cdr' but{kind} encoded as '{shortened(encoding, 30)}'"
