"""Which ROS arguments of a process also hold for a child process whose node is a part of the same whole.

The forms are those of https://design.ros2.org/articles/ros_command_line_arguments.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

_NODE_PREFIX = re.compile(r"([A-Za-z_]\w*):(?!//|=)")
"""Of a remapping rule. Neither the `:=` of a rule without one, nor the `rostopic://` of a rule for topics alone."""

_PRIVATE = re.compile(r"(rostopic://|rosservice://)?~")
_NAMES = ("__node", "__name", "__ns")
_ALIASES = {"-r": "--remap", "-p": "--param", "-e": "--enclave"}
_VALUED = ("--remap", "--param", "--params-file", "--log-level", "--log-config-file", "--enclave", "--log-file-name")
_SWITCHES = re.compile(r"--(enable|disable)-(rosout|stdout|external-lib)-logs")


def inherited_arguments(arguments: Sequence[str], parent: str, child: str) -> list[str]:
    """The ROS arguments of the parent's command line that the child has to get too.

    A remapped topic must be the same one for both. A rule for the parent by name is written for the child, and one for
    the child by name is kept. What names another node is left out. So are node names, namespaces and the enclave,
    which differ or are given again, and rules for private names, whose services would be there twice.

    Args:
        arguments: command line of the parent without the program. What ROS does not read is skipped.
        parent: fully qualified name of its node, such as "/left/hume_system1".
        child: name of the child's node.

    Returns:
        Arguments to stand behind `--ros-args`, in the given order.
    """
    picked: list[str] = []
    for flag, value in _ros_arguments(arguments):
        kept = _inherited(flag, value, parent, child)
        if kept is not None:
            picked += [flag, kept] if kept else [flag]
    return picked


def _ros_arguments(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Flags in their long form with their values, the empty text for those without."""
    parts = iter(arguments)
    inside = False
    for part in parts:
        if part in ("--ros-args", "--"):
            inside = part == "--ros-args"
        elif inside:
            flag = _ALIASES.get(part, part)
            if flag in _VALUED:
                yield from ((flag, value) for value in islice(parts, 1))
            else:
                yield flag, ""


def _inherited(flag: str, value: str, parent: str, child: str) -> str | None:
    """The value for the child. None: the argument is not for it."""
    if flag == "--remap":
        return _rule(value, parent, child)
    if flag == "--param":
        return _parameter(value, child)
    if flag == "--log-level":
        return _log_level(value, parent, child)
    return value if flag in ("--params-file", "--log-config-file") or _SWITCHES.fullmatch(flag) else None


def _rule(rule: str, parent: str, child: str) -> str | None:
    found = _NODE_PREFIX.match(rule)
    node = found.group(1) if found else ""
    name, _, replacement = (rule[found.end() :] if found else rule).partition(":=")
    if node not in ("", child, _base(parent)) or name in _NAMES or (node != child and _PRIVATE.match(name)):
        return None
    if replacement.startswith("~") and node != child:
        # The parent's private names. The child would read its own.
        replacement = parent + replacement[1:]
    return f"{child}:{name}:={replacement}" if node else f"{name}:={replacement}"


def _parameter(assignment: str, child: str) -> str | None:
    """Those of no node in particular too: there are some that every node has."""
    node, separator, _ = assignment.partition(":=")[0].rpartition(":")
    return assignment if not separator or _base(node) in (child, "*", "**") else None


def _log_level(setting: str, parent: str, child: str) -> str:
    logger, separator, level = setting.rpartition(":=")
    if not separator:
        return setting
    # A logger is called after its node, with dots for slashes.
    above, dot, name = logger.rpartition(".")
    return f"{above}{dot}{child if name == _base(parent) else name}:={level}"


def _base(name: str) -> str:
    return name.rpartition("/")[2]
