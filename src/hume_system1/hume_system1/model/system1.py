"""System 1: cascaded denoising of a segment of System 2's chunk."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hume_core.checkpoint import CheckpointReader
from hume_core.config import HumeConfig
from hume_core.errors import CheckpointError, ChunkError
from hume_core.flow import euler_times
from hume_core.observation import Observation
from hume_core.policy import PretrainedPolicy
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
        self._hot = {"encode_and_start": self.network.encode_and_start, "velocity": self.network.velocity}

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
        return self.network.embed_images(self.prepare_images(observation))

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
        # The cascade: System 2 ends its flow early, so its chunk still holds some noise. System 1 takes the flow up at
        # the time theta1 < 1, with the segment itself as x(theta1) and no fresh noise, and goes on to 0 on newer
        # images:
        #
        #     x(t - step) = x(t) - step v1(x(t), t | newest images and state, progress),    t = theta1, ..., step
        #
        # It was trained with a System 2 segment as the noise end of the lines x_t, so v1 leads from there to the
        # demonstrated motion. Few steps are enough, as only a short way is left (Hume paper, on cascaded action
        # denoising).
        step = self.config.theta1 / self.config.s1_num_steps
        times = torch.tensor(euler_times(self.config.theta1, step), device=segment.device)
        features = self.network.projections.time_features(times, self.network.compute_dtype)
        first, cache = self._hot["encode_and_start"](image_tokens, state, progress, segment, features[:1])
        rotary = self.network.rotary(cache[0][0].shape[2], segment.shape[1], segment.device)
        x = segment - step * first
        for row in features[1:]:
            x -= step * self._hot["velocity"](x, row[None], cache, rotary)
        return x

    def warm_up(self, repeats: int = 2) -> None:
        """Refine a chunk on a black observation, so that the first real segment is as fast as the others.

        Raises:
            CompileError: compiled with another result than without.
        """
        observation = self.blank_observation()
        generator = torch.Generator().manual_seed(0)
        chunk = torch.randn(1, self.config.s2_chunk_size, self.config.max_action_dim, generator=generator)
        still = torch.zeros(1, 1)
        for _ in range(repeats):
            self.refine(observation, chunk, moved=still)
        if self._compiled:
            self._check_compiled(lambda: self.refine(observation, chunk, moved=still))


def rows_from(chunk: Tensor, start: Tensor, length: int) -> Tensor:
    """Rows start (B,) .. + length of chunks (B, H, A), the last one repeated past the end."""
    rows = (start[:, None] + torch.arange(length, device=chunk.device)).clamp(max=chunk.shape[1] - 1)
    return chunk.gather(1, rows[..., None].expand(-1, -1, chunk.shape[-1]))
