"""Quality of service as rosbag2 writes it in its metadata (version 9), and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy

from hume_bags.errors import BagError
from hume_core.yaml_file import parse_yaml

_FOREVER = 2**63 - 1
_SECOND = 1_000_000_000
_MOST_PROFILES = 1000


def qos_to_list(profiles: Sequence[QoSProfile]) -> list[dict[str, Any]]:
    """Entries of `offered_qos_profiles`. A time that is not set is written as infinite."""
    return [
        {
            "history": profile.history.name.lower(),
            "depth": int(profile.depth),
            "reliability": profile.reliability.name.lower(),
            "durability": profile.durability.name.lower(),
            "deadline": _time(profile.deadline),
            "lifespan": _time(profile.lifespan),
            "liveliness": profile.liveliness.name.lower(),
            "liveliness_lease_duration": _time(profile.liveliness_lease_duration),
            "avoid_ros_namespace_conventions": bool(profile.avoid_ros_namespace_conventions),
        }
        for profile in profiles
    ]


def qos_to_text(profiles: Sequence[QoSProfile]) -> str:
    """The YAML text in an MCAP channel."""
    return yaml.safe_dump(qos_to_list(profiles), sort_keys=False).strip()


def qos_from(offered: Any) -> tuple[QoSProfile, ...]:
    """Profiles of a list or of YAML text. Names (version 9) and numbers (older) are both understood.

    Raises:
        BagError: it is no list of profiles.
    """
    items = parse_yaml(offered, "its text", BagError) if isinstance(offered, str) else offered
    if not isinstance(items or [], list) or not all(isinstance(item, dict) for item in items or []):
        raise BagError("it is recorded as something else than a list of profiles")
    return tuple(_profile(item) for item in (items or [])[:_MOST_PROFILES])


def matching_quality(offered: Sequence[QoSProfile], depth: int) -> QoSProfile:
    """The strictest quality of service that all these publishers satisfy, with a queue of `depth`."""
    reliable = all(offer.reliability is ReliabilityPolicy.RELIABLE for offer in offered)
    latched = all(offer.durability is DurabilityPolicy.TRANSIENT_LOCAL for offer in offered)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def _profile(item: dict[str, Any]) -> QoSProfile:
    depth = item.get("depth")
    history = _policy(HistoryPolicy, item.get("history"), HistoryPolicy.KEEP_LAST)
    return QoSProfile(
        history=history,
        depth=max(1, min(depth if isinstance(depth, int) else 1, 10_000)),
        reliability=_policy(ReliabilityPolicy, item.get("reliability"), ReliabilityPolicy.RELIABLE),
        durability=_policy(DurabilityPolicy, item.get("durability"), DurabilityPolicy.VOLATILE),
        liveliness=_policy(LivelinessPolicy, item.get("liveliness"), LivelinessPolicy.AUTOMATIC),
    )


def _policy(kind: Any, value: Any, otherwise: Any) -> Any:
    """A policy that can be offered. Unknown and system defaults become `otherwise`."""
    if isinstance(value, int):
        found = {policy.value: policy for policy in kind}.get(value)
    else:
        found = {policy.name.lower(): policy for policy in kind}.get(str(value).lower())
    vague = found is None or found.name in ("UNKNOWN", "SYSTEM_DEFAULT", "BEST_AVAILABLE")
    return otherwise if vague else found


def _time(duration: Duration) -> dict[str, int]:
    nanoseconds = duration.nanoseconds
    nanoseconds = _FOREVER if nanoseconds <= 0 else nanoseconds
    return {"sec": nanoseconds // _SECOND, "nsec": nanoseconds % _SECOND}
