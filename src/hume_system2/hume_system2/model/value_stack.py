"""Size of the value head's stack: ``vqh_backbone.json``, else the released size, else from tensor shapes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hume_core.checkpoint import CheckpointReader
from hume_core.config_schema import parse_section
from hume_core.errors import ConfigError
from hume_core.json_file import read_json
from hume_core.nn.gemma import StackConfig

FILE = "vqh_backbone.json"
SECTION = "gemma_expert_config"
RELEASED = StackConfig(
    hidden_size=2048, intermediate_size=4096, num_hidden_layers=4, num_attention_heads=8, head_dim=256
)
_STACK = "value_query_head.vqh_backbone.gemma_expert.model."
_LAYER = re.compile(re.escape(_STACK) + r"layers\.(\d+)\.")


def value_stack_config(reader: CheckpointReader) -> StackConfig:
    """Find the size of the value head's stack.

    Raises:
        CheckpointError: a tensor of the stack is missing.
        ConfigError: ``vqh_backbone.json`` is broken.
    """
    path = reader.folder / FILE
    if path.is_file():
        return StackConfig.from_section(_read(path))
    deduced = _deduced(reader)
    return RELEASED if _same_shapes(deduced, RELEASED) else deduced


def _read(path: Path) -> dict[str, Any]:
    content = read_json(path, ConfigError)
    if not isinstance(content, dict) or SECTION not in content:
        raise ConfigError(f"{path} must be a JSON object with '{SECTION}'")
    try:
        return parse_section(SECTION, content[SECTION])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _deduced(reader: CheckpointReader) -> StackConfig:
    first = f"{_STACK}layers.0."
    query, hidden = reader.shape(f"{first}self_attn.q_proj.weight")
    head_dim = reader.shape(f"{first}self_attn.k_proj.weight")[0]
    layers = {int(match[1]) for match in map(_LAYER.match, reader.names) if match}
    return StackConfig(
        hidden_size=hidden,
        intermediate_size=reader.shape(f"{first}mlp.up_proj.weight")[0],
        num_hidden_layers=max(layers) + 1,
        num_attention_heads=query // head_dim,
        head_dim=head_dim,
    )


def _same_shapes(one: StackConfig, other: StackConfig) -> bool:
    return one == other
