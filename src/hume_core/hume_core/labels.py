"""What an operator says of an episode."""

from __future__ import annotations

import enum

TOPIC = "hume/label"
"""`std_msgs/String`: one of the values of `Label`. It is about the newest task that was begun before."""


class Label(enum.Enum):
    """How an episode went, in the eyes of an operator."""

    SUCCESS = "success"
    FAILURE = "failure"
    DISCARD = "discard"  # nothing to learn from it: it is left out of datasets
