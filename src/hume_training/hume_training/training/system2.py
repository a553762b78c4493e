"""`hume train system2`: flow matching on demonstrated chunks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from hume_core.checkpoint import resolve_folder
from hume_core.nn.gemma import Cache, repeat_cache
from hume_core.policy_contract import find_contract
from hume_system2.model import System2
from hume_system2.model.network import System2Network
from hume_system2.model.prefix import Prefix
from hume_training.data.contract import dataset_contract
from hume_training.data.taught_rows import TaughtRows
from hume_training.losses import flow_time, masked_mean
from hume_training.presets import find_preset
from hume_training.pretrained import create_from_pretrained, sized_by_system2, system2_alone
from hume_training.training.auxiliary import AttendedReader, EnvironmentReader, Readings
from hume_training.training.batches import Batches
from hume_training.training.config import System2Config
from hume_training.training.dataset import training_data
from hume_training.training.hook import evaluation_hook
from hume_training.training.loop import TrainingOutcome, train
from hume_training.training.lora import Adapters, loading_type
from hume_training.training.parallel import Processes
from hume_training.training.recompute import recompute_layers
from hume_training.training.sampling import step_generator
from hume_training.training.sharding import shard, sharding_wanted
from hume_training.training.taught import keep_contract, taught_rows


class System2Objective:
    """Flow-matching loss of System 2, and the auxiliary losses.

    Args:
        config: of the run.
        rows: of the demonstrations.
        system2: the model.
    """

    def __init__(self, config: System2Config, rows: TaughtRows, system2: System2) -> None:
        self._config, self.system2, data = config, system2, rows.data
        self.batches = Batches(rows, system2.config, config.seed, config.batch_size, config.image_shift)
        self.batches.weigh_starts(config.start_frames, config.start_weight)
        network = system2.network
        self._adapters = prepare_network(config, system2)
        self.modules: dict[str, nn.Module] = (
            {"network": network} if self._adapters is None else dict(self._adapters.modules)
        )
        self._environment: tuple[Tensor, Tensor] | None = None
        self._image_tokens = system2.image_tokens * len(system2.config.camera_keys)
        if data.environment is not None and config.auxiliary_weight > 0:
            self._add_auxiliary(torch.from_numpy(data.environment))
        width = system2.network.language_config.head_dim
        self._readings = Readings(
            config, rows, lambda size: AttendedReader(width, size).to(system2.device), relative=False
        )
        self.modules |= self._readings.modules

    def _add_auxiliary(self, environment: Tensor) -> None:
        self._environment = (environment, torch.stack([environment.mean(0), environment.std(0).clamp(min=1e-3)]))
        with torch.random.fork_rng():
            torch.manual_seed(self._config.seed)
            width = self.system2.network.language_config.hidden_size
            reader = EnvironmentReader(self._image_tokens, width, environment.shape[1])
        self.modules["auxiliary"] = reader.to(self.system2.device)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Objective`."""
        generator = step_generator(self._config.seed, step)
        frames = self.batches.draw(step)
        observation = self.batches.observation(frames, generator)
        actions, beyond = self.batches.chunks(frames)
        device = self.system2.device
        normalised = self.system2.normalizer.action(actions.to(device))
        prefix = self.system2.embed_prefix(observation)
        cache = self.system2.network.encode(prefix, self.system2.prepare_state(observation)[:, -1])
        network, draws = self.system2.network, self._config.draws
        loss = repeated_flow_loss(network, prefix, cache, normalised, beyond.to(device), draws, generator)
        info = {"flow": loss.detach()}
        if self._environment is not None:
            auxiliary = self._auxiliary(prefix, torch.from_numpy(frames))
            loss, info["auxiliary"] = loss + self._config.auxiliary_weight * auxiliary, auxiliary.detach()
        loss = self._readings.add(loss, info, lambda reader: reader(cache, prefix, self._image_tokens), frames)
        return loss, info

    def _auxiliary(self, prefix: Prefix, frames: Tensor) -> Tensor:
        assert self._environment is not None
        environment, (mean, std) = self._environment
        target = ((environment[frames] - mean) / std).to(prefix.embeddings.device)
        found = self.modules["auxiliary"](prefix.embeddings[:, : self._image_tokens].float())
        return (found - target).square().mean()

    def after_step(self) -> None:
        """Nothing to do."""

    def learning_rates(self) -> dict[str, float]:
        """All alike."""
        return {}

    def export(self, folder: Path) -> None:
        """See `Objective`."""
        if self._adapters is None:
            self.system2.save_pretrained(folder)
        else:
            self._adapters.export(folder)


