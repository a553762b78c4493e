"""Instruction tokenizer of a checkpoint folder."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from hume_core.checkpoint_writer import copy_extra_files
from hume_core.errors import CheckpointError, ObservationError
from hume_core.json_file import read_json
from hume_core.texts import shortened, shown

_PROBE = "pick up the red cube"

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories: control, format, surrogate, line and paragraph separator."""
_JOINERS = "\u200c\u200d"
"""They are part of words of some scripts, and of pictographs."""


def _typed(error: BaseException, what: str) -> CheckpointError:
    """What the library raises, as ours. Its Rust code panics with what is no `Exception`. Only those are taken."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    return CheckpointError(f"{what}: {shortened(str(error), 500)}")


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
            raise CheckpointError(f"{path} is missing. The instruction cannot be tokenized without it")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except BaseException as error:
            raise _typed(error, f"{path} is no tokenizer file") from error
        pad_token = self._pad_token()
        pad_id = self._tokenizer.token_to_id(pad_token)
        if pad_id is None:
            raise CheckpointError(f"{path} does not know its padding token '{shortened(pad_token)}'")
        self._special = [
            token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special
        ]
        # The trial text is not an instruction.
        self._warned = True
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding(direction="right", pad_id=pad_id, length=max_length)
        self._try(path)
        self._warned = False

    def _try(self, path: Path) -> None:
        """Parts of a tokenizer are first looked at when it is used."""
        try:
            found = self([_PROBE])[0].shape
        except BaseException as error:
            raise _typed(error, f"{path} cannot tokenize a sentence") from error
        if found != (1, self._max_length):
            raise CheckpointError(f"{path} gives {found[-1]} tokens for a sentence. Expected {self._max_length}")

    @property
    def highest_id(self) -> int:
        """Highest number of a token."""
        return max(self._tokenizer.get_vocab().values(), default=-1)

    def _pad_token(self) -> str:
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            path = self.folder / name
            if not path.exists():
                continue
            content = read_json(path, CheckpointError)
            if not isinstance(content, dict):
                raise CheckpointError(f"{path} must hold one JSON object. Found {shown(content)}")
            token = content.get("pad_token")
            token = token.get("content") if isinstance(token, dict) else token
            if token is not None and not isinstance(token, str):
                raise CheckpointError(f"{path}: 'pad_token' is {shown(token)}. Expected text")
            if token is not None:
                return token
        return "<pad>"

    def __call__(self, tasks: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids (B, max_length) int64 and which are real (B, max_length) bool, both on the CPU.

        Warns of the first text that is cut.
        """
        texts = [_ended(task) for task in tasks]
        encoded = self._tokenizer.encode_batch(texts)
        cut = [(text, item) for text, item in zip(texts, encoded, strict=True) if item.overflowing]
        if cut and not self._warned:
            self._warned = True
            warnings.warn(f"{self._what_is_cut(*cut[0])}. Later ones are not told", stacklevel=2)
        ids = torch.tensor([item.ids for item in encoded], dtype=torch.int64)
        mask = torch.tensor([item.attention_mask for item in encoded], dtype=torch.bool)
        return ids, mask

    def check(self, instruction: str) -> None:
        """Check that the policy can take an instruction unchanged.

        Raises:
            ObservationError: it is empty, too long, or has something in it that is no text. Names what.
        """
        if not instruction.strip():
            raise ObservationError("the instruction is empty. Say what to do, such as 'lift the red cube'")
        for letter in instruction.removesuffix("\n"):
            if unicodedata.category(letter) in _INVISIBLE and letter not in _JOINERS:
                raise ObservationError(
                    f"the instruction has the control character U+{ord(letter):04X} in it. Write it in one line of text"
                )
        special = [token for token in self._special if token in instruction]
        if special:
            raise ObservationError(f"the instruction has the special token '{special[0]}' in it. Write words")
        encoding = self._tokenizer.encode(_ended(instruction))
        if encoding.overflowing:
            raise ObservationError(f"{self._what_is_cut(_ended(instruction), encoding)}. Say it in fewer words")

    def _what_is_cut(self, text: str, encoding: Encoding) -> str:
        """The number of tokens, how many there may be, and the end of the text that does not fit."""
        own = [_own_tokens(item) for item in (encoding, *encoding.overflowing)]
        added = sum(encoding.attention_mask) - len(own[0])
        start = min(first for first, _ in own[1])
        return (
            f"the instruction has {sum(map(len, own)) + added} tokens, the checkpoint takes {self._max_length}. "
            f"It would be cut before {_shortened(text[start:])}"
        )

    def save(self, folder: Path) -> None:
        """Copy the tokenizer's files into another checkpoint folder."""
        copy_extra_files(self.folder, folder)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _own_tokens(encoding: Encoding) -> list[tuple[int, int]]:
    """Where in the text its tokens are, without those that padding and template add."""
    parts = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    return [place for place, special in parts if not special]


def _shortened(text: str, length: int = 80) -> str:
    return repr(text if len(text) <= length else f"{text[:length]}...")
