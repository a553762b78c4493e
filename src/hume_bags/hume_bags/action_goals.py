"""Goals of actions in a bag.

A bag holds them where service introspection was on while it was recorded: then each goal is an event on a hidden topic
of the action.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from action_msgs.msg import GoalStatus

from hume_bags.reader import BagMessage, BagReader
from hume_bags.topics import goal_events, goal_status

_STOPPED = (GoalStatus.STATUS_CANCELING, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)
# `event_type` of service_msgs/ServiceEventInfo, a package that Humble does not have.
_REQUEST_SENT, _REQUEST_RECEIVED, _RESPONSE_SENT = 0, 1, 2


@dataclass(frozen=True)
class RecordedGoal:
    """A goal that was sent.

    Attributes:
        time_ns: when the recorder heard of it.
        identity: id.
        goal: of the action's type.
    """

    time_ns: int
    identity: bytes
    goal: Any


def accepted_goals(reader: BagReader, action: str) -> Iterator[RecordedGoal]:
    """The goals of an action that were not refused, in the order of time."""
    topic = goal_events(action)
    events = list(reader.messages([topic])) if reader.has(topic) else []
    refused = {_call(item) for item in events for response in item.message.response if not response.accepted}
    # The events of the server are those that it acts on. Only where it gives none do those of clients count.
    of_server = any(item.message.info.event_type in (_REQUEST_RECEIVED, _RESPONSE_SENT) for item in events)
    wanted = _REQUEST_RECEIVED if of_server else _REQUEST_SENT
    for item in events:
        if item.message.info.event_type == wanted and _call(item) not in refused:
            for request in item.message.request:
                yield RecordedGoal(item.log_time_ns, bytes(request.goal_id.uuid), request.goal)


def endings(reader: BagReader, action: str) -> Iterator[tuple[int, bytes]]:
    """When each goal that was canceled or aborted was, ns, and its id."""
    topic = goal_status(action)
    seen: set[bytes] = set()
    for item in reader.messages([topic]) if reader.has(topic) else ():
        for status in item.message.status_list:
            identity = bytes(status.goal_info.goal_id.uuid)
            if status.status in _STOPPED and identity not in seen:
                seen.add(identity)
                yield item.log_time_ns, identity


def _call(item: BagMessage) -> tuple[tuple[Any, ...], int]:
    """Request and response of one call have this in common."""
    info = item.message.info
    return tuple(info.client_gid), int(info.sequence_number)
