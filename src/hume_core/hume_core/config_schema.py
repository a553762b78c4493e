"""Type and range checks of configuration fields; every error names the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hume_core.config_fields import COUNTS, KNOWN, LARGEST, NUMBERS, REQUIRED, SHARES, SUPPORTED, SWITCHES
from hume_core.errors import ConfigError
from hume_core.texts import shortened, shown

_LARGEST_SIZE = 16_384
_MOST_CAMERAS = 32
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
    if base == "float" and _is_number(value):
        return value
    raise _type_error(name, value, {"int": "an integer", "float": "a number", "bool": "true or false"}.get(base, base))


def _type_error(name: str, value: Any, expected: str) -> ConfigError:
    return ConfigError(f"config field '{name}' must be {expected}; found {type(value).__name__} {shown(value)}")


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
            raise ConfigError(f"config field '{where}.type' is {shown(item['type'])}; valid: VISUAL, STATE, ACTION")
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
            raise ConfigError(f"unknown config field '{where}'; valid fields: {', '.join(sorted(KNOWN[name]))}")
        else:
            _check_field(where, key, item)
    _check_heads(name, result)
    return result


def _check_field(where: str, key: str, item: Any) -> None:
    """One field of a section that may stand in it."""
    if key in LARGEST and not _is_size(item, LARGEST[key]):
        raise _type_error(where, item, f"a whole number from 1 to {LARGEST[key]}")
    if key in NUMBERS and not (_is_number(item) and item > 0):
        raise _type_error(where, item, "a number above 0")
    if key in SHARES and not (_is_number(item) and 0 <= item < 1):
        raise _type_error(where, item, "a number from 0 to below 1")
    if key in SWITCHES and not isinstance(item, bool):
        raise _type_error(where, item, "true or false")
    if key in SUPPORTED and not any(item == valid and type(item) is type(valid) for valid in SUPPORTED[key]):
        valid = ", ".join(repr(choice) for choice in SUPPORTED[key])
        raise ConfigError(f"config field '{where}' is {shown(item)}; only {valid} is supported")


def _check_heads(name: str, section: Mapping[str, Any]) -> None:
    """Sizes that must divide each other; a section without heads has nothing to check."""
    heads = section.get("num_attention_heads")
    if heads is None:
        return
    if name in _TOWERS:
        whole, of = "hidden_size", section["hidden_size"] % heads
    else:
        whole, of = "num_attention_heads", heads % section.get("num_key_value_heads", 1)
        if section.get("head_dim", 2) % 2:
            raise ConfigError(f"config field '{name}.head_dim' is {section['head_dim']}; it must be even")
    if of:
        divisor = "num_attention_heads" if name in _TOWERS else "num_key_value_heads"
        raise ConfigError(
            f"config field '{name}.{whole}' is {section[whole]}; it must be a multiple of {divisor}, {section[divisor]}"
        )


def check_range(config: Any) -> None:
    """Check values that only make sense together.

    Raises:
        ConfigError: naming the field, the value found and what is valid.
    """
    for name, largest in COUNTS.items():
        if getattr(config, name) < 1:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}; it must be at least 1")
        if getattr(config, name) > largest:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}; it must be at most {largest}")
    if not all(1 <= side <= LARGEST["image_size"] for side in config.resize_imgs_with_padding):
        raise ConfigError(
            f"config field 'resize_imgs_with_padding' is {list(config.resize_imgs_with_padding)}; valid: width and "
            f"height from 1 to {LARGEST['image_size']}"
        )
    for name in ("s1_chunk_size", "vqh_chunk_size"):
        if getattr(config, name) > config.s2_chunk_size:
            raise ConfigError(
                f"config field '{name}' is {getattr(config, name)}; it may not exceed s2_chunk_size, "
                f"{config.s2_chunk_size}"
            )
    for name in ("theta1", "theta2"):
        if not 0.0 < getattr(config, name) <= 1.0:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}; it must be above 0 and at most 1")
    if not 0.0 <= config.value_temperature < math.inf:
        raise ConfigError(f"config field 'value_temperature' is {config.value_temperature}; it must be at least 0")
    _check_choices(config)
    _check_features(config)
    _check_stacks(config)


def _check_choices(config: Any) -> None:
    choices = {
        "patch_stem": ("patch", "conv"),
        "state_history_order": ("oldest_first", "newest_first"),
        "s1_origin": ("anchor", "newest_state"),
    }
    for name, valid in choices.items():
        if getattr(config, name) not in valid:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)!r}; valid: {', '.join(valid)}")
    for name in ("adapt_to_pi_aloha", "use_delta_joint_actions_aloha"):
        if getattr(config, name):
            raise ConfigError(f"config field '{name}' is true; only false is supported")
    for kind, mode in config.normalization_mapping.items():
        modes = ("IDENTITY",) if kind == "VISUAL" else ("MEAN_STD", "IDENTITY")
        if mode not in modes:
            raise ConfigError(f"config field 'normalization_mapping.{kind}' is {mode!r}; valid: {', '.join(modes)}")


def _check_features(config: Any) -> None:
    for section, key, limit in (
        ("input_features", "observation.state", "max_state_dim"),
        ("output_features", "action", "max_action_dim"),
    ):
        feature = getattr(config, section).get(key)
        if feature is None:
            raise ConfigError(f"config field '{section}' has no '{key}'")
        if feature.shape[-1] > getattr(config, limit):
            raise ConfigError(
                f"config field '{section}.{key}' has {feature.shape[-1]} numbers; '{limit}' allows "
                f"{getattr(config, limit)}"
            )
    if not config.camera_keys:
        raise ConfigError("config field 'input_features' has no VISUAL feature; at least one camera is needed")
    if not 0 <= config.empty_cameras <= _MOST_CAMERAS or len(config.camera_keys) > _MOST_CAMERAS:
        raise ConfigError(
            f"config has {len(config.camera_keys)} cameras and 'empty_cameras' is {config.empty_cameras}; valid: 0 to "
            f"{_MOST_CAMERAS}"
        )


def _check_stacks(config: Any) -> None:
    text = config.paligemma_config["text_config"]
    expert = config.gemma_expert_config
    for name in ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"):
        default = {"num_key_value_heads": 1, "head_dim": 256}.get(name)
        if text.get(name, default) != expert.get(name, default):
            raise ConfigError(
                f"config field 'gemma_expert_config.{name}' is {expert.get(name, default)}; it must equal "
                f"'paligemma_config.text_config.{name}', {text.get(name, default)}"
            )
    for width, section in (
        ("proj_width", "gemma_expert_config"),
        ("s1_proj_width", "s1_gemma_expert_config"),
    ):
        hidden = getattr(config, section)["hidden_size"]
        if getattr(config, width) != hidden:
            raise ConfigError(
                f"config field '{width}' is {getattr(config, width)}; it must equal '{section}.hidden_size', {hidden}"
            )
