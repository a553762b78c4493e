"""Fields that the transformer sections of ``config.json`` may hold, and those they must hold."""

from __future__ import annotations

from typing import Any

_STACK = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")

REQUIRED: dict[str, tuple[str, ...]] = {
    "paligemma_config": ("text_config", "vision_config"),
    "gemma_expert_config": _STACK,
    "s1_gemma_expert_config": _STACK,
    "s1_dino_config": ("hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size"),
    "paligemma_config.text_config": (*_STACK, "vocab_size"),
    "paligemma_config.vision_config": (*_STACK, "patch_size"),
}

# fmt: off
_ANY = (
    "architectures", "bos_token_id", "dtype", "eos_token_id", "model_type", "pad_token_id", "torch_dtype",
    "transformers_version",
)
_GEMMA = (
    *_STACK, "attention_bias", "attention_dropout", "head_dim", "hidden_act", "hidden_activation",
    "initializer_range", "max_position_embeddings", "num_image_tokens", "num_key_value_heads", "rms_norm_eps",
    "rope_scaling", "rope_theta", "tie_word_embeddings", "use_bidirectional_attention", "use_cache", "vocab_size",
)
_SIGLIP = (
    *_STACK, "attention_dropout", "hidden_act", "image_size", "initializer_range", "layer_norm_eps",
    "num_channels", "num_image_tokens", "patch_size", "projection_dim", "projector_hidden_act", "vision_use_head",
)
_DINO = (
    "apply_layernorm", "attention_probs_dropout_prob", "drop_path_rate", "hidden_act", "hidden_dropout_prob",
    "hidden_size", "image_size", "initializer_range", "layer_norm_eps", "layerscale_value", "mlp_ratio",
    "num_attention_heads", "num_channels", "num_hidden_layers", "out_features", "out_indices", "patch_size",
    "qkv_bias", "reshape_hidden_states", "use_mask_token", "use_swiglu_ffn",
)
_PALIGEMMA = (
    "hidden_size", "ignore_index", "image_token_id", "image_token_index", "num_image_tokens", "projection_dim",
    "text_config", "tie_word_embeddings", "vision_config", "vocab_size",
)
# fmt: on

KNOWN: dict[str, frozenset[str]] = {
    "paligemma_config": frozenset(_PALIGEMMA + _ANY),
    "paligemma_config.text_config": frozenset(_GEMMA + _ANY),
    "paligemma_config.vision_config": frozenset(_SIGLIP + _ANY),
    "gemma_expert_config": frozenset(_GEMMA + _ANY),
    "s1_gemma_expert_config": frozenset(_GEMMA + _ANY),
    "s1_dino_config": frozenset(_DINO + _ANY),
}

SUPPORTED: dict[str, tuple[Any, ...]] = {
    "attention_bias": (False,),
    "hidden_activation": ("gelu_pytorch_tanh", None),
    "num_channels": (3,),
    "rope_scaling": (None,),
    "use_swiglu_ffn": (False,),
}
INTEGERS = frozenset({*_STACK, "head_dim", "mlp_ratio", "num_key_value_heads", "patch_size", "vocab_size"})
NUMBERS = frozenset({"initializer_range", "layer_norm_eps", "layerscale_value", "rms_norm_eps", "rope_theta"})
