"""Instruction tokenizer of a checkpoint folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from hume_core.checkpoint import copy_extra_files
from hume_core.errors import CheckpointError


class InstructionTokenizer:
    """Instructions to fixed-length token ids: a final newline, truncated, padded on the right.

    Args:
        folder: holds ``tokenizer.json``.
        max_length: number of tokens per instruction.

    Raises:
        CheckpointError: the file is missing or broken, or there is no padding token.
    """

    def __init__(self, folder: Path, max_length: int) -> None:
        self.folder = folder
        self._max_length = max_length
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; the instruction cannot be tokenized without it")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise CheckpointError(f"{path} is no tokenizer file: {error}") from error
        pad_id = self._tokenizer.token_to_id(self._pad_token())
        if pad_id is None:
            raise CheckpointError(f"{path} does not know its padding token '{self._pad_token()}'")
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding(direction="right", pad_id=pad_id, length=max_length)

    def _pad_token(self) -> str:
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            path = self.folder / name
            token = json.loads(path.read_text(encoding="utf-8")).get("pad_token") if path.is_file() else None
            if token is not None:
                return token["content"] if isinstance(token, dict) else str(token)
        return "<pad>"

    def __call__(self, tasks: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids (B, max_length) int64 and which are real (B, max_length) bool, both on the CPU."""
        texts = [task if task.endswith("\n") else f"{task}\n" for task in tasks]
        encoded = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([item.ids for item in encoded], dtype=torch.int64)
        mask = torch.tensor([item.attention_mask for item in encoded], dtype=torch.bool)
        return ids, mask

    def save(self, folder: Path) -> None:
        """Copy the tokenizer's files into another checkpoint folder."""
        copy_extra_files(self.folder, folder)
