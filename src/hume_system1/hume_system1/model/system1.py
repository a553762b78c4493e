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
from hume_system1.model.denoising import Denoising, Refining, Vision, in_order, segment_at
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
            moved: how far the joints are now from the chunk's anchor (B, a), in numbers of a row. Only a
                checkpoint whose ``s1_origin`` is "newest_state" needs it.

        Returns:
            Actions in real units (B, h, a), relative to the chunk's anchor. Row k is due k steps after the first.

        Raises:
            ChunkError: the chunk or the progress does not fit, or `moved` is missing.
            ObservationError: the observation does not fit.
        """
        chunk, progress = self._checked(chunk, progress, observation.batch_size)
        if moved is None and self.config.s1_origin == "newest_state":
            raise ChunkError("this checkpoint refines joint deltas from the newest state. `moved` must be given")
        if image_tokens is None:
            image_tokens = self.encode_images(observation)
        inputs = (image_tokens, self._history(observation), progress, chunk, self._moved(moved, len(chunk)))
        run = self._prepared.get(_key(image_tokens))
        run = self._refining() if run is None else run
        return run(*inputs)[0]

    def _refining(self) -> Refining:
        return Refining(self.network, self.normalizer, self.config)

    def _moved(self, moved: Any, batch: int) -> Tensor:
        whole = torch.zeros(batch, self.config.action_dim)
        if moved is not None:
            moved = torch.as_tensor(moved)
            whole[:, : moved.shape[-1]] = moved
        return whole.to(self.device)

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
        chunk, progress = self._checked(chunk, progress, batch)
        return segment_at(self.config, chunk, progress), progress

    def _checked(self, chunk: Any, progress: Any, batch: int) -> tuple[Tensor, Tensor]:
        """Chunk and progress (B,) as tensors."""
        chunk = torch.as_tensor(chunk).to(self.device, torch.float32)
        shape = (batch, self.config.s2_chunk_size, self.config.max_action_dim)
        if tuple(chunk.shape) != shape:
            raise ChunkError(f"chunk has shape {list(chunk.shape)}. Expected (B, H, A) = {list(shape)}")
        progress = torch.as_tensor(progress, dtype=torch.float32)
        if progress.ndim > 1 or (progress.ndim == 1 and len(progress) != batch):
            raise ChunkError(f"progress has shape {list(progress.shape)}. Expected one number or ({batch},)")
        if progress.device.type == "cpu" and not all(0.0 <= share < 1.0 for share in progress.reshape(-1).tolist()):
            raise ChunkError(f"progress is {progress.tolist()}. It must lie in [0, 1)")
        return chunk, progress.to(self.device).expand(batch)

    def _history(self, observation: Observation) -> Tensor:
        """The last T states in real units (B, T, s), oldest first."""
        wanted = self.config.s1_his_state_size
        state = self.checked_state(observation)[:, -wanted:]
        missing = wanted - state.shape[1]
        return state if missing <= 0 else torch.cat([state[:, :1].expand(-1, missing, -1), state], dim=1)

    def state_history(self, observation: Observation) -> Tensor:
        """The last T normalised states (B, T, S) in the order the checkpoint was made for."""
        return in_order(self.config, self.normalizer.state(self._history(observation)))

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
        denoising = Denoising(self.network, self.config.theta1, self.config.s1_num_steps)
        result: Tensor = denoising(image_tokens, self.state_history(observation), progress, segment)[0]
        return result

    @torch.inference_mode()
    def graphs(self, observation: Observation) -> dict[Hashable, Graph]:
        """What `refine` computes for observations like this one: the vision tower, and everything after it.

        Args:
            observation: B observations. Only sizes and the set of cameras count.
        """
        config, batch, random = self.config, observation.batch_size, torch.Generator().manual_seed(0)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=random).to(self.device)

        images = normal(*self.prepare_images(observation).shape).clamp(-1.0, 1.0)
        tokens = self.network.embed_images(images)
        state = normal(batch, config.s1_his_state_size, config.state_dim)
        found = self.normalizer.state_distribution()
        inputs = {
            "image_tokens": tokens,
            "state": state if found is None else found[0] + state * found[1],
            "progress": torch.full((batch,), 0.26, device=self.device),
            "chunk": normal(batch, config.s2_chunk_size, config.max_action_dim),
            "moved": torch.full((batch, config.action_dim), 0.01, device=self.device),
        }
        vision = Graph("system1_vision", Vision(self.network), {"images": images}, ("tokens",))
        constants = (
            f"{config.s1_num_steps} steps from {config.theta1}, {config.s1_origin}, {config.state_history_order}"
        )
        refining = Graph("system1_refining", self._refining(), inputs, ("actions",), constants=constants)
        dtype = self.network.compute_dtype
        return {_key(images): replace(vision, dtype=dtype), _key(tokens): replace(refining, dtype=dtype)}

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
