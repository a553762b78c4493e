"""Image and instruction embeddings of one thought, computed once and shared by everything after."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Prefix:
    """Embeddings of the valid tokens. Padding that no token can see is left out.

    Attributes:
        embeddings: images of the present cameras, then the instruction (B, P, width).
        valid: which tokens are real (B, P), or None where all are.
        counts: number of real tokens (B,).
        query_positions: where the value query goes in, counted in real tokens (B,).
    """

    embeddings: Tensor
    valid: Tensor | None
    counts: Tensor
    query_positions: Tensor

    @property
    def positions(self) -> Tensor:
        """Position of every token (B, P) int64."""
        batch, length = self.embeddings.shape[:2]
        return torch.arange(length, device=self.embeddings.device).expand(batch, length)


@dataclass(frozen=True)
class PrefixInputs:
    """What a prefix is made of.

    Attributes:
        images: of the present cameras (cameras, B, 3, height, width) in [-1, 1].
        tokens: instruction (B, L).
        counts: number of real tokens of the prefix (B,).
        query_positions: where the value query goes in (B,).
        masked: some sequences have padding behind their instruction.
    """

    images: Tensor
    tokens: Tensor
    counts: Tensor
    query_positions: Tensor
    masked: bool

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All but the last."""
        return self.images, self.tokens, self.counts, self.query_positions


@dataclass(frozen=True)
class PrefixLayout:
    """Where the real tokens of the padded prefix lie. Known on the CPU before anything is encoded.

    The released layout is: present cameras, absent cameras, instruction with its padding. Real tokens of a
    sequence are contiguous once the absent cameras are left out, so a token's position is its index.

    Attributes:
        image_tokens: tokens per camera.
        present: number of present cameras.
        absent: number of declared but absent cameras.
        text_counts: real instruction tokens (B,), on the CPU.
    """

    image_tokens: int
    present: int
    absent: int
    text_counts: Tensor

    @property
    def counts(self) -> Tensor:
        """Number of real tokens (B,)."""
        return self.text_counts + self.present * self.image_tokens

    @property
    def query_positions(self) -> Tensor:
        """Position of the value query, whose slot in the padded prefix is the number of real tokens (B,).

        With absent cameras that slot lies before some or all of the instruction.
        """
        # Slots are: present cameras, absent cameras, text. The query's slot is the number of real tokens, so
        # `text_counts` slots after the present cameras. The absent cameras take the first of these. Text before the
        # query is what is left over.
        text_before = (self.text_counts - self.absent * self.image_tokens).clamp(min=0)
        return text_before + self.present * self.image_tokens
