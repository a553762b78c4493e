"""Tensor names of other programs and versions become those of the released layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hume_core.checkpoint import CheckpointReader
from hume_core.errors import CheckpointError
from hume_core.tensor_names import released_name

PALIGEMMA = "s2_model.paligemma_with_expert.paligemma."
DINO = "s1_model.fast_visuo_expert.vision_tower."
RELEASED = (
    f"{PALIGEMMA}language_model.model.layers.3.self_attn.q_proj.weight",
    f"{PALIGEMMA}language_model.model.norm.weight",
    f"{PALIGEMMA}language_model.lm_head.weight",
    f"{PALIGEMMA}vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias",
    f"{PALIGEMMA}vision_tower.vision_model.embeddings.position_embedding.weight",
    f"{PALIGEMMA}multi_modal_projector.linear.weight",
    "s2_model.paligemma_with_expert.gemma_expert.model.layers.0.mlp.up_proj.weight",
    "s2_model.state_proj.weight",
    "s2_model.action_time_mlp_out.bias",
    f"{DINO}encoder.layer.11.attention.attention.query.weight",
    f"{DINO}encoder.layer.11.attention.output.dense.bias",
    f"{DINO}embeddings.cls_token",
    "s1_model.fast_visuo_expert.gemma_expert.model.norm.weight",
    "s1_model.action_out_proj.weight",
    "value_query_head.query_embedding",
    "value_query_head.vqh_backbone.gemma_expert.model.layers.0.mlp.up_proj.weight",
    "value_query_head.calql.critics.0.layers.0.weight",
    "normalize_inputs.buffer_observation_state.mean",
    "unnormalize_outputs.buffer_action.q99",
)


@pytest.mark.parametrize("name", RELEASED)
@pytest.mark.parametrize("prefix", ["", "model.", "module.", "module.model.", "_orig_mod.module.", "model.model."])
def test_prefixes(name: str, prefix: str) -> None:
    assert released_name(prefix + name) == name


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_wrapped_parts(wrapper: str) -> None:
    for name in RELEASED:
        for place in range(1, name.count(".")):
            parts = name.split(".")
            assert released_name(".".join([*parts[:place], wrapper + parts[place], *parts[place + 1 :]])) == name


@pytest.mark.parametrize("prefix", ["model.", "module.model.", "model.model."])
def test_a_system2_alone(prefix: str) -> None:
    for name in RELEASED:
        if name.startswith("s2_model."):
            assert released_name(prefix + name.removeprefix("s2_model.")) == name


OTHERS = {
    PALIGEMMA: {
        "model.language_model.layers.3.mlp.up_proj.weight": "language_model.model.layers.3.mlp.up_proj.weight",
        "language_model.layers.3.mlp.up_proj.weight": "language_model.model.layers.3.mlp.up_proj.weight",
        "model.language_model.norm.weight": "language_model.model.norm.weight",
        "model.language_model.embed_tokens.weight": "language_model.lm_head.weight",
        "language_model.model.embed_tokens.weight": "language_model.lm_head.weight",
        "lm_head.weight": "language_model.lm_head.weight",
        "model.vision_tower.vision_model.post_layernorm.bias": "vision_tower.vision_model.post_layernorm.bias",
        "model.vision_tower.post_layernorm.bias": "vision_tower.vision_model.post_layernorm.bias",
        "vision_tower.encoder.layers.0.mlp.fc1.bias": "vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias",
        "model.multi_modal_projector.linear.bias": "multi_modal_projector.linear.bias",
    },
    DINO: {
        "dinov2.embeddings.cls_token": "embeddings.cls_token",
        "encoder.layer.0.attention.q_proj.weight": "encoder.layer.0.attention.attention.query.weight",
        "encoder.layer.0.attention.k_proj.bias": "encoder.layer.0.attention.attention.key.bias",
        "encoder.layer.0.attention.v_proj.bias": "encoder.layer.0.attention.attention.value.bias",
        "encoder.layer.0.attention.o_proj.bias": "encoder.layer.0.attention.output.dense.bias",
    },
}


@pytest.mark.parametrize("part", OTHERS)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_versions_of_transformers(prefix: str, part: str) -> None:
    for other, released in OTHERS[part].items():
        assert released_name(prefix + part + other) == part + released


@pytest.mark.parametrize("stack", ["s2_model.paligemma_with_expert", "s1_model.fast_visuo_expert"])
def test_a_stack_without_its_output_matrix(stack: str) -> None:
    assert released_name(f"{stack}.gemma_expert.layers.1.input_layernorm.weight") == (
        f"{stack}.gemma_expert.model.layers.1.input_layernorm.weight"
    )


@pytest.mark.parametrize(
    "name", ["a.weight", "model.a.weight", "model.layers.0.weight", "model.", "", "lm_head.weight"]
)
def test_names_that_no_rule_knows_stay(name: str) -> None:
    assert released_name(name) == name


EMBEDDING, HEAD = f"{PALIGEMMA}language_model.model.embed_tokens.weight", f"{PALIGEMMA}lm_head.weight"


@pytest.mark.parametrize("names", [(EMBEDDING,), (HEAD,), (EMBEDDING, HEAD)])
def test_the_tied_matrix_has_either_name_or_both(tmp_path: Path, names: tuple[str, ...]) -> None:
    matrix = torch.arange(6.0).reshape(3, 2)
    save_file({f"module.{name}": matrix.clone() for name in names}, tmp_path / "model.safetensors")
    reader = CheckpointReader(tmp_path)
    assert reader.names == (f"{PALIGEMMA}language_model.lm_head.weight",)
    assert torch.equal(reader.read(reader.names[0], (3, 2)), matrix)


@pytest.mark.parametrize("other", [torch.ones(3, 2), torch.ones(2, 3), torch.zeros(3, 2, dtype=torch.bfloat16)])
def test_two_names_of_one_tensor_must_agree(tmp_path: Path, other: torch.Tensor) -> None:
    save_file({EMBEDDING: torch.zeros(3, 2), HEAD: other}, tmp_path / "model.safetensors")
    reader = CheckpointReader(tmp_path)
    with pytest.raises(CheckpointError, match=f"'{EMBEDDING}' and '{HEAD}' in .* are names of one tensor, but differ"):
        reader.read(reader.names[0])


def test_a_folder_may_hold_one_part(tmp_path: Path) -> None:
    save_file(
        {"model.language_model.norm.weight": torch.ones(2), "other": torch.ones(1)}, tmp_path / "model.safetensors"
    )
    assert set(CheckpointReader(tmp_path, PALIGEMMA).names) == {
        f"{PALIGEMMA}language_model.model.norm.weight",
        f"{PALIGEMMA}other",
    }
