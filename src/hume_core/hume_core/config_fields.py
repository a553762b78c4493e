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
    "hidden_act": ("gelu", "gelu_pytorch_tanh", "gelu_fast", "gelu_new", "quick_gelu", "relu", "silu"),
    "rope_scaling": (None,),
    "use_swiglu_ffn": (False,),
}
LARGEST: dict[str, int] = {
    "hidden_size": 65_536,
    "intermediate_size": 1_048_576,
    "num_hidden_layers": 256,
    "num_attention_heads": 1024,
    "num_key_value_heads": 1024,
    "head_dim": 4096,
    "image_size": 8192,
    "mlp_ratio": 64,
    "patch_size": 1024,
    "vocab_size": 4_194_304,
}
"""Sizes of a transformer, from 1: far above every model there is, and small enough to be refused at once."""

NUMBERS = frozenset({"initializer_range", "layer_norm_eps", "layerscale_value", "rms_norm_eps", "rope_theta"})
"""Above 0."""
SHARES = frozenset({"attention_dropout", "attention_probs_dropout_prob", "drop_path_rate", "hidden_dropout_prob"})
"""From 0 to below 1."""
SWITCHES = frozenset({"qkv_bias", "use_mask_token"})

COUNTS: dict[str, int] = {
    "s1_chunk_size": 1000,
    "s2_chunk_size": 1000,
    "vqh_chunk_size": 1000,
    "num_steps": 1000,
    "s1_num_steps": 1000,
    "s1_his_state_size": 1000,
    "max_state_dim": 4096,
    "max_action_dim": 4096,
    "tokenizer_max_length": 8192,
    "num_candidates": 1000,
}
"""Fields beside the sections that count something, from 1."""
