"""One thought for the node: observation in, numpy arrays out. No ROS inside."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.engines import Log
from hume_core.observation import Observation
from hume_core.policy import LOG
from hume_system2.model import System2
from hume_system2.model.thought import Thought
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.settings import System2Settings


@dataclass(frozen=True)
class ThinkingOptions:
    """How System 2 searches.

    Attributes:
        candidates: number N of candidate chunks. 0: as many as the checkpoint says.
        time_temp, noise_temp: (lowest, highest) over the candidates (paper, section on value-guided thinking). A single
            candidate has the highest time.
        chooser: how a chunk is chosen, see `hume_system2.choosers`.
        seed: of the noise. Negative: from the operating system.
        threads: torch threads on the CPU.
    """

    candidates: int = System2Settings.candidates
    time_temp: tuple[float, float] = System2Settings.time_temp
    noise_temp: tuple[float, float] = System2Settings.noise_temp
    chooser: str = System2Settings.chooser
    seed: int = System2Settings.seed
    threads: int = System2Settings.threads

    @classmethod
    def of(cls, settings: System2Settings) -> ThinkingOptions:
        """As the node was started."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def start_times(self, candidates: int) -> tuple[float, float]:
        """Lowest and highest start time of so many candidates.

        Noise that a candidate keeps makes it differ from the others. A single one has no others, and noise that nobody
        chooses is only noise: so it is denoised as far as any.
        """
        lowest, highest = self.time_temp
        return (lowest, highest) if candidates > 1 else (highest, highest)


@dataclass(frozen=True)
class ThoughtResult:
    """What came of one thought.

    Attributes:
        chunk: (H, A) float32, normalised policy units.
        candidates: (N, H, a) float32, real units.
        values: (N,) float32, Q of each candidate.
        noise_levels: (N,) float32, flow time left in each candidate.
        weights: (N,) float32, share of each candidate in the chunk.
        duration: s.
    """

    chunk: NDArray[np.float32]
    candidates: NDArray[np.float32]
    values: NDArray[np.float32]
    noise_levels: NDArray[np.float32]
    weights: NDArray[np.float32]
    duration: float

    @classmethod
    def of(cls, system2: System2, thought: Thought, duration: float) -> ThoughtResult:
        """Of a thought about one observation, which took `duration` s."""
        return cls(
            chunk=thought.chunk[0].float().cpu().numpy(),
            candidates=system2.unnormalise(thought.candidates[0]).float().cpu().numpy(),
            values=thought.values[0].float().cpu().numpy(),
            noise_levels=thought.noise_levels.float().cpu().numpy(),
            weights=thought.weights[0].float().cpu().numpy(),
            duration=duration,
        )

    @property
    def index(self) -> int:
        """The candidate of the highest Q."""
        return int(self.values.argmax())

    @property
    def value(self) -> float:
        """Q of the chunk."""
        return float(self.weights @ self.values)

    @property
    def noise_level(self) -> float:
        """Flow time left in the chunk."""
        return float(self.weights @ self.noise_levels)

    @property
    def spread(self) -> float:
        """Highest minus lowest Q."""
        return float(self.values.max() - self.values.min())


class Thinker:
    """System 2 with its noise source.

    Args:
        system2: the model.
        options: how it searches.

    Raises:
        CheckpointError: the checkpoint has no values to choose by.
    """

    def __init__(self, system2: System2, options: ThinkingOptions) -> None:
        self._system2 = system2
        self.options = replace(options, candidates=options.candidates or system2.config.num_candidates)
        """As given, N filled in."""
        system2.check_choice(self.options.candidates, self.options.chooser)
        self._generator = torch.Generator(device="cpu")
        self._choices = torch.Generator(device="cpu")
        if options.seed < 0:
            self._generator.seed()
            self._choices.seed()
        else:
            self._generator.manual_seed(options.seed)
            self._choices.manual_seed(options.seed + 1)

    @property
    def cameras(self) -> list[str]:
        """Camera keys that the policy wants, in its order."""
        return list(self._system2.config.camera_keys)

    def check_instruction(self, instruction: str) -> None:
        """Refuse an instruction that the policy cannot take unchanged.

        Raises:
            ObservationError: names what is wrong with it.
        """
        self._system2.tokenizer.check(instruction)

    def enter_thread(self) -> None:
        """Call this first in the thread that thinks: the libraries below torch count threads per calling thread."""
        torch.set_num_threads(self.options.threads)

    def warm_up(self, log: Log = LOG, numbers: Sequence[int] = ()) -> None:
        """Prepare the engine and think about blank input, so that the first real thought is not slow.

        Args:
            log: told what takes time, and what does not work.
            numbers: of candidates that thoughts will take. Empty: that of the options.
        """
        options = self.options
        for count in numbers or (options.candidates,):
            self._system2.warm_up(count, 2, options.start_times(count), options.noise_temp, log)

    def think(
        self, observation: Observation, in_progress: MotionInProgress | None = None, candidates: int | None = None
    ) -> ThoughtResult:
        """Choose a chunk for one observation (batch of one).

        Args:
            observation: what is seen.
            in_progress: what is being carried out meanwhile.
            candidates: take the first so many only. They have the noise that they would have among all, and so have
                those of later thoughts. None: all.
        """
        started = time.monotonic()
        options = self.options
        count = options.candidates if candidates is None else candidates
        noise = self._system2.draw_noise(options.candidates, observation.batch_size, self._generator)
        thought = self._system2.think(
            observation,
            num_candidates=count,
            time_temp=options.start_times(count),
            noise_temp=options.noise_temp,
            noise=noise[:count],
            chooser=options.chooser,
            choices=self._choices,
            in_progress=(in_progress,),
        )
        return ThoughtResult.of(self._system2, thought, time.monotonic() - started)