def prepare_network(config: System2Config, system2: System2) -> Adapters | None:
    """Let the network of System 2 learn as the configuration says. The adapters, where it says so."""
    network = system2.network
    adapters = None
    if config.lora.rank:
        adapters = Adapters(system2, config.lora, ("language", "expert"), config.seed)
    else:
        network.requires_grad_(True)
        if config.freeze_prefix:
            for module in (network.vision, network.token_embedding):
                module.requires_grad_(False)
    if torch.device(config.device).type == "cpu":
        # The backward pass of the fused kernel takes several times as long on a CPU in bfloat16.
        network.vision.tower.set_attn_implementation("eager")
    if config.gradient_checkpointing:
        recompute_layers([network])
    if sharding_wanted():
        shard(network, config.device)
        system2.to(config.device)
    return adapters


def repeated_flow_loss(
    network: System2Network,
    prefix: Prefix,
    cache: Cache,
    actions: Tensor,
    beyond: Tensor,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Mean squared velocity error over several draws per observation.

    Args:
        network: of System 2.
        prefix, cache: of B observations, encoded once for all draws.
        actions: normalised chunks (B, H, A).
        beyond: rows that are not to be learned (B, H).
        draws: noise and flow times per observation.
        generator: of the draws, on the CPU.
    """
    batch, horizon, _ = actions.shape
    actions = actions.repeat(draws, 1, 1)
    noise = torch.randn(actions.shape, generator=generator).to(actions.device)
    uniform = torch.rand(2, draws * batch, generator=generator).to(actions.device)
    time = flow_time(uniform[0], uniform[1])
    share = time[:, None, None]
    x, target = share * noise + (1.0 - share) * actions, noise - actions
    features = network.projections.time_features(time, network.compute_dtype)
    angles = network.action_rotary(prefix, horizon)
    rotary = (angles[0].repeat(draws, 1, 1, 1), angles[1].repeat(draws, 1, 1, 1))
    bias = network.suffix_bias(prefix, 1 + horizon)
    bias = None if bias is None else bias.repeat(draws, 1, 1, 1)
    velocity = network.velocity(x, features, repeat_cache(cache, draws), rotary, bias)
    return masked_mean((target - velocity).square(), beyond.repeat(draws, 1))


def new_checkpoint(config: System2Config, rows: TaughtRows, folder: Path) -> Path:
    """A checkpoint with random or published weights whose sizes and statistics are those of the dataset."""
    preset, alone, data = find_preset(config.preset), system2_alone(config.checkpoint), rows.data
    if alone is not None:
        preset = sized_by_system2(preset, alone)
    statistics = rows.statistics(preset.chunk)
    return create_from_pretrained(
        folder,
        preset,
        config.paligemma,
        config.dinov2,
        alone or "",
        seed=config.seed,
        cameras=tuple(data.images),
        state_dim=data.state.shape[1],
        action_dim=rows.action_dim,
        state_mean=statistics[0].tolist(),
        state_std=statistics[1].tolist(),
        action_mean=statistics[2].tolist(),
        action_std=statistics[3].tolist(),
        corpus=data.seen,
        contract=dataset_contract(rows),
        num_steps=config.num_steps,
        s1_num_steps=config.s1_num_steps,
        theta1=config.theta1,
        vqh_chunk_size=config.vqh_chunk_size,
        next_obs_offset=config.next_obs_offset,
        discount=config.discount,
    )


def train_system2(config: System2Config, stop_after: int | None = None) -> TrainingOutcome:
    """Train System 2. See `train`."""
    start = Path(config.output) / "start"
    known = find_contract(config.checkpoint, resolve_folder(config.checkpoint)) if config.checkpoint else None
    new = not config.checkpoint or system2_alone(config.checkpoint) is not None
    # A checkpoint that cannot be loaded shows before the dataset is read.
    system2 = None if new else _load(config, config.checkpoint)
    rows = taught_rows(config, training_data(config), known)
    with Processes(config.device).main_first():
        if new and not (start / "model.safetensors").is_file():
            new_checkpoint(config, rows, start)
    system2 = system2 or _load(config, start)
    keep_contract(system2, rows, config.output)
    hook = evaluation_hook(config, system2, start if new else config.checkpoint)
    return train(config, System2Objective(config, rows, system2), hook, stop_after)


def _load(config: System2Config, checkpoint: str | Path) -> System2:
    # What will be split among GPUs may be too large for one.
    device = "cpu" if sharding_wanted() else config.device
    return System2.from_pretrained(checkpoint, device=device, dtype=loading_type(config.lora))
