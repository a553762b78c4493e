"""New checkpoints that start from PaliGemma and DINOv2 weights on disk. Everything else is random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import Dinov2Config, PaliGemmaConfig, PretrainedConfig

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.checkpoint_writer import copy_extra_files, save_tensors
from hume_core.config import HumeConfig
from hume_core.config_consistency import vision_side
from hume_core.errors import CheckpointError
from hume_core.nn.gemma import StackConfig
from hume_training.initialize import create_checkpoint
from hume_training.presets import Preset

_LANGUAGE = "s2_model.paligemma_with_expert.paligemma."
_DINO = "s1_model.fast_visuo_expert.vision_tower."
_SYSTEM2 = "s2_model."
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_KEPT = (
    "paligemma_config",
    "gemma_expert_config",
    "max_state_dim",
    "max_action_dim",
    "proj_width",
    "resize_imgs_with_padding",
    "tokenizer_max_length",
)
"""What a new checkpoint takes from the configuration of a System 2 that was published alone."""


def create_from_pretrained(
    folder: str | Path,
    preset: Preset,
    paligemma: str | Path = "",
    dinov2: str | Path = "",
    system2: str | Path = "",
    **arguments: Any,
) -> Path:
    """Write a checkpoint whose towers and language model come from published weights.

    The action expert and the value stack take the depth and head size of the language model, which joint attention
    needs. The sizes of System 1's stack, chunk and segment are the preset's.

    Args:
        folder: of the new checkpoint.
        preset: sizes of what is not given by the weights.
        paligemma: folder of a `PaliGemmaForConditionalGeneration` in safetensors, with its tokenizer. Empty: random.
        dinov2: folder of a `Dinov2Model` in safetensors. Empty: random.
        system2: folder of a System 2 that was published alone, whose sizes the preset has (`sized_by_system2`). Stands
            in for PaliGemma. Its statistics are not taken.
        arguments: of `create_checkpoint`.

    Raises:
        CheckpointError: a folder holds no such model, or a tensor is missing or of another shape.
    """
    target = Path(folder)
    if system2:
        config = HumeConfig.load(Path(system2) / "config.json")
        arguments = {**arguments, **{name: getattr(config, name) for name in _KEPT}}
    elif paligemma:
        preset = _sized_by_paligemma(preset, _config(paligemma, PaliGemmaConfig))
    if dinov2:
        config = _config(dinov2, Dinov2Config)
        preset = replace(preset, stem="patch")
        arguments = {**arguments, "s1_dino_config": _dino_section(config)}
    target.mkdir(parents=True, exist_ok=True)
    create_checkpoint(target, preset, **arguments)
    if system2:
        _take(target, CheckpointReader(system2), _SYSTEM2)
        _take_tokenizer(target, Path(system2))
    elif paligemma:
        _take(target, CheckpointReader(paligemma, _LANGUAGE), _LANGUAGE)
        _take_tokenizer(target, Path(paligemma))
    if dinov2:
        _take(target, CheckpointReader(dinov2, _DINO), _DINO)
    return target


def system2_alone(checkpoint: str) -> Path | None:
    """Folder of a checkpoint that is a System 2 published alone. None: it is another one, or none is given.

    Raises:
        CheckpointError: there is no such folder.
        ConfigError: its configuration is wrong.
    """
    if not checkpoint:
        return None
    folder = resolve_folder(checkpoint)
    return None if HumeConfig.load(folder / "config.json").has_system1 else folder


def sized_by_system2(preset: Preset, folder: Path) -> Preset:
    """A preset with the sizes of a System 2 that was published alone. System 1's are the preset's own."""
    config = HumeConfig.load(folder / "config.json")
    text_section, vision = (config.paligemma_config[name] for name in ("text_config", "vision_config"))
    text = StackConfig.from_section(text_section)
    return replace(
        preset,
        image=vision_side(config.paligemma_config),
        patch=vision["patch_size"],
        stem=config.patch_stem,
        text=text,
        expert=StackConfig.from_section(config.gemma_expert_config),
        value=_value_stack(preset, text),
        vocabulary=text_section["vocab_size"],
        chunk=config.s2_chunk_size,
        segment=min(preset.segment, config.s2_chunk_size),
    )


def _value_stack(preset: Preset, text: StackConfig) -> StackConfig:
    """The value head reads what the language model reads."""
    return replace(
        preset.value,
        hidden_size=text.hidden_size,
        num_attention_heads=text.num_attention_heads,
        num_key_value_heads=text.num_key_value_heads,
        head_dim=text.head_dim,
    )


def _take_tokenizer(folder: Path, source: Path) -> None:
    if (source / "tokenizer.json").is_file():
        for name in _TOKENIZER:
            (folder / name).unlink(missing_ok=True)
    copy_extra_files(source, folder)


def _config(folder: str | Path, kind: type[PretrainedConfig]) -> Any:
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json. A folder of {kind.model_type} weights is needed")
    content, _ = PretrainedConfig.get_config_dict(folder, local_files_only=True)
    if content.get("model_type") != kind.model_type:
        raise CheckpointError(f"{path} describes a '{content.get('model_type')}' model. Needed: '{kind.model_type}'")
    return kind.from_dict(content)


def _sized_by_paligemma(preset: Preset, config: Any) -> Preset:
    text, vision = config.text_config, config.vision_config
    heads = (text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads, text.head_dim)
    stack = StackConfig(text.hidden_size, text.intermediate_size, *heads)
    return replace(
        preset,
        image=vision.image_size,
        patch=vision.patch_size,
        stem="patch",
        siglip=(vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers, vision.num_attention_heads),
        text=stack,
        # The released expert has half the width of its language model and a quarter of its inner width.
        expert=StackConfig(text.hidden_size // 2, text.intermediate_size // 4, *heads),
        value=_value_stack(preset, stack),
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
            taken[name] = source.read(name, ours.shape(name)).to(ours.dtype(name)).contiguous()
    save_tensors(folder, taken, None)
