"""Where System 1's parameters lie in the released checkpoint layout."""

from __future__ import annotations

import re

from hume_core.checkpoint import prefix_map
from hume_core.normalization import NORMALIZER_NAMES

_EXPERT = "s1_model.fast_visuo_expert."
_ATTENTION = re.compile(r"(encoder\.layer\.\d+\.attention\.)(q_proj|k_proj|v_proj|o_proj)\.")
_RELEASED_ATTENTION = {
    "q_proj": "attention.query",
    "k_proj": "attention.key",
    "v_proj": "attention.value",
    "o_proj": "output.dense",
}

_by_prefix = prefix_map(
    (
        ("network.vision.tower.", f"{_EXPERT}vision_tower."),
        ("network.vision.projector.", f"{_EXPERT}multi_modal_projector."),
        ("network.stack.", f"{_EXPERT}gemma_expert.model."),
        ("network.projections.", "s1_model."),
        *NORMALIZER_NAMES,
    )
)


def to_stored(name: str) -> str:
    """Name in the file of a parameter. DINOv2's attention has been renamed in the library since."""
    return _ATTENTION.sub(lambda match: f"{match[1]}{_RELEASED_ATTENTION[match[2]]}.", _by_prefix(name))
