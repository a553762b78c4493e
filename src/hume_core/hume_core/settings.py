"""One declaration per setting: type, default, unit, range, choices and help stand once, in a frozen dataclass.

    @dataclass(frozen=True)
    class CameraSettings:
        rate: float = setting(30.0, "Rate of every camera.", unit="Hz", low=0.1, high=120.0)

ROS parameters, launch arguments, command-line options, checks of YAML files and the tables of the documentation are
made from it. The type is the field's annotation: float, int, bool, str, tuple[float, float] (lowest and highest),
tuple[str, ...], or one of these or None. A field may also hold another settings class, whose settings then count as the
outer one's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from hume_core.errors import ConfigError
from hume_core.texts import shown

_Class = TypeVar("_Class")
_PAIR = tuple[float, float]
_TEXTS = tuple[str, ...]
_KEY = "setting"
_KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "text", _PAIR: "two numbers"}
FORMER_NAMES = {"compile": "engine"}
"""Settings that had another name in an earlier version: that name, and today's."""

_SWITCH = {"true": True, "on": True, "false": False, "off": False}


@dataclass(frozen=True)
class Setting:
    """What is known about one setting.

    Attributes:
        help: what it means, a sentence.
        default: value where nothing is set.
        unit: of a number, such as "rad/s". Empty: none.
        low, high: inclusive range of a number, or of both numbers of a pair. None: open. Infinity is valid only where
            it is a bound itself.
        choices: valid texts. Empty: any.
        read_only: cannot be changed while a node runs.
        given_by: what sets it in place of a ROS parameter, such as "robot profile". Empty: it is a parameter.
        policy: may stand in a policy file.
        name: the field's name. `declared` fills it in, as it does with the next two.
        kind: type without None.
        optional: may be None.
    """

    help: str
    default: Any = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = True
    given_by: str = ""
    policy: bool = False
    name: str = ""
    kind: Any = None
    optional: bool = False

    @property
    def valid(self) -> str:
        """What it takes, in words, such as "a number from 0.1 to 60 s"."""
        if self.choices:
            return " or ".join(self.choices)
        order = ", the lower one first" if self.kind == _PAIR else ""
        return _KINDS.get(self.kind, "texts") + self._range() + (f" {self.unit}" if self.unit else "") + order

    def _range(self) -> str:
        if self.high == math.inf:
            return " or inf"
        low = "" if self.low is None else f" from {_plain(self.low)}"
        high = "" if self.high is None else f" to {_plain(self.high)}"
        return low + high or (" in" if self.unit else "")

    def admits(self, value: Any) -> bool:
        """Whether a value of the right type is in the range or among the choices."""
        if isinstance(value, bool):
            return True
        if isinstance(value, str):
            return not self.choices or value in self.choices
        if isinstance(value, tuple):
            return all(map(self.admits, value)) and (self.kind != _PAIR or value[0] <= value[1])
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return low <= value <= high and (math.isfinite(value) or value in (self.low, self.high))


_Part = Setting | tuple[Setting, ...]


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    read_only: bool = True,
    given_by: str = "",
    policy: bool = False,
) -> Any:
    """A dataclass field that carries its declaration. See `Setting`."""
    return same_as(Setting(help, default, unit, low, high, tuple(choices), read_only, given_by, policy))


def same_as(item: Setting, **changes: Any) -> Any:
    """A dataclass field for a setting that is declared elsewhere.

    Args:
        item: the other declaration.
        changes: what differs here, such as `default=None`.
    """
    item = replace(item, **changes)
    return field(default=item.default, metadata={_KEY: item})


def declared(cls: type) -> tuple[Setting, ...]:
    """The settings of a class in order, those of inner classes in their place.

    Raises:
        TypeError: a field is not declared with `setting`.
    """
    return tuple(item for part in _parts(cls).values() for item in (part if isinstance(part, tuple) else (part,)))


def find(cls: type, name: str) -> Setting:
    """One setting of a class.

    Raises:
        KeyError: there is none of that name.
    """
    return {item.name: item for item in declared(cls)}[name]


def build(cls: type[_Class], value_of: Callable[[Setting], Any]) -> _Class:
    """An instance, and those of its inner classes, from a function that gives each value.

    Args:
        cls: settings class.
        value_of: asked for every setting that is not `given_by` something else.

    Raises:
        ConfigError: a value is wrong.
    """
    hints = get_type_hints(cls)
    return cls(
        **{
            name: value_of(part) if isinstance(part, Setting) else build(hints[name], value_of)
            for name, part in _parts(cls).items()
            if not (isinstance(part, Setting) and part.given_by)
        }
    )


