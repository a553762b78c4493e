"""System 2: best-of-N thinking."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hume_core.checkpoint import CheckpointReader
from hume_core.config import HumeConfig
from hume_core.engines import EagerEngine, Graph, Log
from hume_core.errors import CheckpointError, ObservationError
from hume_core.flow import CandidateSchedule, candidate_schedule
from hume_core.nn.gemma import StackConfig
from hume_core.observation import Observation
from hume_core.policy import LOG, PretrainedPolicy
from hume_core.tokenizer import InstructionTokenizer
from hume_system2.choosers import BY_VALUE, CHOOSERS
from hume_system2.model.names import VALUE_LM_HEAD, to_stored
from hume_system2.model.network import System2Network
from hume_system2.model.prefix import Prefix, PrefixInputs, PrefixLayout
from hume_system2.model.thinking import Thinking
from hume_system2.model.thought import Thought, combine
from hume_system2.model.value_head import NoValueHead, ValueQueryHead
from hume_system2.model.value_stack import FILE as VALUE_STACK_FILE
from hume_system2.model.value_stack import SECTION, value_stack_config
from hume_system2.motion_in_progress import MotionInProgress, disagreement


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
        in_progress: Sequence[MotionInProgress | None] = (),
        agreement_weight: float | None = None,
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
            in_progress: what is being carried out, of each observation. Empty: nothing.
            agreement_weight: what disagreeing with it costs. None: as the checkpoint says.

        Raises:
            CheckpointError: there is no value head to choose with.
            ObservationError: the observation, the noise or N does not fit.
        """
        count = self._count(num_candidates)
        self.check_choice(count, chooser)
        schedule = self._schedule(count, time_temp, noise_temp)
        batch = observation.batch_size
        noise = self.draw_noise(count, batch, generator) if noise is None else self._checked_noise(noise, count, batch)
        prefix = self._prefix_inputs(observation)
        state = self.prepare_state(observation)[:, -1]
        run = self._prepared.get(_key(schedule, prefix))
        run = self._thinking(schedule, prefix.masked) if run is None else run
        candidates, values = run(*prefix.tensors, state, noise)
        weight = self.config.agreement_weight if agreement_weight is None else agreement_weight
        scores = values
        if weight and any(in_progress):
            # Q - w d: a candidate has to be worth so much more as it bends the motion in progress.
            scores = values - weight * disagreement(candidates, in_progress, self.normalizer, self.config.action_dim)
        weights = CHOOSERS[chooser](candidates, scores, self.config.value_temperature, choices)
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

    def draw_noise(self, num_candidates: int, batch_size: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Starting noise (N, B, H, A) as `think` draws it."""
        device = self.device if generator is None else generator.device
        shape = self._noise_shape(num_candidates, batch_size)
        return torch.randn(shape, generator=generator, device=device).to(self.device)

    def _noise_shape(self, n: int, batch: int) -> tuple[int, int, int, int]:
        return n, batch, self.config.s2_chunk_size, self.config.max_action_dim

    def _checked_noise(self, noise: Tensor, n: int, batch: int) -> Tensor:
        shape = self._noise_shape(n, batch)
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
        prefix = self._prefix_inputs(observation, absent_cameras)
        return self.network.embed_prefix(*prefix.tensors, prefix.masked)

    def _prefix_inputs(self, observation: Observation, absent_cameras: bool = True) -> PrefixInputs:
        images = self.prepare_images(observation)
        tokens, mask = self.tokenizer(observation.task)
        text_counts = mask.sum(dim=1)
        padded = self.engine.fixed_sizes
        length = self.config.tokenizer_max_length if padded else int(text_counts.max())
        absent = len(self.config.camera_keys) - images.shape[0] if absent_cameras else 0
        layout = PrefixLayout(self.image_tokens, images.shape[0], absent, text_counts)
        counts, query = layout.counts.to(self.device), layout.query_positions.to(self.device)
        masked = padded or bool((text_counts != length).any())
        return PrefixInputs(images, tokens[:, :length].to(self.device), counts, query, masked)

    @property
    def image_tokens(self) -> int:
        """Tokens per camera."""
        return self.network.vision.tower.embeddings.num_positions

    def _thinking(self, schedule: CandidateSchedule, masked: bool) -> Thinking:
        return Thinking(self.network, self.value_head, schedule, masked)

    @torch.inference_mode()
    def graphs(
        self,
        observation: Observation,
        num_candidates: int | None = None,
        time_temp: Sequence[float] = (0.9, 1.0),
        noise_temp: Sequence[float] = (1.0, 1.0),
    ) -> dict[Hashable, Graph]:
        """What is computed for thoughts like this one.

        Args:
            observation: B observations. Only sizes and the set of cameras count, and instructions may be of any length.
            num_candidates: see `think`.
            time_temp: see `think`.
            noise_temp: see `think`.
        """
        random = torch.Generator().manual_seed(0)
        count, batch = self._count(num_candidates), observation.batch_size
        schedule = self._schedule(count, time_temp, noise_temp)
        prefix = self._prefix_inputs(observation)
        inputs = {
            "images": torch.randn(prefix.images.shape, generator=random).clamp(-1.0, 1.0).to(self.device),
            "tokens": prefix.tokens,
            "counts": prefix.counts,
            "query_positions": prefix.query_positions,
            "state": torch.randn(batch, self.config.max_state_dim, generator=random).to(self.device),
            "noise": self.draw_noise(count, batch, random),
        }
        thinking = Graph(
            "system2_thinking",
            self._thinking(schedule, prefix.masked),
            inputs,
            ("candidates", "values"),
            free={} if self.engine.fixed_sizes else {"tokens": 1},
            constants=f"{schedule} masked {prefix.masked}",
            dtype=self.network.compute_dtype,
        )
        return {_key(schedule, prefix): thinking}

    def prepare(
        self,
        observation: Observation,
        num_candidates: int | None = None,
        time_temp: Sequence[float] = (0.9, 1.0),
        noise_temp: Sequence[float] = (1.0, 1.0),
        log: Log = LOG,
    ) -> None:
        """Let the engine make its function for thoughts like this one.

        Args:
            observation: see `graphs`.
            num_candidates: see `think`.
            time_temp: see `think`.
            noise_temp: see `think`.
            log: told what takes time, and what does not work.
        """
        if not isinstance(self.engine, EagerEngine):
            self._prepare(self.graphs(observation, num_candidates, time_temp, noise_temp), log)

    def warm_up(
        self,
        num_candidates: int | None = None,
        repeats: int = 2,
        time_temp: Sequence[float] = (0.9, 1.0),
        noise_temp: Sequence[float] = (1.0, 1.0),
        log: Log = LOG,
    ) -> None:
        """Prepare, and think about a black observation, so that the first real thought is as fast as the others.

        Args:
            num_candidates: see `think`.
            time_temp: see `think`.
            noise_temp: see `think`.
            repeats: how often.
            log: see `prepare`.
        """
        observation = self.blank_observation()
        self.prepare(observation, num_candidates, time_temp, noise_temp, log)
        # Whatever the chooser will be: choosing takes no time.
        chooser = next(name for name in CHOOSERS if name not in BY_VALUE)
        for _ in range(repeats):
            self.think(observation, num_candidates, time_temp, noise_temp, chooser=chooser)


def _key(schedule: CandidateSchedule, prefix: PrefixInputs) -> Hashable:
    return schedule, tuple(prefix.images.shape), prefix.masked
