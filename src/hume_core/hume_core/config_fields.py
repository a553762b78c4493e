"""Fields that ``config.json`` and its transformer sections may hold, and those they must hold."""

from __future__ import annotations

from typing import Any

_STACK = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")

SECTIONS = ("paligemma_config", "gemma_expert_config", "s1_dino_config", "s1_gemma_expert_config")

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
    "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "use_bidirectional_attention",
    "use_cache", "vocab_size",
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
# What `to_dict()` of transformers 4.44 to 5 adds and no number of these models depends on: outputs, text generation,
# labels, backbones, how the weights were saved.
WITHOUT_EFFECT = frozenset({
    "bad_words_ids", "begin_suppress_tokens", "chunk_size_feed_forward", "decoder_start_token_id", "diversity_penalty",
    "do_sample", "early_stopping", "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty",
    "finetuning_task", "forced_bos_token_id", "forced_eos_token_id", "id2label", "is_decoder", "is_encoder_decoder",
    "label2id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams",
    "num_return_sequences", "output_attentions", "output_hidden_states", "output_scores", "prefix", "problem_type",
    "remove_invalid_values", "repetition_penalty", "return_dict", "return_dict_in_generate", "sep_token_id",
    "stage_names", "suppress_tokens", "task_specific_params", "temperature", "tf_legacy_loss", "tie_encoder_decoder",
    "tie_word_embeddings", "tokenizer_class", "top_k", "top_p", "torchscript", "typical_p", "use_bfloat16",
    "use_return_dict",
})

LEROBOT = frozenset({
    "compile_mode", "compile_model", "gradient_checkpointing", "license", "pretrained_path", "pretrained_revision",
    "private", "push_to_hub", "repo_id", "tags", "use_peft",
})
# fmt: on
"""Fields of other LeRobot versions that concern no inference: accepted whatever they hold, and kept on saving."""

SUPPORTED: dict[str, tuple[Any, ...]] = {
    "add_cross_attention": (False,),
    "attention_bias": (False,),
    "cross_attention_hidden_size": (None,),
    "num_channels": (3,),
    "pruned_heads": ({},),
    "quantization_config": (None,),
    "rope_scaling": (None,),
    "use_swiglu_ffn": (False,),
}
"""Fields that would change numbers in a way that is not built, and the values at which they do not."""

KNOWN: dict[str, frozenset[str]] = {
    name: frozenset(
        (
            *fields,
            *_ANY,
            *WITHOUT_EFFECT,
            "add_cross_attention",
            "cross_attention_hidden_size",
            "pruned_heads",
            "quantization_config",
        )
    )
    for name, fields in {
        "paligemma_config": _PALIGEMMA,
        "paligemma_config.text_config": _GEMMA,
        "paligemma_config.vision_config": _SIGLIP,
        "gemma_expert_config": _GEMMA,
        "s1_gemma_expert_config": _GEMMA,
        "s1_dino_config": _DINO,
    }.items()
}

_TANH = "gelu_pytorch_tanh"
_ACTIVATIONS = ("gelu", _TANH, "gelu_fast", "gelu_new", "quick_gelu", "relu", "silu")
# Old releases of Gemma say "gelu" and mean the tanh approximation.
_GEMMA_ONLY: dict[str, tuple[Any, ...]] = {
    "model_type": ("gemma",), "hidden_act": (_TANH, "gelu", None), "hidden_activation": (_TANH, None),
}  # fmt: skip

SUPPORTED_IN: dict[str, dict[str, tuple[Any, ...]]] = {
    "paligemma_config": {"model_type": ("paligemma",)},
    "paligemma_config.text_config": _GEMMA_ONLY,
    "paligemma_config.vision_config": {"model_type": ("siglip_vision_model",), "hidden_act": _ACTIVATIONS},
    "gemma_expert_config": _GEMMA_ONLY,
    "s1_gemma_expert_config": _GEMMA_ONLY,
    "s1_dino_config": {"model_type": ("dinov2",), "hidden_act": _ACTIVATIONS},
}
"""The same for fields whose values depend on the section."""

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

STATISTICS: dict[str, tuple[str, str]] = {
    "MEAN_STD": ("mean", "std"),
    "MIN_MAX": ("min", "max"),
    "QUANTILES": ("q01", "q99"),
    "QUANTILE10": ("q10", "q90"),
}
"""Ways to normalise (`normalization_mapping`), and the two statistics that each of them needs."""

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

START_TIMES, NOISE_LEVELS = "start_times", "noise_levels"
NOISE_SCHEDULES = (START_TIMES, NOISE_LEVELS)
"""What the range of a thought's start times is spread over. `start_times`: over the times at which candidates start, in
whole steps, as the released code does. `noise_levels`: over the noise that they keep, a level for each, as the paper
has it."""
