"""New checkpoints that start from PaliGemma and DINOv2 weights on disk. Everything else is random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import Dinov2Config, PaliGemmaConfig, PretrainedConfig

from hume_core.checkpoint import CheckpointReader, copy_extra_files, save_tensors
from hume_core.errors import CheckpointError
from hume_core.nn.gemma import StackConfig
from hume_training.initialize import create_checkpoint
from hume_training.presets import Preset

_LANGUAGE = "s2_model.paligemma_with_expert.paligemma."
_DINO = "s1_model.fast_visuo_expert.vision_tower."
_HEAD = "language_model.lm_head.weight"
# Files of different transformers versions name the same tensors differently.
_RENAMES = (
    ("", ""),
    ("language_model.", "model.language_model."),
    ("language_model.model.", "model.language_model."),
    ("language_model.model.", "language_model."),
    ("vision_tower.vision_model.", "vision_tower."),
    ("vision_tower.vision_model.", "model.vision_tower."),
    ("", "model."),
    ("", "dinov2."),
)
_EMBEDDINGS = (
    "language_model.model.embed_tokens.weight",
    "model.language_model.embed_tokens.weight",
    "language_model.embed_tokens.weight",
    "model.language_model.model.embed_tokens.weight",
)


def create_from_pretrained(
    folder: str | Path, preset: Preset, paligemma: str | Path = "", dinov2: str | Path = "", **arguments: Any
) -> Path:
    """Write a checkpoint whose towers and language model come from published weights.

    The action expert and the value stack take the depth and head size of the language model, which joint attention
    needs. The sizes of System 1's stack, chunk and segment are the preset's.

    Args:
        folder: of the new checkpoint.
        preset: sizes of what is not given by the weights.
        paligemma: folder of a `PaliGemmaForConditionalGeneration` in safetensors, with its tokenizer. Empty: random.
        dinov2: folder of a `Dinov2Model` in safetensors. Empty: random.
        arguments: of `create_checkpoint`.

    Raises:
        CheckpointError: a folder holds no such model, or a tensor is missing or of another shape.
    """
    target = Path(folder)
    if paligemma:
        preset = _sized_by_paligemma(preset, _config(paligemma, PaliGemmaConfig))
    if dinov2:
        config = _config(dinov2, Dinov2Config)
        preset = replace(preset, stem="patch")
        arguments = {**arguments, "s1_dino_config": _dino_section(config)}
    target.mkdir(parents=True, exist_ok=True)
    create_checkpoint(target, preset, **arguments)
    if paligemma:
        _take(target, CheckpointReader(paligemma), _LANGUAGE)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if (Path(paligemma) / "tokenizer.json").is_file():
                (target / name).unlink(missing_ok=True)
        copy_extra_files(Path(paligemma), target)
    if dinov2:
        _take(target, CheckpointReader(dinov2), _DINO)
    return target


def _config(folder: str | Path, kind: type[PretrainedConfig]) -> Any:
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json; a folder of {kind.model_type} weights is needed")
    content, _ = PretrainedConfig.get_config_dict(folder, local_files_only=True)
    if content.get("model_type") != kind.model_type:
        raise CheckpointError(f"{path} describes a '{content.get('model_type')}' model; needed: '{kind.model_type}'")
    return kind.from_dict(content)


def _sized_by_paligemma(preset: Preset, config: Any) -> Preset:
    text, vision = config.text_config, config.vision_config
    heads = (text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads, text.head_dim)
    value = replace(preset.value, hidden_size=text.hidden_size, num_attention_heads=heads[1],
                    num_key_value_heads=heads[2], head_dim=heads[3])  # fmt: skip
    return replace(
        preset,
        image=vision.image_size,
        patch=vision.patch_size,
        stem="patch",
        siglip=(vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers, vision.num_attention_heads),
        text=StackConfig(text.hidden_size, text.intermediate_size, *heads),
        # The released expert has half the width of its language model and a quarter of its inner width.
        expert=StackConfig(text.hidden_size // 2, text.intermediate_size // 4, *heads),
        value=value,
        vocabulary=text.vocab_size,
    )


def _dino_section(config: Any) -> dict[str, Any]:
    names = ("hidden_size", "mlp_ratio", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size")
    return {"model_type": "dinov2", **{name: getattr(config, name) for name in names}}


def _take(folder: Path, source: CheckpointReader, prefix: str) -> None:
    """Replace every tensor of a part of the checkpoint by the source's."""
    ours = CheckpointReader(folder)
    taken: dict[str, Tensor] = {}
    for name in ours.names:
        if name.startswith(prefix):
            found = _find(source, name.removeprefix(prefix))
            taken[name] = source.read(found, ours.shape(name)).to(ours.dtype(name)).contiguous()
    save_tensors(folder, taken, None)


def _find(source: CheckpointReader, name: str) -> str:
    """Name of a tensor in the source's file."""
    candidates: Sequence[str] = [new + name.removeprefix(old) for old, new in _RENAMES if name.startswith(old)]
    if name == _HEAD:
        candidates = [*_EMBEDDINGS, *candidates]
    return next((candidate for candidate in candidates if source.has(candidate)), name)
