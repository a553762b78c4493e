"""Where System 2's parameters lie in the released checkpoint layout."""

from __future__ import annotations

from hume_core.checkpoint import prefix_map
from hume_core.normalization import NORMALIZER_NAMES

_PALIGEMMA = "s2_model.paligemma_with_expert.paligemma."

VALUE_LM_HEAD = "value_query_head.vqh_backbone.gemma_expert.lm_head.weight"

to_stored = prefix_map(
    (
        ("network.vision.tower.", f"{_PALIGEMMA}vision_tower.vision_model."),
        ("network.vision.projector.", f"{_PALIGEMMA}multi_modal_projector.linear."),
        ("network.language.", f"{_PALIGEMMA}language_model.model."),
        ("network.token_embedding.", f"{_PALIGEMMA}language_model.lm_head."),
        ("network.expert.", "s2_model.paligemma_with_expert.gemma_expert.model."),
        ("network.projections.", "s2_model."),
        ("value_head.query", "value_query_head.query_embedding"),
        ("value_head.stack.", "value_query_head.vqh_backbone.gemma_expert.model."),
        ("value_head.calql.", "value_query_head.calql."),
        *NORMALIZER_NAMES,
    )
)
