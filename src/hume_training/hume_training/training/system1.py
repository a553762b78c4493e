"""`hume train system1`: the flow from System 2's sampled chunks to the demonstrated motion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.data.demonstrations import Demonstrations
from hume_training.losses import flow_time, masked_mean, noise_segment, system1_flow
from hume_training.training.auxiliary import Readings, reader
from hume_training.training.batches import Batches
from hume_training.training.config import System1Config
from hume_training.training.dataset import training_data
from hume_training.training.loop import TrainingOutcome, train
from hume_training.training.lora import Adapters, loading_type
from hume_training.training.parallel import Processes
from hume_training.training.recompute import recompute_layers
from hume_training.training.sampling import batch_indices, step_generator
from hume_training.training.sharding import shard, sharding_wanted
from hume_training.training.taught import keep_contract, taught_rows
from hume_training.training.warm_start import warm_start

_PROPOSALS = "proposals.safetensors"
_BATCH = 64


class System1Objective:
    """Flow-matching loss of System 1, whose noise end is a segment of System 2's chunk.

    The chunk was proposed at one frame. System 1 sees a later one of the same episode, up to `largest_delay`
    rows on, and learns what was done from there, relative to the chunk's own anchor.

    Args:
        config: of the run.
        batches: frames of the demonstrations.
        system1: the model.
        frames: frames that have a proposal (P,).
        proposals: System 2's chunks, normalised and padded (P, H, A).
    """

    def __init__(
        self,
        config: System1Config,
        batches: Batches,
        system1: System1,
        frames: NDArray[np.int64],
        proposals: Tensor,
    ) -> None:
        self._config, self._batches, self._system1 = config, batches, system1
        self._frames, self._proposals = frames, proposals
        self._adapters = prepare_network(config, system1)
        self.modules: dict[str, nn.Module] = (
            {"network": system1.network} if self._adapters is None else dict(self._adapters.modules)
        )
        width = system1.network.stack_config.hidden_size
        self._readings = Readings(
            config, batches.rows, lambda size: reader(width, size).to(system1.device), relative=True
        )
        self.modules |= self._readings.modules

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Objective`."""
        config, system1, data = self._config, self._system1, self._batches.data
        sizes = system1.config
        generator = step_generator(config.seed, step)
        picked = batch_indices(len(self._frames), config.batch_size, config.seed, step)
        frames, proposed = self._frames[picked], self._proposals[torch.from_numpy(picked)]
        delay = torch.randint(0, config.largest_delay + 1, (len(frames),), generator=generator)
        delay = torch.minimum(delay, torch.from_numpy(data.ends[frames] - frames))
        # The node starts anywhere inside a row.
        progress = (delay + 0.999 * torch.rand(len(frames), generator=generator)) / sizes.s2_chunk_size
        later = frames + delay.numpy()
        origin = frames if sizes.s1_origin == "anchor" else later
        target, beyond = self._target(origin, later)
        device = system1.device
        moved = self._batches.rows.moved(frames, origin)
        noise = self._noise(proposed, delay, generator) - system1.shift(torch.from_numpy(moved)).cpu()
        uniform = torch.rand(2, len(frames), generator=generator)
        time = sizes.theta1 * flow_time(uniform[0], uniform[1])
        observation = self._batches.observation(later, generator, sizes.s1_his_state_size)
        losses, features = system1_flow(
            system1,
            system1.prepare_images(observation),
            system1.state_history(observation),
            progress.to(device),
            system1.normalizer.action(target.to(device)),
            noise.to(device),
            time.to(device),
        )
        loss = masked_mean(losses, beyond.to(device))
        info = {"flow": loss.detach()}
        mean = features.mean(dim=1)
        return self._readings.add(loss, info, lambda reader: reader(mean), later), info

    def _noise(self, proposed: Tensor, delay: Tensor, generator: torch.Generator) -> Tensor:
        """Where the flow starts: segments of proposals (B, H, A), delay (B,) rows on (B, h, A)."""
        config, sizes = self._config, self._system1.config
        batch, _, width = proposed.shape
        noise = noise_segment(
            proposed,
            delay / sizes.s2_chunk_size,
            sizes.s1_chunk_size,
            shift=sizes.noise_slides_alp,
            spread=sizes.noise_slides_eps,
            uniform=torch.rand(batch, generator=generator),
            normal=torch.randn(batch, sizes.s1_chunk_size, width, generator=generator),
            hold_end=True,
        )
        if config.offset:
            noise = noise + config.offset * torch.randn(batch, 1, width, generator=generator)
        return noise

    def _target(self, origin: NDArray[np.int64], later: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """What was done from the later frames on, relative to the origin's (B, h, a), and the mask (B, h)."""
        batches, length = self._batches, self._system1.config.s1_chunk_size
        target, beyond = batches.rows.windows(origin, later, length)
        return torch.from_numpy(target), torch.from_numpy(beyond)

    def after_step(self) -> None:
        """Nothing to do."""

    def learning_rates(self) -> dict[str, float]:
        """All alike."""
        return {}

    def export(self, folder: Path) -> None:
        """See `Objective`."""
        if self._adapters is None:
            self._system1.save_pretrained(folder)
        else:
            self._adapters.export(folder)


def prepare_network(config: System1Config, system1: System1) -> Adapters | None:
    """Let the network of System 1 learn as the configuration says. The adapters, where it says so."""
    network = system1.network
    adapters = None
    if config.lora.rank:
        adapters = Adapters(system1, config.lora, ("stack",), config.seed)
    else:
        network.requires_grad_(True)
        network.vision.requires_grad_(not config.freeze_vision)
    if torch.device(config.device).type == "cpu":
        # The backward pass of the fused kernel takes several times as long on a CPU in bfloat16.
        network.vision.tower.set_attn_implementation("eager")
    if config.gradient_checkpointing:
        recompute_layers([network])
    if sharding_wanted():
        shard(network, config.device)
        system1.to(config.device)
    return adapters


def propose(config: System1Config, batches: Batches, system2: System2 | None) -> tuple[NDArray[np.int64], Tensor]:
    """Sample one chunk of System 2 for random frames. Kept in the run's folder.

    Args:
        config: of the run.
        batches: frames of the demonstrations.
        system2: not needed where the run's folder has the chunks.

    Returns:
        Frames (P,) and normalised, padded chunks (P, H, A).
    """
    path = Path(config.output) / _PROPOSALS
    if path.is_file():
        kept = load_file(path)
        return kept["frames"].numpy(), kept["chunks"]
    assert system2 is not None
    rng = np.random.default_rng([config.seed, 4])
    count = min(config.proposals, len(batches.frames))
    frames = np.sort(rng.choice(batches.frames, count, replace=False))
    generator = step_generator(config.seed, -1 % 2**32)
    chunks = []
    with Progress(console=Console(stderr=True)) as progress:
        for first in progress.track(range(0, count, _BATCH), description="System 2 proposes"):
            part = frames[first : first + _BATCH]
            observation = batches.observation(part, generator)
            if config.chosen:
                thought = system2.think(observation, time_temp=(config.min_flow_time, 1.0), generator=generator)
            else:
                start = config.min_flow_time + (1.0 - config.min_flow_time) * float(torch.rand(1, generator=generator))
                thought = system2.think(observation, 1, (start, start), generator=generator)
            chunks.append(thought.chunk.float().cpu().clone())
    proposals = torch.cat(chunks)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"frames": torch.from_numpy(frames), "chunks": proposals}, path)
    return frames, proposals


