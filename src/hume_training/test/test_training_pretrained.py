"""Checkpoints that start from PaliGemma and DINOv2 folders as transformers writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import Dinov2Config, Dinov2Model, PaliGemmaConfig, PaliGemmaForConditionalGeneration

from hume_core.checkpoint import CheckpointReader
from hume_core.errors import CheckpointError
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.presets import SMALL
from hume_training.pretrained import create_from_pretrained


@pytest.fixture(scope="module")
def paligemma(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PaliGemmaForConditionalGeneration]:
    text = {"model_type": "gemma", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 300}  # fmt: skip
    vision = {"model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32,
              "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
              "projection_dim": 32}  # fmt: skip
    torch.manual_seed(0)
    model = PaliGemmaForConditionalGeneration(
        PaliGemmaConfig(text_config=text, vision_config=vision, projection_dim=32, hidden_size=32)
    )
    folder = tmp_path_factory.mktemp("paligemma")
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dinov2Model]:
    torch.manual_seed(1)
    model = Dinov2Model(
        Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, mlp_ratio=2, image_size=42)
    )
    folder = tmp_path_factory.mktemp("dinov2")
    model.save_pretrained(folder)
    return folder, model


def test_both_systems_start_from_published_weights(
    tmp_path: Path,
    paligemma: tuple[Path, PaliGemmaForConditionalGeneration],
    dinov2: tuple[Path, Dinov2Model],
) -> None:
    create_from_pretrained(tmp_path / "new", SMALL, paligemma[0], dinov2[0], corpus=["lift the red cube"])
    system2, system1 = System2.from_pretrained(tmp_path / "new"), System1.from_pretrained(tmp_path / "new")
    reader = CheckpointReader(tmp_path / "new")
    prefix = "s2_model.paligemma_with_expert.paligemma."
    language = paligemma[1].model.language_model
    found = reader.read(f"{prefix}language_model.model.layers.1.mlp.up_proj.weight")
    assert torch.equal(found, language.layers[1].mlp.up_proj.weight)
    assert torch.equal(reader.read(f"{prefix}language_model.lm_head.weight"), language.embed_tokens.weight)
    pixels = torch.rand(1, 3, 28, 28) * 2 - 1
    with torch.no_grad():
        features = paligemma[1].model.vision_tower(pixels).last_hidden_state
        expected = paligemma[1].model.multi_modal_projector(features)
        assert torch.allclose(system2.network.vision(pixels), expected, atol=1e-5)
        expected = system1.network.vision.projector(dinov2[1](pixels).last_hidden_state)
        assert torch.allclose(system1.network.vision(pixels), expected, atol=1e-5)


def test_another_kind_of_model_is_refused(tmp_path: Path, dinov2: tuple[Path, Dinov2Model]) -> None:
    with pytest.raises(CheckpointError, match=r"describes a 'dinov2' model\. Needed: 'paligemma'"):
        create_from_pretrained(tmp_path / "new", SMALL, paligemma=dinov2[0])
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        create_from_pretrained(tmp_path / "new", SMALL, dinov2=tmp_path)
