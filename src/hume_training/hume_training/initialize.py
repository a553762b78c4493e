"""New checkpoints with random weights, complete in the released layout."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn

from hume_core.config import HumeConfig
from hume_core.errors import ContractError
from hume_core.nn.gemma import StackConfig
from hume_core.nn.joined import join_all
from hume_core.nn.norm import RMSNorm
from hume_core.normalization import Normalizer
from hume_core.policy_contract import CONTRACT_FILE, PolicyContract
from hume_core.tokenizer import InstructionTokenizer
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.presets import Preset, find_preset, preset_config

SPECIAL_TOKENS = ("<pad>", "<eos>", "<bos>", "<unk>")
DEFAULT_CORPUS = (
    "stack the yellow cube on the green cube",
    "pick up the red cube and place it on the blue cube",
    "put the cube into the bowl, then open the drawer",
    "push the block to the left of the plate and close the gripper",
)


def create_checkpoint(
    folder: str | Path,
    preset: str | Preset = "small",
    seed: int = 0,
    *,
    cameras: Sequence[str] = ("image", "wrist_image"),
    state_dim: int = 7,
    action_dim: int = 7,
    state_mean: Sequence[float] | None = None,
    state_std: Sequence[float] | None = None,
    action_mean: Sequence[float] | None = None,
    action_std: Sequence[float] | None = None,
    corpus: Iterable[str] = DEFAULT_CORPUS,
    contract: PolicyContract | None = None,
    **settings: Any,
) -> Path:
    """Write a complete checkpoint folder with random weights, float32.

    Args:
        folder: created where it does not exist.
        preset: name in ``PRESETS``, or sizes.
        seed: of the weights. Equal seeds give equal files.
        cameras: camera keys.
        state_dim: real state size s.
        action_dim: real action size a.
        state_mean, state_std: statistics of the state, real units. 0 and 1 by default.
        action_mean, action_std: statistics of the actions, real units. 0 and 1 by default.
        corpus: instructions the tokenizer is fitted to.
        contract: what the numbers of states and actions mean. Without, the checkpoint does not say.
        settings: other fields of ``HumeConfig``.

    Returns:
        The folder.

    Raises:
        ConfigError: unknown preset or a setting that does not fit.
        ContractError: the contract has other sizes.
    """
    if contract is not None and (contract.state_dim, contract.action_dim) != (state_dim, action_dim):
        raise ContractError(
            f"the contract describes states and actions of {contract.state_dim} and {contract.action_dim} numbers. "
            f"The checkpoint has {state_dim} and {action_dim}"
        )
    sizes = find_preset(preset) if isinstance(preset, str) else preset
    config = preset_config(sizes, cameras, state_dim, action_dim, **settings)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write_tokenizer(target, corpus, sizes.vocabulary)
    system2, system1 = random_policies(config, sizes.value, target, seed)
    for policy in (system2, system1):
        _set_statistics(policy.normalizer, "state", state_mean, state_std)
        _set_statistics(policy.normalizer, "action", action_mean, action_std)
        _set_statistics(policy.normalizer, "target", action_mean, action_std)
    for name in ("model.safetensors", CONTRACT_FILE):
        (target / name).unlink(missing_ok=True)
    system2.contract = system1.contract = contract
    system2.save_pretrained(target)
    system1.save_pretrained(target)
    return target


def random_policies(config: HumeConfig, value: StackConfig, tokenizer: Path, seed: int) -> tuple[System2, System1]:
    """Both policies with random weights, ready to compute in float32.

    Args:
        config: sizes and settings.
        value: size of the value head's stack.
        tokenizer: folder with the tokenizer's files.
        seed: of the weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        system2 = System2(config, value, InstructionTokenizer(tokenizer, config.tokenizer_max_length))
        system1 = System1(config)
        for policy in (system2, system1):
            policy.apply(_initialize)
        nn.init.normal_(system2.value_head.query, std=0.02)
    calql = system2.value_head.calql
    calql.target_critics.load_state_dict(calql.critics.state_dict())
    for policy in (system2, system1):
        policy.requires_grad_(False).eval()
        join_all(policy)
    return system2, system1


def _initialize(module: nn.Module) -> None:
    if isinstance(module, RMSNorm):
        nn.init.zeros_(module.weight)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)


def _set_statistics(
    normalizer: Normalizer, name: str, mean: Sequence[float] | None, std: Sequence[float] | None
) -> None:
    for suffix, values in (("mean", mean), ("std", std)):
        if values is not None:
            buffer = normalizer.get_buffer(f"{name}_{suffix}")
            buffer.copy_(torch.tensor(list(values), dtype=torch.float32))


def write_tokenizer(folder: Path, corpus: Iterable[str], vocabulary: int) -> None:
    """Fit a byte-level BPE tokenizer and write its files.

    Args:
        folder: checkpoint folder.
        corpus: instructions. Any other text still encodes, byte by byte at worst.
        vocabulary: number of token ids, at least 260.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f"{line}\n" for line in corpus], trainer)
    begin = tokenizer.token_to_id("<bos>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", begin)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(names, indent=2), encoding="utf-8")
    settings = names | {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
