"""Whether another node commands this robot. An arm must follow one node only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rclpy.node import Node

from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_ros.publishers import NAMELESS, Publisher, RepeatedPublishers, publishers_of, repeated_text
from hume_ros.timers import steady_timer

_PERIOD = 0.2  # s
DISCOVERY = 0.5
"""Others are seen after this time, if nothing gets lost, s."""
REPEATED_DISCOVERY = 4.0
"""Others are seen after this time: an announcement that is lost is repeated every 3 s."""
# A process that was killed stays in the graph until its lease is over, 10 s: see config/fastdds_local.xml. The name of
# a new node may come late too.
_LEASE = 12.0  # s
_POLL = 0.1  # s
_SECOND = "a second"
_WARN_PERIOD = 60.0  # s


@dataclass(frozen=True)
class Guarded:
    """A topic that moves the robot.

    Attributes:
        topic: its name.
        commanders: nodes that may publish on it.
        ours: whether only the node that watches may, and only once.
    """

    topic: str
    commanders: tuple[str, ...]
    ours: bool = False


def guarded_topics(node: Node, profile: RobotProfile) -> list[Guarded]:
    """The topics by which this stack moves a robot.

    Args:
        node: System 1. The other nodes of the stack are in its namespace.
        profile: where its commands go.
    """
    namespace = node.get_namespace().rstrip("/")
    own = node.get_fully_qualified_name()
    denoiser, system2 = f"{namespace}/hume_system1_denoiser", f"{namespace}/hume_system2"
    commands = [controller.topic for controller in profile.controllers]
    return [
        *(Guarded(topic, (own,), ours=True) for topic in commands),
        Guarded("hume/segment", (denoiser,)),
        Guarded("hume/action_chunk", (system2,)),
        Guarded("hume/epoch", (own, denoiser, system2)),
    ]


def foreign(guarded: Sequence[Guarded], publishers: Mapping[str, Sequence[str]], before: bool = False) -> str:
    """Who publishes where they may not, for people. Empty: nobody.

    A node of the stack that is there twice is one that was started again: its old process stays in the graph for a
        while.
    Only on the command topics not even a second node of the same name is allowed.

    Args:
        guarded: the topics.
        publishers: topic -> fully qualified name of each publisher's node.
        before: this node does not publish yet.
    """
    found = []
    for item in guarded:
        names = list(publishers.get(item.topic, ()))
        others = sorted(set(names) - set(item.commanders))
        if item.ours and names.count(item.commanders[0]) > (0 if before else 1):
            others.append(f"{_SECOND} {item.commanders[0]}")
        found += [f"{name} publishes on {item.topic}" for name in others]
    return ", ".join(found)


class NamelessPublishers:
    """Leaves out publishers whose node may yet get a name: the graph learns of the two one after the other."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, ...], float] = {}

    def without_young(self, publishers: Mapping[str, Sequence[Publisher]], now: float) -> dict[str, list[Publisher]]:
        """The publishers by topic, less those that have been without a name for a short time only.

        Args:
            publishers: topic -> its publishers.
            now: s on the steady clock.
        """
        nameless = {each.gid for found in publishers.values() for each in found if each.node == NAMELESS}
        self._since = {gid: self._since.get(gid, now) for gid in nameless}
        young = {gid for gid, since in self._since.items() if now - since < _LEASE}
        return {topic: [each for each in found if each.gid not in young] for topic, found in publishers.items()}


class CommanderWatch:
    """Looks for other commanders: once before this node publishes, then all the time.

    Args:
        node: owner.
        guarded: the topics.
    """

    def __init__(self, node: Node, guarded: Sequence[Guarded]) -> None:
        self._node, self._guarded, self._created = node, guarded, time.monotonic()
        self._told = ""
        self._nameless = NamelessPublishers()
        self._repeated = RepeatedPublishers()

    def refuse_others(self, discovery: float) -> None:
        """Wait for a predecessor that is still in the graph to leave it, then demand to be alone.

        Args:
            discovery: how long this object must be there before nobody else is, s.

        Raises:
            HumeError: somebody else commands this robot.
        """
        begun = time.monotonic()
        while True:
            others = foreign(self._guarded, _names(self._publishers()), before=True)
            now = time.monotonic()
            if now - begun >= _LEASE if _may_change(others) else now - self._created >= discovery:
                break
            time.sleep(_POLL)
        if others:
            raise HumeError(
                f"somebody else commands this robot: {others}. Stop that node, or give each robot its own namespace"
            )

    def start(self, on_change: Callable[[str], None]) -> None:
        """Watch from now on. `on_change` is called with the text of `foreign` when it changes, from the spin thread."""
        self._on_change = on_change
        self._timer = steady_timer(self._node, _PERIOD, self._look)

    def close(self) -> None:
        """Stop watching."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        now = time.monotonic()
        publishers = self._nameless.without_young(self._publishers(), now)
        text = foreign(self._guarded, _names(publishers))
        if text != self._told:
            self._told = text
            self._on_change(text)
        self._warn_of_repeated(publishers, now)

    def _warn_of_repeated(self, publishers: Mapping[str, Sequence[Publisher]], now: float) -> None:
        """Two processes of one node: both belong to the stack, but their chunks would follow on each other's."""
        single = {item.topic: publishers[item.topic] for item in self._guarded if len(item.commanders) == 1}
        repeated = repeated_text(self._repeated.update(single, now))
        if repeated:
            self._node.get_logger().warning(
                f"{repeated}. Stop all but one, or give each robot its own namespace",
                throttle_duration_sec=_WARN_PERIOD,
            )

    def _publishers(self) -> dict[str, list[Publisher]]:
        return {item.topic: publishers_of(self._node, item.topic) for item in self._guarded}


def _names(publishers: Mapping[str, Sequence[Publisher]]) -> dict[str, list[str]]:
    return {topic: [publisher.node for publisher in found] for topic, found in publishers.items()}


def _may_change(others: str) -> bool:
    """Whether somebody may yet go, or get a name."""
    return f"{_SECOND} " in others or NAMELESS in others