def check(instance: Any, where: str = "setting") -> None:
    """Check the values of a settings class. Inner classes check themselves.

    Raises:
        ConfigError: names field, value, what is valid, and the unit.
    """
    for name, part in _parts(type(instance)).items():
        if isinstance(part, Setting):
            check_value(part, getattr(instance, name), where)


def check_value(item: Setting, value: Any, where: str = "setting") -> Any:
    """The value in the setting's type: whole numbers become floats where those are wanted, lists become tuples.

    Args:
        item: the declaration.
        value: as it was read.
        where: begins the message, such as "launch argument".

    Raises:
        ConfigError: names field, value, what is valid, and the unit.
    """
    if value is None and item.optional:
        return None
    converted = _converted(item.kind, value)
    if converted is None or not item.admits(converted):
        raise ConfigError(f"{where} '{item.name}' is {shown(value)}. Valid: {item.valid}")
    return converted


def former_name(name: str) -> str:
    """What to say about a name that a setting had in an earlier version. Empty: none had."""
    return f"It is called '{FORMER_NAMES[name]}' now. " if name in FORMER_NAMES else ""


def parse_text(item: Setting, text: str, where: str = "setting") -> Any:
    """The value that a text stands for. The empty text is None for a setting that may be None.

    Raises:
        ConfigError: as `check_value`.
    """
    if item.optional and not text:
        return None
    return check_value(item, _parsed(item.kind, text), where)


def markdown_table(cls: type, heading: str = "parameter", prefix: str = "") -> str:
    """The settings of a class as a table: name, default, what is valid, meaning.

    Args:
        cls: settings class. What is `given_by` something else is left out.
        heading: of the first column.
        prefix: of every name.
    """
    rows = [f"| {heading} | default | valid | meaning |", "| --- | --- | --- | --- |"]
    for item in declared(cls):
        if not item.given_by:
            text = item.help.replace("|", "\\|")
            rows.append(f"| `{prefix}{item.name}` | {_default_text(item)} | {item.valid} | {text} |")
    return "\n".join(rows)


def _parts(cls: type) -> Mapping[str, _Part]:
    """Each field's setting, or the settings of the class that it holds."""
    # For mypy an instance's hash is also that of its class.
    return _read_parts(cast(Hashable, cls))


@cache
def _read_parts(cls: Any) -> Mapping[str, _Part]:
    hints = get_type_hints(cls)
    return {item.name: _part(cls, item, hints[item.name]) for item in fields(cls)}


def _part(cls: type, item: Field[Any], hint: Any) -> _Part:
    if isinstance(hint, type) and is_dataclass(hint):
        return declared(hint)
    if _KEY not in item.metadata:
        raise TypeError(f"field '{item.name}' of {cls.__name__} is not declared with setting()")
    union = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (kind,) = (part for part in union if part is not NoneType)
    declaration: Setting = item.metadata[_KEY]
    return replace(declaration, name=item.name, kind=kind, optional=NoneType in union)


def _converted(kind: Any, value: Any) -> Any:
    """The value in its type. None: it cannot be."""
    if kind in (float, int):
        # For Python True is a number. In a configuration it is a mistake.
        right = isinstance(value, Real if kind is float else Integral) and not isinstance(value, bool)
        return kind(value) if right else None
    if kind in (bool, str):
        return value if isinstance(value, kind) else None
    if kind not in (_PAIR, _TEXTS):
        raise TypeError(f"settings cannot be of type {kind}")
    if isinstance(value, str) or not isinstance(value, Sequence) or (kind == _PAIR and len(value) != 2):
        return None
    parts = tuple(_converted(get_args(kind)[0], part) for part in value)
    return None if None in parts else parts


def _parsed(kind: Any, text: str) -> Any:
    """The value of a text. The text itself where it stands for none, which no check lets pass."""
    try:
        if kind is bool:
            return _SWITCH.get(text.lower(), text)
        if kind in (float, int):
            return kind(text)
        if kind == _PAIR:
            return tuple(float(part) for part in text.strip("[] ").split(","))
        if kind == _TEXTS:
            return tuple(part.strip() for part in text.strip("[] ").split(",") if part.strip())
    except ValueError:
        pass
    return text


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _default_text(item: Setting) -> str:
    if item.default is None or item.default == "":
        return "unset"
    if isinstance(item.default, bool):
        return f"`{str(item.default).lower()}`"
    if isinstance(item.default, tuple):
        return f"`[{', '.join(map(str, item.default))}]`"
    return f"`{item.default}`"
