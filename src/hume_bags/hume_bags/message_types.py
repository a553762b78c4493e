"""Message classes, definitions and type hashes by the name of their type, from the sourced workspaces."""

from __future__ import annotations

import importlib
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from hume_bags.errors import BagError
from hume_core.texts import shortened

_SEPARATOR = "=" * 80
_PRIMITIVE = {"float": "float32", "double": "float64", "boolean": "bool", "octet": "byte"}
_SEQUENCE = re.compile(r"sequence<(?P<item>[^,>]+(?:<\d+>)?)(?:, (?P<bound>\d+))?>")
_COMPOUND = re.compile(r"^\s*(?P<type>[A-Za-z][\w/]*)(?:\[[^\]]*\])?\s+[a-z]\w*", re.MULTILINE)
_BUILT_IN = {
    "bool", "byte", "char", "string", "wstring", "float32", "float64",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}  # fmt: skip
_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}/(msg|srv|action)/[A-Z][A-Za-z0-9_]{0,99}")
_SHORT_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}/[A-Z][A-Za-z0-9_]{0,99}")
_SERVICE_PARTS = ("Request", "Response", "Event")
_ACTION_SERVICES = {"SendGoal": "SendGoalService", "GetResult": "GetResultService"}
_ACTION_PARTS = (
    "Goal", "Result", "Feedback", "FeedbackMessage",
    *(f"{service}_{part}" for service in _ACTION_SERVICES for part in _SERVICE_PARTS),
)  # fmt: skip
_PART = re.compile(rf"(?P<owner>[A-Za-z0-9_]+?)_(?P<part>{'|'.join(_ACTION_PARTS)}|{'|'.join(_SERVICE_PARTS)})")
_FOXGLOVE = "foxglove."


def full_name(name: str) -> str:
    """The name of a type in three parts: some recorders write `sensor_msgs/Image`."""
    return _full(name, "") if _SHORT_NAME.fullmatch(name) else name


def is_ros_type(name: str) -> bool:
    """Whether ROS could have a type of this name."""
    return _TYPE_NAME.fullmatch(name) is not None


@cache
def message_class(name: str) -> Any:
    """The rclpy class of a type such as `sensor_msgs/msg/Image` or `hume_msgs/action/ExecuteTask_FeedbackMessage`.

    Parts of services and actions, as `hume_msgs/action/ExecuteTask_SendGoal_Event`, are message types too.

    Raises:
        BagError: the type is not installed.
    """
    if name.startswith(_FOXGLOVE):
        raise BagError(f"'{shortened(name)}' is a type of Foxglove, not of ROS. Record the ROS topic it was made from")
    if not is_ros_type(name):
        raise BagError(f"'{shortened(name)}' is no message type. Valid: one such as 'sensor_msgs/msg/Image'")
    package, kind, short = name.split("/")
    try:
        module = importlib.import_module(f"{package}.{kind}")
        part = _PART.fullmatch(short) if kind != "msg" else None
        if part is None:
            return getattr(module, short)
        return _part_of(getattr(module, part["owner"]), part["part"])
    except (ImportError, AttributeError) as error:
        raise BagError(f"message type '{name}' is not installed. Build and source the workspace that has it") from error


def _part_of(owner: Any, part: str) -> Any:
    """A part of a service or an action.

    Raises:
        AttributeError: it has none of that name.
    """
    if part == "FeedbackMessage":
        return owner.Impl.FeedbackMessage
    service, _, rest = part.rpartition("_")
    return getattr(getattr(owner.Impl, _ACTION_SERVICES[service]) if service else owner, rest)


@cache
def type_hash(name: str) -> str:
    """The REP 2016 hash of an installed message. Empty where the workspace does not say.

    Empty for parts of actions too: definitions have no name for those that would give the same hash.
    """
    path = _share_file(name, ".json")
    if path is None or name.split("/")[1] != "msg":
        return ""
    hashes = json.loads(path.read_text(encoding="utf-8"))["type_hashes"]
    return str(next((item["hash_string"] for item in hashes if item["type_name"] == name), ""))


def type_problem(name: str, recorded: str) -> str:
    """Why messages of a type cannot be decoded here. Empty where they can.

    Args:
        name: of the type.
        recorded: hash of the definition that they were recorded with. Empty: not known.
    """
    try:
        message_class(name)
    except BagError as error:
        return str(error)
    installed = type_hash(name)
    if recorded and installed and recorded != installed:
        return f"it was recorded with another definition of {name} than the one that is installed"
    return ""


@cache
def definition(name: str) -> str:
    """The text of a type and of everything it contains, as MCAP's encoding `ros2msg` lays it out.

    Raises:
        BagError: a type is not installed.
    """
    texts: dict[str, str] = {}
    _collect(name, texts)
    parts = [texts.pop(name)]
    parts += [f"{_SEPARATOR}\nMSG: {_short(other)}\n{text}" for other, text in texts.items()]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _collect(name: str, texts: dict[str, str]) -> None:
    if name in texts:
        return
    texts[name] = _text(name)
    package = name.split("/")[0]
    for match in _COMPOUND.finditer(re.sub(r"#.*", "", texts[name])):
        if match["type"] not in _BUILT_IN:
            _collect(_full(match["type"], package), texts)


def _text(name: str) -> str:
    path = _share_file(name, ".msg")
    if path is not None:
        return path.read_text(encoding="utf-8")
    fields = message_class(name).get_fields_and_field_types()
    return "".join(f"{_field_type(kind)} {field}\n" for field, kind in fields.items())


def _field_type(kind: str) -> str:
    """A field type as rosidl's Python classes name it, in the words of `.msg` files."""
    sequence = _SEQUENCE.fullmatch(kind)
    if sequence is not None:
        bound = f"<={sequence['bound']}" if sequence["bound"] else ""
        return f"{_field_type(sequence['item'])}[{bound}]"
    if kind.endswith("]"):
        item, _, count = kind.rpartition("[")
        return f"{_field_type(item)}[{count}"
    return _PRIMITIVE.get(kind, kind)


def _full(name: str, package: str) -> str:
    parts = name.split("/")
    if len(parts) == 1:
        return "std_msgs/msg/Header" if name == "Header" else f"{package}/msg/{name}"
    if len(parts) == 2:
        part = _PART.fullmatch(parts[1])
        kind = "msg" if part is None else "action" if part["part"] in _ACTION_PARTS else "srv"
        return f"{parts[0]}/{kind}/{parts[1]}"
    return name


def _short(name: str) -> str:
    """How definitions name a type."""
    package, _, short = name.split("/")
    return f"{package}/{short}"


def _share_file(name: str, suffix: str) -> Path | None:
    package, kind, short = [*name.split("/"), "", ""][:3]
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix) / "share" / package / kind / f"{short}{suffix}"
        if prefix and path.is_file():
            return path
    return None
