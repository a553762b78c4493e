"""Every action space there is. A new one is added here, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hume_core.action_spaces.base import ActionSpace
from hume_core.action_spaces.ee_delta import EeDelta
from hume_core.action_spaces.ee_pose import EePose
from hume_core.action_spaces.joint_delta import JointDelta
from hume_core.action_spaces.joint_position import JointPosition
from hume_core.errors import ActionSpaceError

_SPACES: tuple[type[ActionSpace], ...] = (
    JointPosition,
    JointDelta,
    EeDelta,
    EePose,
)

ACTION_SPACES: Mapping[str, type[ActionSpace]] = MappingProxyType({space.name: space for space in _SPACES})
"""Name -> class."""

_BETWEEN_ARMS, _AFTER_ARM = ",", "="


def find_action_space(name: str) -> type[ActionSpace]:
    """The action space called `name`. Call it with `Conventions` to make one.

    Raises:
        ActionSpaceError: unknown name. Lists the valid ones.
    """
    if name not in ACTION_SPACES:
        raise ActionSpaceError(f"action space '{name}' is unknown. Valid: {', '.join(ACTION_SPACES)}")
    return ACTION_SPACES[name]


def describe_spaces(spaces: Mapping[str, ActionSpace]) -> str:
    """One text for the spaces of all arms: the name where there is one arm, else `left=ee_delta,right=joint_delta`."""
    if len(spaces) == 1:
        return next(space.name for space in spaces.values())
    return _BETWEEN_ARMS.join(f"{arm}{_AFTER_ARM}{space.name}" for arm, space in spaces.items())


def check_described_spaces(text: str) -> None:
    """Refuse a text of `describe_spaces` that names a space there is not, as in a message from elsewhere.

    Raises:
        ActionSpaceError: unknown name. Lists the valid ones.
    """
    for part in text.split(_BETWEEN_ARMS):
        find_action_space(part.rpartition(_AFTER_ARM)[2])
