"""The sections of a robot profile that say what else stops the arm: a dead-man switch, states of the driver."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr

from hume_core.field_types import Name, Positive
from hume_core.robot_sections import Section

_TYPE = re.compile(r"([a-z]\w*)/(?:msg/)?([A-Z]\w*)")


def _message_type(text: str) -> str:
    found = _TYPE.fullmatch(text)
    if found is None:
        raise ValueError("a message type is written as package/msg/Name, such as std_msgs/msg/Bool")
    return f"{found[1]}/msg/{found[2]}"


MessageType = Annotated[str, AfterValidator(_message_type)]
Value = StrictBool | StrictInt | StrictStr


class DeadMan(Section):
    """An input that somebody holds while the arm may move. Letting go is an emergency stop.

    Attributes:
        topic: of `std_msgs/Bool`. True: held. It has to be published all the time.
        timeout: longest silence that still counts as held, s.
    """

    topic: Name
    timeout: Annotated[Positive, Field(ge=0.02, le=10.0)] = 0.25


class StopState(Section):
    """A message of the driver that tells whether the hardware has stopped the arm. Any other value is a stop.

    Attributes:
        topic: where the driver publishes it.
        type: of the message, such as `ur_dashboard_msgs/msg/SafetyMode`.
        field: of the message. Dots lead to inner fields.
        normal: values of the field with which the arm may move.
    """

    topic: Name
    type: MessageType
    field: Name = "data"
    normal: Annotated[tuple[Value, ...], Field(min_length=1)]
