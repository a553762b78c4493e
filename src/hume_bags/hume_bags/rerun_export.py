"""A bag as a `.rrd` file for the rerun viewer: images, joints, commands, values and modes on one time line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_core.errors import HumeError
from hume_ros.conversions import image_to_rgb

_TIMELINE = "bag"
_QUALITY = 90


def export_rerun(reader: BagReader, file: Path) -> int:
    """Write the file. Returns the number of messages in it.

    Raises:
        BagError: rerun is not installed, or the file cannot be written.
    """
    try:
        import rerun
    except ImportError as error:
        raise BagError("rerun is not installed (it is large): pip install -r setup/requirements-rerun.txt") from error
    recording = rerun.RecordingStream("hume")
    try:
        recording.save(str(file))
    except Exception as error:
        raise BagError(f"'{file}' cannot be written: {error}") from error
    loggers = {topic: _logger(rerun, recording, topic, info.type) for topic, info in reader.topics.items()}
    wanted = [topic for topic, logger in loggers.items() if logger is not None and not reader.topics[topic].problem]
    count = 0
    for item in reader.messages(wanted):
        recording.set_time(_TIMELINE, timestamp=item.log_time_ns * 1e-9)
        logger = loggers[item.topic]
        assert logger is not None
        try:
            logger(item.message)
            count += 1
        except HumeError:
            continue  # `hume inspect` counts what cannot be decoded
    recording.flush()
    recording.disconnect()
    return count


def _logger(rerun: Any, recording: Any, topic: str, kind: str) -> Callable[[Any], None] | None:
    """What logs the messages of a topic. None for topics that are not shown."""

    def number(path: str, value: float) -> None:
        recording.log(path, rerun.Scalars(value))

    def image(message: Any) -> None:
        recording.log(topic, rerun.Image(image_to_rgb(message)).compress(jpeg_quality=_QUALITY))

    def joints(message: Any) -> None:
        for name, position in zip(message.name, message.position, strict=False):
            number(f"{topic}/{name}", position)

    def array(message: Any) -> None:
        for k, value in enumerate(message.data):
            number(f"{topic}/{k}", value)

    def chunk(message: Any) -> None:
        number(f"{topic}/value", message.value)

    def status(message: Any) -> None:
        number(f"{topic}/denoise_rate", message.denoise_rate)
        number(f"{topic}/chunk_age", message.chunk_age)
        recording.log(f"{topic}/mode", rerun.TextLog(f"{message.mode_name} {message.reason}".strip()))

    def epoch(message: Any) -> None:
        recording.log(topic, rerun.TextLog(f"epoch {message.epoch}: {message.reason}"))

    return {
        "sensor_msgs/msg/Image": image,
        "sensor_msgs/msg/CompressedImage": image,
        "sensor_msgs/msg/JointState": joints,
        "std_msgs/msg/Float64MultiArray": array,
        "hume_msgs/msg/ActionChunk": chunk,
        "hume_msgs/msg/System1Status": status,
        "hume_msgs/msg/Epoch": epoch,
    }.get(kind)
