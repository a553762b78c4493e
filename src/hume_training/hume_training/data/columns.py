"""What the names of a dataset's numbers say of them: a joint, a gripper, a number of the tool's pose, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from hume_core.texts import shortened


class Kind(Enum):
    """What a number of a dataset is."""

    JOINT = "joint position"
    VELOCITY = "joint velocity"
    GRIPPER = "gripper"
    POSITION = "tool position"
    ROTATION_VECTOR = "rotation vector of the tool"
    RPY = "roll, pitch, yaw of the tool"
    QUATERNION = "quaternion of the tool"
    PADDING = "padding"
    OTHER = "neither joint, gripper nor tool"
    UNKNOWN = "not said"

    @property
    def is_rotation(self) -> bool:
        """Whether it turns the tool."""
        return self in (Kind.ROTATION_VECTOR, Kind.RPY, Kind.QUATERNION)

    @property
    def is_tool(self) -> bool:
        """Whether it is a number of the tool's pose."""
        return self is Kind.POSITION or self.is_rotation


@dataclass(frozen=True)
class Column:
    """One number of a dataset's states or actions.

    Attributes:
        name: without what the name says of unit and quantity. Of a joint, as a robot calls it.
        kind: what it is.
        side: "left", "right" or empty.
        unit: "rad", "deg" or empty: the name does not say.
        scalar: the number w of a quaternion.
        form: of a gripper, see `hume_core.state.kinds.GripperForm`. Empty: the name does not say.
    """

    name: str
    kind: Kind
    side: str = ""
    unit: str = ""
    scalar: bool = False
    form: str = ""


_SIDES = ("left", "right")
_UNITS = {"rad": "rad", "radian": "rad", "radians": "rad", "deg": "deg", "degree": "deg", "degrees": "deg"}
_UNIT = re.compile(rf"[\s._/(\[-]+({'|'.join(sorted(_UNITS, key=len, reverse=True))})[\])]*$", re.IGNORECASE)
_POSITION = re.compile(r"[._/]+(pos|position|qpos)$", re.IGNORECASE)
_VELOCITY = re.compile(r"[._/]+(vel|velocity|qvel)$", re.IGNORECASE)
_FORM = re.compile(r"[._/]+(opening|closedness|percent)$", re.IGNORECASE)
_GRIPPER = ("gripper", "finger", "jaw", "claw")
_OTHER = {
    "effort", "torque", "current", "force", "temperature", "terminate", "done", "success", "reward", "timestamp",
    "mode", "base", "wheel",
}  # fmt: skip
_PADDING = {"pad", "padding", "zero", "unused"}
_SAYS_NOTHING = {
    "motor", "motors", "action", "actions", "act", "state", "states", "dim", "value", "values", "val", "index", "idx",
    "feature", "channel", "ch", "a", "s", "observation", "obs", "robot", "number", "column", "col", "element",
}  # fmt: skip
_ABOUT_THE_TOOL = {"ee", "eef", "tcp", "tool", "end", "effector", "delta", "target", "cartesian", "arm", "robot"}
_AXES = {
    **dict.fromkeys(("x", "y", "z", "dx", "dy", "dz"), Kind.POSITION),
    **dict.fromkeys(("roll", "pitch", "yaw", "droll", "dpitch", "dyaw"), Kind.RPY),
    **dict.fromkeys(("rx", "ry", "rz", "drx", "dry", "drz"), Kind.ROTATION_VECTOR),
    **dict.fromkeys(("qx", "qy", "qz", "qw", "rw", "w"), Kind.QUATERNION),
}
_QUANTITIES = {
    **dict.fromkeys(("pos", "position", "trans", "translation", "xyz"), Kind.POSITION),
    **dict.fromkeys(("rotvec", "axisangle"), Kind.ROTATION_VECTOR),
    **dict.fromkeys(("euler", "rpy"), Kind.RPY),
    **dict.fromkeys(("quat", "quaternion"), Kind.QUATERNION),
}


def flat_names(listed: Any, size: int) -> tuple[str, ...]:
    """Names of a vector's numbers from `names` of `info.json`. Empty where they are not one for each number.

    Args:
        listed: a list, lists within a list, or such lists below keys like `motors` or `axes`.
        size: of the vector.
    """
    names = tuple(_strings(listed, 0))
    return tuple(shortened(name) for name in names) if len(names) == size else ()


def _strings(listed: Any, depth: int) -> Iterator[str]:
    if isinstance(listed, str):
        yield listed
    elif isinstance(listed, list | dict) and depth < 4:
        for part in listed.values() if isinstance(listed, dict) else listed:
            yield from _strings(part, depth + 1)


def read_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """What each name says."""
    columns = [_column(name) for name in names]
    for i, column in enumerate(columns):
        # rx, ry, rz beside rw are no rotation vector.
        if column.scalar:
            for k in (*range(max(0, i - 3), i), *range(i + 1, min(len(columns), i + 4))):
                if columns[k].kind is Kind.ROTATION_VECTOR and columns[k].side == column.side:
                    columns[k] = replace(columns[k], kind=Kind.QUATERNION)
    return tuple(columns)


def _column(name: str) -> Column:
    unit = _UNIT.search(name)
    plain = name[: unit.start()] if unit else name
    said = "" if unit is None else _UNITS[unit[1].lower()]
    words = re.findall(r"[a-z]+|\d+", plain.lower())
    side = next((word for word in words if word in _SIDES), "")
    tool = _tool_kind([word for word in words if word not in _SIDES])
    if tool is not None:
        return Column(plain, tool, side, said, words[-1] in ("w", "qw", "rw"))
    if _VELOCITY.search(plain):
        return Column(_VELOCITY.sub("", plain), Kind.VELOCITY, side, said)
    kind = _kind(words)
    form = _FORM.search(plain) if kind is Kind.GRIPPER else None
    if form is not None:
        return Column(plain[: form.start()], kind, side, said, form=form[1].lower())
    return Column(_POSITION.sub("", plain), kind, side, said)


def _kind(words: Sequence[str]) -> Kind:
    """Of what is no number of the tool's pose and no velocity."""
    if any(part in word for word in words for part in _GRIPPER):
        return Kind.GRIPPER
    spoken = {word for word in words if not word.isdigit()} - {*_SIDES, "pos", "position", "qpos"}
    if spoken <= _SAYS_NOTHING:
        return Kind.UNKNOWN
    if spoken <= _PADDING | _SAYS_NOTHING:
        return Kind.PADDING
    return Kind.OTHER if spoken & _OTHER else Kind.JOINT


def _tool_kind(words: Sequence[str]) -> Kind | None:
    """Of a number of the tool's pose, named by axis or by quantity and axis. None: it is something else."""
    last = words[-1] if words else ""
    core = [word for word in words[:-1] if word not in _ABOUT_THE_TOOL and not word.isdigit()]
    if not core:
        return _AXES.get(last)
    quantity = _QUANTITIES.get("".join(core)) or _QUANTITIES.get(core[0])
    return quantity if last.isdigit() or last in _AXES else None
