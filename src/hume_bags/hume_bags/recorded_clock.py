"""ROS time of a recording: that of the recorder, or /clock where the nodes took their time from it."""

from __future__ import annotations

import numpy as np

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_ros.conversions import stamp_nanoseconds

_CLOCK = "/clock"


class RecordedClock:
    """From recording time to ROS time.

    Args:
        readings: (recording time, /clock) in ns, in order. Fewer than two: both are the same.
    """

    def __init__(self, readings: list[tuple[int, int]]) -> None:
        self._usable = len(readings) > 1
        if self._usable:
            self._log_start, self._ros_start = readings[0]
            self._log = np.array([log - self._log_start for log, _ in readings], dtype=np.float64)
            ros = np.array([ros - self._ros_start for _, ros in readings], dtype=np.float64)
            self._ros = np.maximum.accumulate(ros)

    @classmethod
    def of(cls, reader: BagReader) -> RecordedClock:
        """The clock of a bag."""
        readings = []
        for item in reader.messages([_CLOCK]) if reader.has(_CLOCK) else ():
            try:
                readings.append((item.log_time_ns, stamp_nanoseconds(item.message.clock)))
            except BagError:
                continue  # `hume inspect` counts what cannot be decoded
        return cls(readings)

    def seconds(self, log_time: int) -> float:
        """As `ros_time`, s."""
        return self.ros_time(log_time) * 1e-9

    def ros_time(self, log_time: int) -> int:
        """ROS time at a recording time, ns. Between readings by interpolation, outside of them at their pace."""
        if not self._usable:
            return log_time
        log = log_time - self._log_start
        outside = min(log, 0) + max(log - int(self._log[-1]), 0)
        return self._ros_start + round(float(np.interp(log, self._log, self._ros))) + outside
