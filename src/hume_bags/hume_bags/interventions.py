"""When somebody had taken the arm over, as the recorded status of System 1 says it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hume_bags.reader import BagReader
from hume_ros.conversions import stamp_seconds
from hume_ros.status_reason import reason_without_mode
from hume_system1.control.states import Reason

_STATUS = "/hume/status"


def status_topics(reader: BagReader) -> list[str]:
    """Where System 1 said what it does, in whatever namespace. Empty: it was not recorded."""
    return [topic for topic, info in reader.topics.items() if topic.endswith(_STATUS) and not info.problem]


class Interventions:
    """Takeovers in a bag.

    Args:
        reader: the bag.
    """

    def __init__(self, reader: BagReader) -> None:
        topics = status_topics(reader)
        found = [item.message for item in reader.messages(topics)] if topics else []
        found.sort(key=lambda status: stamp_seconds(status.header.stamp))
        self._stamps = np.array([stamp_seconds(status.header.stamp) for status in found])
        self._taken = np.array([False, *(reason_without_mode(status) == Reason.TAKEOVER.value for status in found)])

    def at(self, times: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the arm was taken over at times (N,), s. The newest status before each of them counts."""
        return self._taken[np.searchsorted(self._stamps, times, side="right")]
