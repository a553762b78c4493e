"""Writing rosbag2 bags (MCAP, zstd) that can be read even when the process was killed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message

from hume_bags.errors import BagError
from hume_bags.message_types import definition, type_hash
from hume_bags.quality import qos_to_list, qos_to_text

METADATA = "metadata.yaml"
VERSION = 9
"""Of `metadata.yaml`; rosbag2 of Jazzy and later."""
PROVENANCE = "hume_provenance"
"""Name of the MCAP metadata records whose values are JSON."""

_CHUNK_SIZE = 1024 * 1024
_FLUSH_SECONDS = 1.0


@dataclass
class _Channel:
    number: int
    type: str
    qos: tuple[QoSProfile, ...]
    count: int = 0


class BagWriter:
    """Writes serialized messages into a new bag.

    At least every `flush_seconds` the chunk in progress and `metadata.yaml` go to the disk: of a killed recording
    everything up to there can be read.

    Args:
        folder: the bag. Must not exist.
        provenance: where the recording comes from. Values that JSON can hold.
        flush_seconds: s. Checked when a message is written.

    Raises:
        BagError: the folder exists or cannot be made.
    """

    def __init__(
        self, folder: Path, provenance: Mapping[str, Any] | None = None, flush_seconds: float = _FLUSH_SECONDS
    ) -> None:
        self.folder = folder
        self._flush_seconds = flush_seconds
        self._channels: dict[str, _Channel] = {}
        self._schemas: dict[str, int] = {}
        self._provenance: dict[str, Any] = {}
        self._start: int | None = None
        self._end = 0
        try:
            folder.mkdir(parents=True)
            self._file = (folder / f"{folder.name}_0.mcap").open("wb")
        except OSError as error:
            raise BagError(f"bag '{folder}' cannot be created ({error.strerror}). Name a new folder") from error
        self._mcap = Writer(self._file, chunk_size=_CHUNK_SIZE, compression=CompressionType.ZSTD)
        self._mcap.start(profile="ros2", library="hume_tools")
        self.add_provenance(provenance or {})
        self.flush()

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def counts(self) -> dict[str, int]:
        """Messages written so far by topic."""
        return {topic: channel.count for topic, channel in self._channels.items()}

    def add_topic(self, topic: str, type_name: str, qos: Sequence[QoSProfile] = ()) -> None:
        """Make a topic known. A second time with the same type does nothing.

        Args:
            topic: fully qualified name.
            type_name: such as `sensor_msgs/msg/Image`.
            qos: what its publishers offer.

        Raises:
            BagError: the type is not installed, or the topic already has another one.
        """
        known = self._channels.get(topic)
        if known is not None:
            if known.type != type_name:
                raise BagError(f"topic '{topic}' has type '{known.type}'. '{type_name}' cannot be written to it")
            return
        if type_name not in self._schemas:
            text = definition(type_name).encode()
            self._schemas[type_name] = self._mcap.register_schema(type_name, "ros2msg", text)
        described = {"offered_qos_profiles": qos_to_text(qos), "topic_type_hash": type_hash(type_name)}
        number = self._mcap.register_channel(topic, "cdr", self._schemas[type_name], described)
        self._channels[topic] = _Channel(number, type_name, tuple(qos))

    def write(self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int | None = None) -> None:
        """Append a serialized message of a topic that `add_topic` made known.

        Args:
            topic: fully qualified name.
            data: CDR with its header, as rmw hands it over.
            log_time_ns: when it arrived.
            publish_time_ns: when it was sent. None takes the arrival.
        """
        channel = self._channels[topic]
        sent = log_time_ns if publish_time_ns is None else publish_time_ns
        self._mcap.add_message(channel.number, log_time_ns, data, sent, channel.count)
        channel.count += 1
        self._start = log_time_ns if self._start is None else min(self._start, log_time_ns)
        self._end = max(self._end, log_time_ns)
        self.flush_if_due()

    def write_message(self, topic: str, message: Any, log_time_ns: int) -> None:
        """Serialize and append a message."""
        self.write(topic, serialize_message(message), log_time_ns)

    def add_provenance(self, values: Mapping[str, Any]) -> None:
        """Record more about where the recording comes from. Later values win."""
        if not values:
            return
        self._provenance.update(values)
        self._mcap.add_metadata(PROVENANCE, {key: json.dumps(value) for key, value in values.items()})

    def flush_if_due(self) -> None:
        """Flush when `flush_seconds` have passed since the last time."""
        if time.monotonic() >= self._flush_at:
            self.flush()

    def flush(self) -> None:
        """Everything written so far survives the end of this process from now on."""
        self._mcap.flush()
        self._write_metadata()
        self._flush_at = time.monotonic() + self._flush_seconds

    def close(self) -> None:
        """Write index and metadata. Further calls do nothing."""
        if self._file.closed:
            return
        self._mcap.add_metadata("rosbag2", {"serialized_metadata": _to_yaml(self._metadata())})
        self._mcap.finish()
        self._file.close()
        self._write_metadata()

    def _write_metadata(self) -> None:
        """Replace `metadata.yaml` in one step. While recording as JSON, which is YAML and a hundred times faster."""
        partial = self.folder / f".{METADATA}.partial"
        content = {"rosbag2_bagfile_information": self._metadata()}
        text = _to_yaml(content) if self._file.closed else json.dumps(content)
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.folder / METADATA)

    def _metadata(self) -> dict[str, Any]:
        start = self._start or 0
        times = {
            "duration": {"nanoseconds": max(0, self._end - start)},
            "starting_time": {"nanoseconds_since_epoch": start},
            "message_count": sum(self.counts.values()),
        }
        name = Path(self._file.name).name
        return {
            "version": VERSION,
            "storage_identifier": "mcap",
            **times,
            "topics_with_message_count": [_described(topic, channel) for topic, channel in self._channels.items()],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [name],
            "files": [{"path": name, **times}],
            "custom_data": {key: json.dumps(value) for key, value in self._provenance.items()},
            "ros_distro": os.environ.get("ROS_DISTRO", ""),
        }


def _described(topic: str, channel: _Channel) -> dict[str, Any]:
    return {
        "topic_metadata": {
            "name": topic,
            "type": channel.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": qos_to_list(channel.qos),
            "type_description_hash": type_hash(channel.type),
        },
        "message_count": channel.count,
    }


class _PlainDumper(yaml.SafeDumper):
    """Writes equal values twice instead of referring to the first one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _to_yaml(content: Any) -> str:
    return str(yaml.dump(content, Dumper=_PlainDumper, sort_keys=False))
