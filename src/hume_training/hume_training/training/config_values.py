"""Values of a training's configuration, checked against the types of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hume_core.errors import ConfigError
from hume_core.texts import shown

Names = tuple[str, ...]
"""Names in order. Written as a list, or as one text separated by commas."""
Joints = int | Names
"""Names of joints, or how many there must be."""
Arms = dict[str, Names]
"""Arm -> its joints."""
Grippers = dict[str, tuple[float, ...]] | None
"""Gripper -> its numbers for closed and open, or nothing. Written as names or as a mapping. None: left out."""
Numbers = tuple[float, ...]
Parts = tuple[Any, ...]
"""Words, or mappings with more to say. Written as a list, or as one text separated by commas."""
Word = str | dict[str, Any]
"""A word, or a mapping with more to say."""

_MOST = 256


def checked_value(name: str, value: Any, kind: str) -> Any:
    """A field's value in its type.

    Args:
        name: of the field.
        value: as YAML gives it.
        kind: the field's annotation.

    Raises:
        ConfigError: it is of another type.
    """
    if kind in _READERS:
        return _READERS[kind](name, value)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "float" and isinstance(value, str):
        # YAML 1.1 reads 1e-3 as text.
        try:
            return float(value)
        except ValueError:
            pass
    valid = {"int": int, "float": float, "str": str, "bool": bool}[kind]
    if not isinstance(value, valid) or (kind != "bool" and isinstance(value, bool)):
        raise ConfigError(f"training field '{name}' is {value!r}. It must be of type {kind}")
    return value


def _wrong(name: str, value: Any, valid: str) -> ConfigError:
    return ConfigError(f"training field '{name}' is {shown(value)}. Valid: {valid}")


def _names(name: str, value: Any) -> Names:
    listed = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or len(listed) > _MOST or not all(isinstance(x, str) and x for x in listed):
        raise _wrong(name, value, f"names, as [a, b] or a,b; {_MOST} at most")
    doubled = [part for part in listed if listed.count(part) > 1]
    if doubled:
        raise _wrong(name, value, f"each name once, but '{doubled[0]}' occurs twice")
    return tuple(listed)


def _joints(name: str, value: Any) -> Joints:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST:
            raise _wrong(name, value, f"names, or how many there are, from 1 to {_MOST}")
        return value
    return _names(name, value)


def _mapping(name: str, value: Any, valid: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise _wrong(name, value, valid)
    return value


def _arms(name: str, value: Any) -> Arms:
    content = _mapping(name, value, "each arm with its joints, as {left: [a, b], right: [c, d]}")
    return {arm: _names(f"{name}.{arm}", joints) for arm, joints in content.items()}


def _grippers(name: str, value: Any) -> Grippers:
    if value is None:
        return None
    if isinstance(value, str | list | tuple):
        return dict.fromkeys(_names(name, value), ())
    content = _mapping(name, value, "names, or each gripper with its numbers, as {gripper: [CLOSED, OPEN]}")
    found = {gripper: _numbers(f"{name}.{gripper}", ends or []) for gripper, ends in content.items()}
    for gripper, ends in found.items():
        if len(ends) not in (0, 2) or (ends and ends[0] == ends[1]):
            raise _wrong(f"{name}.{gripper}", content[gripper], "[CLOSED, OPEN], two numbers that differ")
    return found


def _numbers(name: str, value: Any) -> Numbers:
    fits = isinstance(value, list | tuple) and len(value) <= _MOST
    if not fits or not all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < 1e9 for x in value):
        raise _wrong(name, value, "a list of numbers")
    return tuple(float(x) for x in value)


def _parts(name: str, value: Any) -> Parts:
    listed = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    listed = [listed] if isinstance(listed, Mapping) else listed
    if (
        not isinstance(listed, list | tuple)
        or len(listed) > _MOST
        or not all(isinstance(x, str | dict) for x in listed)
    ):
        raise _wrong(name, value, "words or mappings, as [joint_positions, {field: gripper, form: percent}]")
    return tuple(listed)


def _word(name: str, value: Any) -> Word:
    if not isinstance(value, str | dict):
        raise _wrong(name, value, "a word, or a mapping with more to say, as {type: first_order, gain: 0.5}")
    return value


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "Names": _names,
    "Joints": _joints,
    "Arms": _arms,
    "Grippers": _grippers,
    "Numbers": _numbers,
    "Parts": _parts,
    "Word": _word,
}
