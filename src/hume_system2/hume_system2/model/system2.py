"""System 2: best-of-N thinking."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hume_core.checkpoint import CheckpointReader
from hume_core.config import HumeConfig
from hume_core.errors import CheckpointError, ObservationError
from hume_core.flow import CandidateSchedule, candidate_schedule
from hume_core.nn.gemma import Cache, StackConfig, cache_tail, repeat_cache
from hume_core.nn.rope import Rotary
from hume_core.observation import Observation
from hume_core.policy import PretrainedPolicy
from hume_core.tokenizer import InstructionTokenizer
from hume_system2.choosers import BY_VALUE, CHOOSERS
from hume_system2.model.names import VALUE_LM_HEAD, to_stored
from hume_system2.model.network import System2Network
from hume_system2.model.prefix import Prefix, PrefixLayout
from hume_system2.model.thought import Thought, combine
from hume_system2.model.value_head import NoValueHead, ValueQueryHead
from hume_system2.model.value_stack import FILE as VALUE_STACK_FILE
from hume_system2.model.value_stack import SECTION, value_stack_config


class System2(PretrainedPolicy):
    """Proposes N candidate chunks at different noise levels and chooses among them by their values.

    Args:
        config: the checkpoint's configuration.
        value_stack: size of the value head's stack. None: a System 2 that was published alone has no value head.
        tokenizer: instruction tokenizer.
    """

    reduced_prefixes = (
        "network.vision.",
        "network.language.",
        "network.token_embedding.",
        "network.expert.",
        "value_head.query",
        "value_head.stack.",
    )
    to_stored = staticmethod(to_stored)

    def __init__(self, config: HumeConfig, value_stack: StackConfig | None, tokenizer: InstructionTokenizer) -> None:
        super().__init__(config)
        self.tokenizer = tokenizer
        self.network = System2Network(config)
        self.value_head: Any = NoValueHead() if value_stack is None else ValueQueryHead(config, value_stack)
        self._hot = {"encode": self.network.encode, "velocity": self.network.velocity}

    @classmethod
    def build(cls, config: HumeConfig, reader: CheckpointReader) -> System2:
        """The policy without weights."""
        tokenizer = InstructionTokenizer(reader.folder, config.tokenizer_max_length)
        vocabulary = config.paligemma_config["text_config"]["vocab_size"]
        if tokenizer.highest_id >= vocabulary:
            raise CheckpointError(
                f"tokenizer.json in {reader.folder} has a token {tokenizer.highest_id}, but config.json "
                f"allows {vocabulary}"
            )
        return cls(config, value_stack_config(reader) if config.has_system1 else None, tokenizer)

    def rebuild_buffers(self) -> None:
        """Make the buffers that no checkpoint stores."""
        self.network.vision.rebuild_buffers()

    def _tensors_to_save(self) -> dict[str, Tensor]:
        tensors = super()._tensors_to_save()
        if self._source is None:
            vocabulary = self.network.token_embedding.num_embeddings
            tensors[VALUE_LM_HEAD] = torch.zeros(vocabulary, self.value_head.query.shape[0])
        return tensors

    def save_extra_files(self, folder: Path) -> None:
        """Write the tokenizer's files and the value stack's size."""
        self.tokenizer.save(folder)
        content = {SECTION: asdict(self.value_head.stack.config) | {"model_type": "gemma"}}
        (folder / VALUE_STACK_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")

    @torch.inference_mode()
    def think(
        self,
        observation: Observation,
        num_candidates: int | None = None,
        time_temp: Sequence[float] = (0.9, 1.0),
        noise_temp: Sequence[float] = (1.0, 1.0),
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        chooser: str = "value",
        choices: torch.Generator | None = None,
    ) -> Thought:
        """Propose, value and choose.

        Args:
            observation: B observations. The newest state counts.
            num_candidates: N. None: as many as the checkpoint says.
            time_temp: lowest and highest start time. Below 1 a candidate keeps some noise for System 1.
            noise_temp: lowest and highest factor on the velocity.
            noise: starting noise (N, B, H, A). Drawn where None.
            generator: source of the draw.
            chooser: how to choose, a key of `CHOOSERS`.
            choices: source of the draws of a chooser. One of its own, so that choosing moves no noise.

        Raises:
            CheckpointError: there is no value head to choose with.
            ObservationError: the observation, the noise or N does not fit.
        """
        count = self._count(num_candidates)
        self.check_choice(count, chooser)
        schedule = self._schedule(count, time_temp, noise_temp)
        noise = self._noise(noise, count, observation.batch_size, generator)
        prefix = self.embed_prefix(observation)
        cache = self._hot["encode"](prefix, self.prepare_state(observation)[:, -1])
        candidates = self.integrate(prefix, cache, noise, schedule)
        values = self.value_head(prefix, candidates)
        weights = CHOOSERS[chooser](candidates, values, self.config.value_temperature, choices)
        chunk = combine(candidates, weights)
        levels, steps = torch.tensor(schedule.noise_levels), torch.tensor(schedule.counts)
        return Thought(candidates, values, weights, chunk, levels, steps)

    def check_choice(self, num_candidates: int, chooser: str) -> None:
        """Refuse a choice by values that nothing gives.

        Raises:
            CheckpointError: names the choosers that do without.
        """
        if self.config.has_system1 or num_candidates == 1 or chooser not in BY_VALUE:
            return
        others = [name for name in CHOOSERS if name not in BY_VALUE]
        raise CheckpointError(
            f"the checkpoint is a System 2 alone: without a value head chooser '{chooser}' cannot choose among "
            f"{num_candidates} candidates. Take 1 candidate, or chooser {', '.join(others)}"
        )

    def _count(self, asked: int | None) -> int:
        return self.config.num_candidates if asked is None else asked

    def _schedule(self, n: int, time_temp: Sequence[float], noise_temp: Sequence[float]) -> CandidateSchedule:
        if n < 1:
            raise ObservationError(f"num_candidates is {n}. At least 1 is needed")
        config = self.config
        return candidate_schedule(
            n, config.num_steps, time_temp, noise_temp, 1.0 - config.theta2, config.noise_schedule
        )

    def _noise(self, noise: Tensor | None, n: int, batch: int, generator: torch.Generator | None) -> Tensor:
        shape = (n, batch, self.config.s2_chunk_size, self.config.max_action_dim)
        if noise is None:
            device = self.device if generator is None else generator.device
            return torch.randn(shape, generator=generator, device=device).to(self.device)
        noise = torch.as_tensor(noise).to(self.device, torch.float32)
        if noise.shape != shape:
            raise ObservationError(f"noise has shape {list(noise.shape)}. Expected (N, B, H, A) = {list(shape)}")
        return noise

    def embed_prefix(self, observation: Observation, absent_cameras: bool = True) -> Prefix:
        """Encode images and instruction, once per thought.

        Args:
            observation: B observations.
            absent_cameras: let absent cameras move the value query, as the released inference does. The
                released training leaves them out.
        """
        images = self.prepare_images(observation)
        tokens, mask = self.tokenizer(observation.task)
        text_counts = mask.sum(dim=1)
        length = self.config.tokenizer_max_length if self._compiled else int(text_counts.max())
        absent = len(self.config.camera_keys) - images.shape[0] if absent_cameras else 0
        layout = PrefixLayout(self.image_tokens, images.shape[0], absent, text_counts, length, self._compiled)
        return self.network.embed_prefix(images, tokens[:, :length], layout)

    @property
    def image_tokens(self) -> int:
        """Tokens per camera."""
        return self.network.vision.tower.embeddings.num_positions

    def integrate(self, prefix: Prefix, cache: Cache, noise: Tensor, schedule: CandidateSchedule) -> Tensor:
        """Euler integration of all candidates as one batch.

        Args:
            prefix: B sequences.
            cache: keys and values of prefix and state.
            noise: (N, B, H, A).
            schedule: flow times and noise scales of the candidates.

        Returns:
            Candidates (B, N, H, A), in the schedule's original order.
        """
        # Candidates take different numbers of steps. Sorted by it, those that still run are the end of the batch, which
        # is a view and no copy. All numbers of steps are known before the loop, so it never waits for the device.
        count, batch, horizon = noise.shape[:3]
        x = noise[schedule.order].flatten(0, 1).clone()
        features = self._time_features(schedule, batch)
        scales = torch.tensor([schedule.noise_scales[i] for i in schedule.order], device=x.device)
        scales = scales.repeat_interleave(batch)[:, None, None]
        rotary = _repeat_rotary(self.network.action_rotary(prefix, horizon), count)
        bias = self.network.suffix_bias(prefix, 1 + horizon)
        bias = None if bias is None else bias.repeat(count, 1, 1, 1)
        cache = repeat_cache(cache, count)
        for step in range(features.shape[0]):
            first = schedule.active_from(step) * batch
            rows = (rotary[0][first:], rotary[1][first:])
            seen = None if bias is None else bias[first:]
            velocity = self._hot["velocity"](x[first:], features[step, first:], cache_tail(cache, first), rows, seen)
            # Euler: x -= step * v * noise_temp, see `hume_core.flow.euler_times`.
            x[first:] -= schedule.step * velocity * scales[first:]
        result = torch.empty_like(x).unflatten(0, (count, batch))
        result[schedule.order] = x.unflatten(0, (count, batch))
        return result.transpose(0, 1).contiguous()

    def _time_features(self, schedule: CandidateSchedule, batch: int) -> Tensor:
        table = schedule.time_table().to(self.device)
        features = self.network.projections.time_features(table, self.network.compute_dtype)
        return features.repeat_interleave(batch, dim=1)

    def warm_up(self, num_candidates: int | None = None, repeats: int = 2) -> None:
        """Think about a black observation, so that the first real thought is as fast as the others.

        Raises:
            CompileError: compiled with another result than without.
        """
        observation = self.blank_observation()
        # Whatever the chooser will be: choosing takes no time.
        chooser = next(name for name in CHOOSERS if name not in BY_VALUE)
        for _ in range(repeats):
            self.think(observation, num_candidates, chooser=chooser)
        if self._compiled:
            noise = self._noise(None, self._count(num_candidates), 1, torch.Generator().manual_seed(0))
            self._check_compiled(
                lambda: self.think(observation, num_candidates, noise=noise, chooser=chooser).candidates
            )


def _repeat_rotary(rotary: Rotary, times: int) -> Rotary:
    return rotary[0].repeat(times, 1, 1, 1), rotary[1].repeat(times, 1, 1, 1)