def _close_ones(
    config: System1Config, batches: Batches, system1: System1, frames: NDArray[np.int64], proposals: Tensor
) -> Tensor:
    """Which proposals (P,) differ from the demonstration by no more than `max_proposal_error`."""
    chunks, beyond = batches.chunks(frames)
    size = chunks.shape[-1]
    target = system1.normalizer.action(chunks.to(system1.device)).cpu()
    counts = (~beyond)[..., None].float()
    squares = ((proposals - target)[..., :size].square() * counts).sum(1) / counts.sum(1).clamp(min=1.0)
    gaps = squares.amax(dim=1).sqrt()
    kept = gaps <= config.max_proposal_error
    if not kept.any():
        raise ConfigError(
            f"no proposal is within max_proposal_error={config.max_proposal_error} of its demonstration. The gaps are "
            f"{float(gaps.min()):.3g} to {float(gaps.max()):.3g}, median {float(gaps.median()):.3g}. Raise it"
        )
    return kept


def train_system1(
    config: System1Config, stop_after: int | None = None, data: Demonstrations | None = None
) -> TrainingOutcome:
    """Train System 1 of the checkpoint that the configuration names. See `train`."""
    torch.set_num_threads(config.threads)
    # A checkpoint that cannot be loaded shows before the dataset is read.
    system1 = System1.from_pretrained(config.checkpoint, device=config.device, dtype=loading_type(config.lora))
    system2 = None
    if config.warm_start or not (Path(config.output) / _PROPOSALS).is_file():
        system2 = System2.from_pretrained(config.checkpoint, device=config.device)
    rows = taught_rows(config, data or training_data(config), system1.contract)
    keep_contract(system1, rows, config.output)
    system1.config = replace(system1.config, s1_origin=config.relative_to or system1.config.s1_origin)
    batches = Batches(rows, system1.config, config.seed, config.batch_size, config.image_shift)
    with Processes(config.device).main_first():
        frames, proposals = propose(config, batches, system2)
    kept = _close_ones(config, batches, system1, frames, proposals)
    frames, proposals = frames[kept.numpy()], proposals[kept]
    if config.warm_start and system2 is not None:
        warm_start(system1, system2)
    # It is not needed any more, and large.
    del system2
    return train(config, System1Objective(config, batches, system1, frames, proposals), stop_after=stop_after)
