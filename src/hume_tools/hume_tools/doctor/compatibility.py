"""Whether messages get from a publisher to a subscription, by the rules of the middleware."""

from __future__ import annotations

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)

from hume_ros import qos

_INFINITE = Duration(nanoseconds=2**63 - 1)


def qos_mismatch(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Why nothing gets from the one to the other. Empty: it does, as far as it can be known."""
    compatibility, reason = qos_check_compatible(_resolved(publisher), _resolved(subscription))
    if compatibility != QoSCompatibility.ERROR:
        return ""
    problems = [part for part in str(reason).split(";") if part.startswith("ERROR: ")]
    return ", ".join(part.removeprefix("ERROR: ").lower() for part in problems)


def stop_mismatch(publisher: QoSProfile) -> str:
    """Why System 1 may miss a stop of a publisher. Empty: it hears all of them."""
    problems = [qos_mismatch(publisher, subscription) for subscription in qos.STOPS]
    if all(problems):
        return problems[0]
    latched = publisher.durability == DurabilityPolicy.TRANSIENT_LOCAL
    if latched and publisher.reliability == ReliabilityPolicy.BEST_EFFORT:
        return "best effort and transient local: what it published before is not sent to who starts later"
    return ""


def _resolved(profile: QoSProfile) -> QoSProfile:
    """The profile as it is on the graph: what is left at its default means infinite there, and is 0 here."""
    return QoSProfile(
        history=profile.history,
        depth=profile.depth,
        reliability=profile.reliability,
        durability=profile.durability,
        deadline=profile.deadline if profile.deadline.nanoseconds else _INFINITE,
        liveliness=profile.liveliness or LivelinessPolicy.AUTOMATIC,
        liveliness_lease_duration=profile.liveliness_lease_duration
        if profile.liveliness_lease_duration.nanoseconds
        else _INFINITE,
    )
