"""Quality-of-service profiles, one per kind of topic."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

SENSOR = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Cameras, subscribing side: matches best-effort and reliable publishers."""

JOINT_STATES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=64, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Joint states, subscribing side: those of a fast driver must not push out those of a slow one on the same topic."""

COMMAND = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Command stream: the newest counts. Reliable because the controllers of ros2_control ask for it."""

CHUNK = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Action chunks and segments: the newest counts."""

STATUS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE)
"""Status and diagnostics."""

LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""Values that late joiners must see: epochs, episode state."""

_DEPTH = 20
"""Of stops: a true must not be pushed out by what follows it."""


def _offer(reliability: ReliabilityPolicy, durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=_DEPTH, reliability=reliability, durability=durability)


STATES = (
    _offer(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE),
    _offer(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
)
"""Subscriptions that together receive from every publisher, and what latched ones published before."""

STOPS = (*STATES, _offer(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE))
"""The same, and a reliable publisher's messages are sent again where they get lost. The first hears all, live."""
