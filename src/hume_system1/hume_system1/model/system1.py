"""System 1: cascaded denoising of a segment of System 2's chunk."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from hume_core.checkpoint import CheckpointReader
from hume_core.config import HumeConfig
from hume_core.engines import EagerEngine, Graph, Log
from hume_core.errors import CheckpointError, ChunkError
from hume_core.observation import Observation
from hume_core.policy import LOG, PretrainedPolicy
from hume_system1.model.denoising import Denoising, Vision
from hume_system1.model.names import to_stored
from hume_system1.model.network import System1Network


class System1(PretrainedPolicy):
    """Continues the denoising of a chunk on the newest images and robot state.

    Args:
        config: the checkpoint's configuration.
    """

    reduced_prefixes = ("network.vision.", "network.stack.")
    to_stored = staticmethod(to_stored)

    def __init__(self, config: HumeConfig) -> None:
        super().__init__(config)
        self.network = System1Network(config)

    @classmethod
    def build(cls, config: HumeConfig, reader: CheckpointReader) -> System1:
        """The policy without weights.

        Raises:
            CheckpointError: the folder holds System 2 alone.
        """
        if not config.has_system1:
            raise CheckpointError(
                f"{reader.folder} holds System 2 alone (type '{config.type}'). Run it with `refine:=false`, or train a "
                "System 1 for it"
            )
        return cls(config)

    @torch.inference_mode()
    def refine(
        self,
        observation: Observation,
        chunk: Any,
        progress: Any = 0.0,
        image_tokens: Tensor | None = None,
        moved: Any = None,
    ) -> Tensor:
        """Denoise the segment of the chunk that starts where the chunk is now.

        Args:
            observation: B observations, the newest. A state history shorter than the checkpoint's is filled
                with copies of its oldest state.
            chunk: System 2's chosen chunk, normalised and padded (B, H, A).
            progress: share of the chunk that has passed, in [0, 1): one number or (B,).
            image_tokens: what `encode_images` gave for these images, to spare the vision tower while they stay the
                same. None encodes them.
            moved: how far the joints are now from the chunk's anchor (B, n), rad. Only a checkpoint whose ``s1_origin``
                is "newest_state" needs it.

        Returns:
            Actions in real units (B, h, a), relative to the chunk's anchor. Row k is due k steps after the first.

        Raises:
            ChunkError: the chunk or the progress does not fit, or `moved` is missing.
            ObservationError: the observation does not fit.
        """
        segment, progress = self.segment(chunk, progress, observation.batch_size)
        if self.config.s1_origin == "anchor":
            return self.normalizer.unnormalise(self.denoise(observation, segment, progress, image_tokens))
        if moved is None:
            raise ChunkError("this checkpoint refines joint deltas from the newest state. `moved` must be given")
        shift = self.shift(torch.as_tensor(moved))
        return self.normalizer.unnormalise(self.denoise(observation, segment - shift, progress, image_tokens) + shift)

    def shift(self, moved: Tensor) -> Tensor:
        """How far the joints moved (B, n), rad, in normalised, padded actions (B, 1, A)."""
        return self.normalizer.action_difference(moved.to(self.device, torch.float32))[:, None]

    @torch.inference_mode()
    def encode_images(self, observation: Observation) -> Tensor:
        """Tokens of an observation's images (B, cameras * (1 + patches), width)."""
        images = self.prepare_images(observation)
        run = self._prepared.get(_key(images))
        return self.network.embed_images(images) if run is None else run(images)[0]

    def segment(self, chunk: Any, progress: Any, batch: int) -> tuple[Tensor, Tensor]:
        """Rows of the chunk from its progress on (B, h, A), its last row repeated past the end, and progress (B,).

        Where the rows start from the newest state they also start at its time, between two rows of the chunk.
        """
        config = self.config
        chunk = torch.as_tensor(chunk).to(self.device, torch.float32)
        shape = (batch, config.s2_chunk_size, config.max_action_dim)
        if tuple(chunk.shape) != shape:
            raise ChunkError(f"chunk has shape {list(chunk.shape)}. Expected (B, H, A) = {list(shape)}")
        progress = torch.as_tensor(progress, dtype=torch.float32)
        if progress.ndim > 1 or (progress.ndim == 1 and len(progress) != batch):
            raise ChunkError(f"progress has shape {list(progress.shape)}. Expected one number or ({batch},)")
        if progress.device.type == "cpu" and not bool(((progress >= 0) & (progress < 1)).all()):
            raise ChunkError(f"progress is {progress.tolist()}. It must lie in [0, 1)")
        # Row k of a chunk belongs to the time k rows after the observation. The progress s in [0, 1) is the share of
        # its H rows that has passed, so the segment for now starts at row trunc(s H). The product is rounded to float32
        # as in the released code: in float64 some segments would start one row earlier.
        progress = progress.to(self.device).expand(batch)
        place = progress * config.s2_chunk_size
        rows = rows_from(chunk, place.long(), config.s1_chunk_size)
        if config.s1_origin == "newest_state":
            following = rows_from(chunk, place.long() + 1, config.s1_chunk_size)
            rows = torch.lerp(rows, following, place.frac()[:, None, None])
        return rows, progress

    def state_history(self, observation: Observation) -> Tensor:
        """The last T normalised states (B, T, S) in the order the checkpoint was made for."""
        wanted = self.config.s1_his_state_size
        state = self.prepare_state(observation)[:, -wanted:]
        missing = wanted - state.shape[1]
        if missing > 0:
            state = torch.cat([state[:, :1].expand(-1, missing, -1), state], dim=1)
        return state.flip(1) if self.config.state_history_order == "newest_first" else state

    @torch.inference_mode()
    def denoise(
        self, observation: Observation, segment: Tensor, progress: Tensor, image_tokens: Tensor | None = None
    ) -> Tensor:
        """Euler integration from ``theta1`` to 0 in normalised, padded units.

        Args:
            observation: B observations.
            segment: where the flow starts (B, h, A).
            progress: (B,).
            image_tokens: see `refine`.

        Returns:
            (B, h, A).
        """
        if image_tokens is None:
            image_tokens = self.encode_images(observation)
        state = self.state_history(observation)
        run = self._prepared.get(_key(image_tokens)) or self._denoising()
        return run(image_tokens, state, progress, segment)[0]

    def _denoising(self) -> Denoising:
        return Denoising(self.network, self.config.theta1, self.config.s1_num_steps)

    @torch.inference_mode()
    def graphs(self, observation: Observation) -> dict[Hashable, Graph]:
        """What is computed for observations like this one: its vision and its denoising.

        Args:
            observation: B observations. Only sizes and the set of cameras count.
        """
        config, batch, random = self.config, observation.batch_size, torch.Generator().manual_seed(0)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=random).to(self.device)

        images = normal(*self.prepare_images(observation).shape).clamp(-1.0, 1.0)
        tokens = self.network.embed_images(images)
        inputs = {
            "image_tokens": tokens,
            "state": normal(batch, config.s1_his_state_size, config.max_state_dim),
            "progress": torch.full((batch,), 0.25, device=self.device),
            "segment": normal(batch, config.s1_chunk_size, config.max_action_dim),
        }
        vision = Graph("system1_vision", Vision(self.network), {"images": images}, ("tokens",))
        constants = f"{config.s1_num_steps} steps from {config.theta1}"
        denoising = Graph("system1_denoising", self._denoising(), inputs, ("actions",), constants=constants)
        dtype = self.network.compute_dtype
        return {_key(images): replace(vision, dtype=dtype), _key(tokens): replace(denoising, dtype=dtype)}

    def prepare(self, observation: Observation, log: Log = LOG) -> None:
        """Let the engine make its functions for observations like this one.

        Args:
            observation: see `graphs`.
            log: told what takes time, and what does not work.
        """
        if not isinstance(self.engine, EagerEngine):
            self._prepare(self.graphs(observation), log)

    def warm_up(self, repeats: int = 2, log: Log = LOG) -> None:
        """Prepare and refine a chunk on a black observation, so that the first real segment is as fast as the others.

        Args:
            repeats: how often.
            log: see `prepare`.
        """
        observation = self.blank_observation()
        self.prepare(observation, log)
        generator = torch.Generator().manual_seed(0)
        chunk = torch.randn(1, self.config.s2_chunk_size, self.config.max_action_dim, generator=generator)
        still = torch.zeros(1, 1)
        for _ in range(repeats):
            self.refine(observation, chunk, moved=still)


def _key(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def rows_from(chunk: Tensor, start: Tensor, length: int) -> Tensor:
    """Rows start (B,) .. + length of chunks (B, H, A), the last one repeated past the end."""
    rows = (start[:, None] + torch.arange(length, device=chunk.device)).clamp(max=chunk.shape[1] - 1)
    return chunk.gather(1, rows[..., None].expand(-1, -1, chunk.shape[-1]))
