"""Type and range checks of single configuration fields. Every error names the field."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from hume_core.config_fields import (
    KNOWN,
    LARGEST,
    NUMBERS,
    REQUIRED,
    SHARES,
    SUPPORTED,
    SUPPORTED_IN,
    SWITCHES,
    WITHOUT_EFFECT,
)
from hume_core.errors import ConfigError
from hume_core.texts import did_you_mean, shortened, shown

_LARGEST_SIZE = 16_384
_ROPE = ("rope_theta", "rope_type")
_TOWERS = ("paligemma_config.vision_config", "s1_dino_config")


def parse_value(name: str, value: Any, annotation: str) -> Any:
    """Check one plain value against the annotation of its dataclass field.

    Raises:
        ConfigError: the type is wrong.
    """
    if "None" in annotation and value is None:
        return None
    base = annotation.replace(" | None", "")
    if base.startswith("tuple"):
        parts = base.removeprefix("tuple[").removesuffix("]").split(", ")
        if not isinstance(value, list | tuple) or len(value) != len(parts):
            raise _type_error(name, value, f"a list of {len(parts)} numbers")
        return tuple(parse_value(name, item, part) for item, part in zip(value, parts, strict=True))
    if base.startswith("dict"):
        if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
            raise _type_error(name, value, "an object of strings")
        return dict(value)
    if base == "bool" and isinstance(value, bool):
        return value
    if base == "str" and isinstance(value, str):
        return value
    if base == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if base == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _type_error(name, value, {"int": "an integer", "float": "a number", "bool": "true or false"}.get(base, base))


def _type_error(name: str, value: Any, expected: str) -> ConfigError:
    return ConfigError(f"config field '{name}' must be {expected}. Found {type(value).__name__} {shown(value)}")


def parse_features(name: str, value: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Check ``input_features`` or ``output_features``: key -> (type, shape)."""
    if not isinstance(value, Mapping):
        raise _type_error(name, value, "an object of features")
    result = {}
    for key, item in value.items():
        where = f"{name}.{shortened(key)}"
        if not isinstance(item, Mapping) or set(item) != {"type", "shape"}:
            raise _type_error(where, item, "an object with 'type' and 'shape'")
        if item["type"] not in ("VISUAL", "STATE", "ACTION", "ENV"):
            raise ConfigError(f"config field '{where}.type' is {shown(item['type'])}. Valid: VISUAL, STATE, ACTION")
        shape = item["shape"]
        if not isinstance(shape, list | tuple) or not all(_is_size(size) for size in shape) or not shape:
            raise _type_error(f"{where}.shape", shape, f"a list of whole numbers from 1 to {_LARGEST_SIZE}")
        result[key] = (item["type"], tuple(shape))
    return result


def _is_size(value: Any, largest: int = _LARGEST_SIZE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def parse_section(name: str, value: Any) -> dict[str, Any]:
    """Check the configuration of one transformer: required sizes, known fields, supported variants."""
    if not isinstance(value, Mapping):
        raise _type_error(name, value, "an object")
    for key in REQUIRED[name]:
        if key not in value:
            raise ConfigError(f"config field '{name}.{key}' is missing")
    result = dict(value)
    for key, item in value.items():
        where = f"{name}.{shortened(key)}"
        if where in REQUIRED:
            result[key] = parse_section(where, item)
        elif key not in KNOWN[name] and not key.startswith("_"):
            raise unknown_field(where, key, KNOWN[name] - WITHOUT_EFFECT)
        else:
            _check_field(where, key, item)
            _check_supported(where, item, (SUPPORTED | SUPPORTED_IN[name]).get(key))
    _check_heads(name, result)
    if (result.get("rope_parameters") or {}).get("rope_theta", rope_theta(result)) != rope_theta(result):
        raise ConfigError(
            f"config field '{name}.rope_theta' is {result['rope_theta']}. 'rope_parameters' says "
            f"{result['rope_parameters']['rope_theta']}"
        )
    return result


def unknown_field(where: str, key: str, valid: Collection[str]) -> ConfigError:
    """A field that nobody knows: it might change a number, so it is not passed over."""
    near = did_you_mean(key, sorted(valid))
    return ConfigError(f"unknown config field '{where}'. Valid fields: {', '.join(sorted(valid))}{near}")


def _check_field(where: str, key: str, item: Any) -> None:
    """Type and range of one field of a section that may stand in it."""
    if key in LARGEST and not _is_size(item, LARGEST[key]):
        raise _type_error(where, item, f"a whole number from 1 to {LARGEST[key]}")
    if key in NUMBERS and not (_is_number(item) and item > 0):
        raise _type_error(where, item, "a number above 0")
    if key in SHARES and not (_is_number(item) and 0 <= item < 1):
        raise _type_error(where, item, "a number from 0 to below 1")
    if key in SWITCHES and not isinstance(item, bool):
        raise _type_error(where, item, "true or false")
    if key == "rope_parameters" and item is not None:
        _check_rope(where, item)


def _check_supported(where: str, item: Any, choices: tuple[Any, ...] | None) -> None:
    """A field whose other values would change numbers in a way that is not built."""
    if choices is None or any(item == choice and type(item) is type(choice) for choice in choices):
        return
    valid = ", ".join(repr(choice) for choice in choices)
    raise ConfigError(f"config field '{where}' is {shown(item)}. Only {valid} is supported")


def _check_rope(where: str, item: Any) -> None:
    """What transformers 5 writes instead of `rope_theta` and `rope_scaling`."""
    if not isinstance(item, Mapping):
        raise _type_error(where, item, "an object")
    for key, value in item.items():
        if key not in _ROPE:
            raise unknown_field(f"{where}.{shortened(key)}", key, _ROPE)
        if key == "rope_theta":
            _check_field(f"{where}.{key}", key, value)
        else:
            _check_supported(f"{where}.{key}", value, ("default",))


def rope_theta(section: Mapping[str, Any]) -> float | None:
    """Base of the rotary angles of a Gemma section, under either name. None where it does not say."""
    inner = section.get("rope_parameters") or {}
    found: float | None = section.get("rope_theta", inner.get("rope_theta"))
    return found


def _check_heads(name: str, section: Mapping[str, Any]) -> None:
    """Sizes that must divide each other. A section without heads has nothing to check."""
    heads = section.get("num_attention_heads")
    if heads is None:
        return
    if name in _TOWERS:
        whole, of = "hidden_size", section["hidden_size"] % heads
    else:
        whole, of = "num_attention_heads", heads % section.get("num_key_value_heads", 1)
        if section.get("head_dim", 2) % 2:
            raise ConfigError(f"config field '{name}.head_dim' is {section['head_dim']}. It must be even")
    if of:
        divisor = "num_attention_heads" if name in _TOWERS else "num_key_value_heads"
        raise ConfigError(
            f"config field '{name}.{whole}' is {section[whole]}. It must be a multiple of {divisor}, {section[divisor]}"
        )
