"""The released padded layout, computed in full: absent cameras, padded instruction, inserted query.

The shipped models leave out what no token can see. This computes them all, to compare every recorded slot.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hume_core import Observation
from hume_core.nn.attention import MASKED
from hume_core.policy import PretrainedPolicy
from hume_system1.model import System1
from hume_system2.model import System2


@dataclass(frozen=True)
class PaddedPrefix:
    """Embeddings (B, P, width) and which slots are real (B, P)."""

    embeddings: Tensor
    valid: Tensor

    @property
    def positions(self) -> Tensor:
        """Position of every slot: real slots so far minus one (B, P)."""
        return self.valid.long().cumsum(dim=1) - 1

    @property
    def bias(self) -> Tensor:
        """Bias (B, 1, P, P): real slots see real slots. A padded slot sees all alike."""
        pairs = self.valid[:, None, :, None] & self.valid[:, None, None, :]
        return torch.where(pairs, 0.0, MASKED)


def padded_images(policy: PretrainedPolicy, observation: Observation) -> tuple[Tensor, Tensor]:
    """Present cameras, then absent ones as -1 (cameras, B, 3, height, width), and masks (cameras, B)."""
    images = policy.prepare_images(observation)
    present, batch = images.shape[:2]
    absent = len(policy.config.camera_keys) - present
    blank = images.new_full((absent, *images.shape[1:]), -1.0)
    mask = torch.arange(present + absent) < present
    return torch.cat([images, blank]), mask[:, None].expand(-1, batch)


def padded_system2(system2: System2, observation: Observation) -> PaddedPrefix:
    """System 2's prefix with every slot."""
    images, image_mask = padded_images(system2, observation)
    tokens, token_mask = system2.tokenizer(observation.task)
    embeddings = torch.cat([system2.network.embed_images(images), system2.network.embed_text(tokens)], dim=1)
    slots = image_mask.T.repeat_interleave(system2.image_tokens, dim=1)
    return PaddedPrefix(embeddings, torch.cat([slots, token_mask], dim=1))


def padded_system1(system1: System1, observation: Observation) -> PaddedPrefix:
    """System 1's prefix with every slot."""
    images, image_mask = padded_images(system1, observation)
    embeddings = system1.network.embed_images(images)
    per_camera = embeddings.shape[1] // images.shape[0]
    return PaddedPrefix(embeddings, image_mask.T.repeat_interleave(per_camera, dim=1))


def padded_value_prefix(prefix: PaddedPrefix, query: Tensor) -> tuple[PaddedPrefix, Tensor]:
    """The prefix with the query inserted at the number of real slots, and those indices (B,)."""
    index = prefix.valid.sum(dim=1)
    rows, masks = [], []
    for embedding, valid, at in zip(prefix.embeddings, prefix.valid, index.tolist(), strict=True):
        rows.append(torch.cat([embedding[:at], query[None].to(embedding.dtype), embedding[at:]]))
        masks.append(torch.cat([valid[:at], valid.new_ones(1), valid[at:]]))
    return PaddedPrefix(torch.stack(rows), torch.stack(masks)), index
