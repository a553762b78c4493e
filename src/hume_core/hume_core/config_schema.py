"""Type and range checks of configuration fields; every error names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hume_core.errors import ConfigError

_STACK = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_REQUIRED: dict[str, tuple[str, ...]] = {
    "paligemma_config": ("text_config", "vision_config"),
    "gemma_expert_config": _STACK,
    "s1_gemma_expert_config": _STACK,
    "s1_dino_config": ("hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size"),
    "paligemma_config.text_config": (*_STACK, "vocab_size"),
    "paligemma_config.vision_config": (*_STACK, "patch_size"),
}
_HELD = ["pad_token_id", "bos_token_id", "eos_token_id", "torch_dtype", "dtype", "transformers_version", "model_type", "architectures"]
_GEMMA = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act", "hidden_activation", "max_position_embeddings", "initializer_range", "rms_norm_eps", "use_cache", "rope_theta", "rope_scaling", "attention_bias", "attention_dropout", "num_image_tokens", "tie_word_embeddings", "use_bidirectional_attention"]
_VISION = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_channels", "image_size", "patch_size", "hidden_act", "layer_norm_eps", "attention_dropout", "num_image_tokens", "projection_dim", "projector_hidden_act", "vision_use_head", "initializer_range"]
_DINO = ["hidden_size", "num_hidden_layers", "num_attention_heads", "mlp_ratio", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "layer_norm_eps", "image_size", "patch_size", "num_channels", "qkv_bias", "layerscale_value", "drop_path_rate", "use_swiglu_ffn", "out_features", "out_indices", "apply_layernorm", "reshape_hidden_states", "use_mask_token"]
_PALIGEMMA = ["text_config", "vision_config", "hidden_size", "projection_dim", "vocab_size", "ignore_index", "image_token_index", "image_token_id", "tie_word_embeddings", "num_image_tokens"]
_KNOWN: dict[str, list[str]] = {
    "paligemma_config": _PALIGEMMA + _HELD,
    "paligemma_config.text_config": _GEMMA + _HELD,
    "paligemma_config.vision_config": _VISION + _HELD,
    "gemma_expert_config": _GEMMA + _HELD,
    "s1_gemma_expert_config": _GEMMA + _HELD,
    "s1_dino_config": _DINO + _HELD,
}
_FIXED: dict[str, tuple[Any, ...]] = {
    "attention_bias": (False,),
    "hidden_activation": ("gelu_pytorch_tanh", None),
    "rope_scaling": (None,),
    "use_swiglu_ffn": (False,),
    "num_channels": (3,),
}
_INTEGERS = frozenset({*_STACK, "vocab_size", "num_key_value_heads", "head_dim", "patch_size", "mlp_ratio"})
_NUMBERS = frozenset(
    {"rms_norm_eps", "layer_norm_eps", "rope_theta", "initializer_range", "layerscale_value"}
)


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
    raise _type_error(
        name, value, {"int": "an integer", "float": "a number", "bool": "true or false"}.get(base, base)
    )


def _type_error(name: str, value: Any, expected: str) -> ConfigError:
    return ConfigError(f"config field '{name}' must be {expected}; found {type(value).__name__} {value!r}")


def parse_features(name: str, value: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Check ``input_features`` or ``output_features``: key -> (type, shape)."""
    if not isinstance(value, Mapping):
        raise _type_error(name, value, "an object of features")
    result = {}
    for key, item in value.items():
        where = f"{name}.{key}"
        if not isinstance(item, Mapping) or set(item) != {"type", "shape"}:
            raise _type_error(where, item, "an object with 'type' and 'shape'")
        if item["type"] not in ("VISUAL", "STATE", "ACTION", "ENV"):
            raise ConfigError(
                f"config field '{where}.type' is {item['type']!r}; valid: VISUAL, STATE, ACTION"
            )
        shape = item["shape"]
        if not isinstance(shape, list | tuple) or not all(_is_size(size) for size in shape) or not shape:
            raise _type_error(f"{where}.shape", shape, "a list of positive integers")
        result[key] = (item["type"], tuple(shape))
    return result


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def parse_section(name: str, value: Any) -> dict[str, Any]:
    """Check the configuration of one transformer: required sizes, known fields, supported variants."""
    if not isinstance(value, Mapping):
        raise _type_error(name, value, "an object")
    for key in _REQUIRED[name]:
        if key not in value:
            raise ConfigError(f"config field '{name}.{key}' is missing")
    result = dict(value)
    for key, item in value.items():
        where = f"{name}.{key}"
        if where in _REQUIRED:
            result[key] = parse_section(where, item)
        elif key not in _KNOWN[name] and not key.startswith("_"):
            raise ConfigError(
                f"unknown config field '{where}'; valid fields: {', '.join(sorted(_KNOWN[name]))}"
            )
        elif key in _INTEGERS and not _is_size(item):
            raise _type_error(where, item, "a positive integer")
        elif key in _NUMBERS and (not isinstance(item, int | float) or isinstance(item, bool)):
            raise _type_error(where, item, "a number")
        elif key in _FIXED and item not in _FIXED[key]:
            raise ConfigError(f"config field '{where}' is {item!r}; only {_FIXED[key][0]!r} is supported")
    return result


def check_range(config: Any) -> None:
    """Check values that only make sense together.

    Raises:
        ConfigError: naming the field, the value found and what is valid.
    """
    for name in (
        "s1_chunk_size",
        "s2_chunk_size",
        "vqh_chunk_size",
        "num_steps",
        "s1_num_steps",
        "s1_his_state_size",
        "max_state_dim",
        "max_action_dim",
        "tokenizer_max_length",
    ):
        if getattr(config, name) < 1:
            raise ConfigError(f"config field '{name}' is {getattr(config, name)}; it must be at least 1")
    for name in ("s1_chunk_size", "vqh_chunk_size"):
        if getattr(config, name) > config.s2_chunk_size:
            raise ConfigError(
                f"config field '{name}' is {getattr(config, name)}; it may not exceed s2_chunk_size, "
                f"{config.s2_chunk_size}"
            )
    for name in ("theta1", "theta2"):
        if not 0.0 < getattr(config, name) <= 1.0:
            raise ConfigError(
                f"config field '{name}' is {getattr(config, name)}; it must be above 0 and at most 1"
            )
    _check_choices(config)
    _check_features(config)
    _check_stacks(config)


def _check_choices(config: Any) -> None:
    choices = {"patch_stem": ("patch", "conv"), "state_history_order": ("oldest_first", "newest_first")}
    for name, valid in choices.items():
        if getattr(config, name) not in valid:
            raise ConfigError(
                f"config field '{name}' is {getattr(config, name)!r}; valid: {', '.join(valid)}"
            )
    for name in ("adapt_to_pi_aloha", "use_delta_joint_actions_aloha"):
        if getattr(config, name):
            raise ConfigError(f"config field '{name}' is true; only false is supported")
    for kind, mode in config.normalization_mapping.items():
        valid = ("IDENTITY",) if kind == "VISUAL" else ("MEAN_STD", "IDENTITY")
        if mode not in valid:
            raise ConfigError(
                f"config field 'normalization_mapping.{kind}' is {mode!r}; valid: {', '.join(valid)}"
            )


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
        raise ConfigError(
            "config field 'input_features' has no VISUAL feature; at least one camera is needed"
        )
    if config.empty_cameras < 0:
        raise ConfigError(f"config field 'empty_cameras' is {config.empty_cameras}; it must be at least 0")


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
