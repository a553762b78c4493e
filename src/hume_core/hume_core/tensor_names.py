"""Names of tensors in the released layout: the one table of what other programs and versions write instead."""

from __future__ import annotations

import re

_WRAPPERS = re.compile(r"(?<![^.])(?:module|_orig_mod)\.")
"""Around a network or a part of it: from data-parallel training, from `torch.compile`."""
_POLICY = re.compile(r"(?:model\.)*")
"""In front of all names: a policy inside a policy."""

_PARTS = (
    "s1_model.",
    "s2_model.",
    "value_query_head.",
    "normalize_inputs.",
    "normalize_targets.",
    "unnormalize_outputs.",
)
_SYSTEM2 = "s2_model."
_SYSTEM2_PARTS = (
    "paligemma_with_expert.",
    "state_proj.",
    "action_in_proj.",
    "action_out_proj.",
    "action_time_mlp_in.",
    "action_time_mlp_out.",
)
"""What a System 2 that is saved alone (type 'system2') holds, in front of all names "model."."""

_PALIGEMMA = r"^(.*\bpaligemma_with_expert\.paligemma\.)"
_DINO = r"^(s1_model\.fast_visuo_expert\.vision_tower\.)"
_RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # PaliGemma since transformers 4.52.
        (_PALIGEMMA + r"model\.(language_model|vision_tower|multi_modal_projector)\.", r"\1\2."),
        (_PALIGEMMA + r"lm_head\.", r"\1language_model.lm_head."),
        (_PALIGEMMA + r"language_model\.(layers|norm|embed_tokens)\.", r"\1language_model.model.\2."),
        # SigLIP in transformers 5.
        (_PALIGEMMA + r"vision_tower\.(embeddings|encoder|post_layernorm|head)\.", r"\1vision_tower.vision_model.\2."),
        # The embedding and the output matrix of the language model are one.
        (_PALIGEMMA + r"language_model\.model\.embed_tokens\.", r"\1language_model.lm_head."),
        # A Gemma stack without its output matrix.
        (r"\bgemma_expert\.(layers|norm|embed_tokens)\.", r"gemma_expert.model.\1."),
        # DINOv2 inside another model, and in transformers 5.
        (_DINO + r"dinov2\.", r"\1"),
        (_DINO + r"(encoder\.layer\.\d+\.attention\.)q_proj\.", r"\1\2attention.query."),
        (_DINO + r"(encoder\.layer\.\d+\.attention\.)k_proj\.", r"\1\2attention.key."),
        (_DINO + r"(encoder\.layer\.\d+\.attention\.)v_proj\.", r"\1\2attention.value."),
        (_DINO + r"(encoder\.layer\.\d+\.attention\.)o_proj\.", r"\1\2output.dense."),
    )
)


def released_name(name: str) -> str:
    """The name that the released layout has for a tensor. One that no rule knows stays as it is."""
    bare = _POLICY.sub("", _WRAPPERS.sub("", name), count=1)
    if bare.startswith(_SYSTEM2_PARTS):
        bare = _SYSTEM2 + bare
    elif not bare.startswith(_PARTS):
        return name
    for pattern, replacement in _RENAMES:
        bare = pattern.sub(replacement, bare)
    return bare
