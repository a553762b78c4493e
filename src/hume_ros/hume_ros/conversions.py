"""Messages to arrays and back: the one decode path for live topics, bags and exports.

Functions read fields only, so messages of rclpy and of the `rosbags` library both work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.encoded_images import decode_rgb
from hume_core.errors import ChunkError, ObservationError
from hume_core.texts import listed, shortened
from hume_ros.image_encodings import raw_to_rgb


def stamp_seconds(stamp: Any) -> float:
    """A `builtin_interfaces/Time` as seconds."""
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9


def stamp_nanoseconds(stamp: Any) -> int:
    """A `builtin_interfaces/Time` as nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_parts(seconds: float) -> tuple[int, int]:
    """Seconds as (sec, nanosec) of a `builtin_interfaces/Time`."""
    nanoseconds = round(seconds * 1e9)
    return nanoseconds // 1_000_000_000, nanoseconds % 1_000_000_000


def as_sent(seconds: float) -> float:
    """Seconds as they come out of a message: whole nanoseconds, put together again."""
    whole, nanoseconds = stamp_parts(seconds)
    return float(whole) + float(nanoseconds) * 1e-9


def set_stamp(stamp: Any, seconds: float) -> None:
    """Write `seconds` into a `builtin_interfaces/Time` or `Duration`."""
    stamp.sec, stamp.nanosec = stamp_parts(seconds)


def image_to_rgb(message: Any) -> NDArray[np.uint8]:
    """RGB pixels of a `sensor_msgs/Image` or `sensor_msgs/CompressedImage`.

    Returns:
        uint8 (height, width, 3), RGB, owning its memory.

    Raises:
        ObservationError: unknown encoding, or data that do not fit width, height and step.
    """
    return _decode_compressed(message) if hasattr(message, "format") else raw_to_rgb(message)


def _decode_compressed(message: Any) -> NDArray[np.uint8]:
    try:
        return decode_rgb(message.data)
    except ObservationError as error:
        what = f"compressed image with format '{shortened(message.format)}' and {len(message.data)} bytes"
        raise ObservationError(f"{what}: {error}") from error


def joint_values(message: Any, names: Sequence[str], field: str = "position") -> NDArray[np.float64]:
    """One field of a `sensor_msgs/JointState` in the order of `names`.

    Returns:
        float64 (len(names),), rad or m (position), rad/s or m/s (velocity).

    Raises:
        ObservationError: a joint is missing or named twice, the field is shorter than the names, or a value is not
            finite.
    """
    place = {name: i for i, name in enumerate(message.name)}
    if len(place) < len(message.name):
        _refuse_duplicates(list(message.name), names)
    missing = [name for name in names if name not in place]
    if missing:
        raise ObservationError(
            f"joint states have no joint '{missing[0]}'. They have: {listed(message.name) or 'none'}"
        )
    values = getattr(message, field)
    if len(values) < len(message.name):
        raise ObservationError(
            f"joint states name {len(message.name)} joints but carry {len(values)} numbers of '{field}'"
        )
    picked = np.array([values[place[name]] for name in names], dtype=np.float64)
    if not np.isfinite(picked).all():
        bad = names[int(np.flatnonzero(~np.isfinite(picked))[0])]
        raise ObservationError(f"joint '{bad}' has a '{field}' that is not finite")
    return picked


def known_joint_values(message: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Positions (len(names),) of a `sensor_msgs/JointState`, rad or m. NaN for the joints that it does not hold."""
    position = dict(zip(message.name, message.position, strict=False))
    return np.array([position.get(name, np.nan) for name in names], dtype=np.float64)


def _refuse_duplicates(found: list[str], names: Sequence[str]) -> None:
    twice = [name for name in names if found.count(name) > 1]
    if twice:
        raise ObservationError(
            f"joint states name joint '{twice[0]}' {found.count(twice[0])} times in one message. "
            "Correct the driver: one number per joint"
        )


def chunk_rows(message: Any) -> NDArray[np.float32]:
    """The rows of an `ActionChunk` in normalised policy units.

    Returns:
        float32 (horizon, dim).

    Raises:
        ChunkError: the data do not fit horizon and dim.
    """
    data = np.asarray(message.data, dtype=np.float32)
    horizon, dim = int(message.horizon), int(message.dim)
    if horizon < 1 or dim < 1 or data.size != horizon * dim:
        raise ChunkError(f"chunk has {data.size} numbers. Horizon {horizon} x dim {dim} = {horizon * dim}")
    return data.reshape(horizon, dim)


def thought_candidates(message: Any) -> NDArray[np.float32]:
    """The candidates of a `Thought` in real units of its action space.

    Returns:
        float32 (N, horizon, dim).

    Raises:
        ChunkError: candidates or values do not fit their numbers.
    """
    data = np.asarray(message.candidates, dtype=np.float32)
    count, horizon, dim = int(message.num_candidates), int(message.horizon), int(message.dim)
    if min(count, horizon, dim) < 1 or data.size != count * horizon * dim or len(message.values) != count:
        raise ChunkError(
            f"thought has {data.size} numbers and {len(message.values)} values; {count} candidates x horizon {horizon} "
            f"x dim {dim} = {count * horizon * dim}"
        )
    if not 0 <= int(message.index) < count:
        raise ChunkError(f"thought names candidate {message.index} as the best of {count}")
    return data.reshape(count, horizon, dim)


def commanded_positions(message: Any, names: Sequence[str], now: float) -> dict[str, float]:
    """What a command asks of joints at a time. `Float64MultiArray` and `JointTrajectory` are understood.

    Args:
        message: the command.
        names: joints of a `Float64MultiArray`, in its order.
        now: ROS time, s. Points of a trajectory are due at times of their own.

    Returns:
        Position by joint, rad or m. Empty where the message holds none, or another number of joints.
    """
    if hasattr(message, "points"):
        return _trajectory_positions(message, now)
    if len(message.data) != len(names):
        return {}
    return dict(zip(names, map(float, message.data), strict=True))


def _trajectory_positions(message: Any, now: float) -> dict[str, float]:
    points = [point for point in message.points if len(point.positions) == len(message.joint_names)]
    if not points:
        return {}
    due = [stamp_seconds(point.time_from_start) for point in points]
    since = now - stamp_seconds(message.header.stamp)
    columns = np.array([point.positions for point in points], dtype=np.float64).T
    return {
        name: float(np.interp(since, due, column)) for name, column in zip(message.joint_names, columns, strict=True)
    }
