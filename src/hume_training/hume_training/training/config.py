"""Configuration of a training: one flat YAML file, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hume_core.action_spaces import ACTION_SPACES, ActionSpace, find_action_space
from hume_core.errors import ConfigError
from hume_core.yaml_file import read_yaml

ConfigType = TypeVar("ConfigType", bound="TrainingConfig")


@dataclass(frozen=True)
class TrainingConfig:
    """What every training needs.

    Attributes:
        dataset: folder of a LeRobot dataset, or several separated by commas.
        output: folder of the run: resume state, log, and the checkpoint in `checkpoint/`.
        checkpoint: folder or hub name to start from; empty: random weights (System 2 only).
        seed: moves every random choice.
        steps, batch_size: of the whole training.
        learning_rate, final_learning_rate: peak, and end of the cosine.
        warmup_steps: linear rise to the peak.
        weight_decay, beta1, beta2, clip_norm: of AdamW and the gradient.
        ema_decay: of the moving average of the weights, which is what the checkpoint holds.
        image_shift: largest random shift of each image, pixels.
        start_frames, start_weight: the first frames of an episode are drawn this many times as often: what is
            meant by the instruction is decided there.
        precision: float32; bfloat16 by autocast; or auto: bfloat16 where the device computes in it; others imitate it,
            many times slower than float32.
        device: torch device.
        threads: torch threads on the CPU.
        log_every, save_every: steps.
        evaluate_every: steps between closed-loop evaluations of System 2 in the simulator; 0: none.
        evaluate_episodes: of each evaluation.
        tensorboard: also write TensorBoard event files.
    """

    dataset: str
    output: str
    checkpoint: str = ""
    seed: int = 0
    steps: int = 5000
    batch_size: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 200
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    image_shift: int = 2
    start_frames: int = 0
    start_weight: int = 1
    precision: str = "float32"
    device: str = "cpu"
    threads: int = 1
    log_every: int = 20
    save_every: int = 250
    evaluate_every: int = 0
    evaluate_episodes: int = 20
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "threads", "log_every", "save_every", "evaluate_episodes", "start_weight"):
            if getattr(self, name) < 1:
                raise ConfigError(f"training field '{name}' is {getattr(self, name)}; it must be at least 1")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ConfigError(f"training field 'precision' is '{self.precision}'; valid: auto, float32, bfloat16")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"training field 'ema_decay' is {self.ema_decay}; valid: 0 up to, not including, 1")

    @classmethod
    def load(cls: type[ConfigType], path: str | Path, changes: Mapping[str, Any] | None = None) -> ConfigType:
        """Read a YAML file; `changes` win over it.

        Raises:
            ConfigError: the file cannot be read, or a field is unknown, missing or of a wrong type.
        """
        content = read_yaml(path, "training file")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{path} must be a mapping with the fields {', '.join(cls.field_names())}")
        return cls.from_dict({**content, **(changes or {})})

    @classmethod
    def from_dict(cls: type[ConfigType], content: Mapping[str, Any]) -> ConfigType:
        """Check names and types; see `load` for errors."""
        known = {item.name: str(item.type) for item in fields(cls)}
        for name in content:
            if name not in known:
                raise ConfigError(f"unknown training field '{name}'; valid: {', '.join(known)}")
        for name in ("dataset", "output"):
            if name not in content:
                raise ConfigError(f"training field '{name}' is missing")
        return cls(**{name: _checked(name, value, known[name]) for name, value in content.items()})

    @classmethod
    def field_names(cls) -> list[str]:
        """Every field of the file."""
        return [item.name for item in fields(cls)]

    def to_dict(self) -> dict[str, Any]:
        """Content of the file."""
        return asdict(self)


def _checked(name: str, value: Any, kind: str) -> Any:
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "float" and isinstance(value, str):
        # YAML 1.1 reads 1e-3 as text.
        try:
            return float(value)
        except ValueError:
            pass
    valid = {"int": int, "float": float, "str": str, "bool": bool}[kind]
    if not isinstance(value, valid) or (kind != "bool" and isinstance(value, bool)):
        raise ConfigError(f"training field '{name}' is {value!r}; it must be of type {kind}")
    return value


@dataclass(frozen=True)
class PolicyConfig(TrainingConfig):
    """What every training of a policy on demonstrations needs besides.

    Attributes:
        action_space: what the arm's numbers of an action row mean; as System 2 was trained, for the other trainings.
        joints: number of arm joints; the rest of an action row stays absolute.

    Raises:
        ActionSpaceError: unknown action space.
        ConfigError: rows about the tool; a dataset holds joint positions and no description of the arm.
    """

    action_space: str = "joint_delta"
    joints: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.space.needs_kinematics:
            valid = ", ".join(name for name, space in ACTION_SPACES.items() if not space.needs_kinematics)
            raise ConfigError(f"action_space '{self.action_space}' cannot be trained; valid: {valid}")

    @property
    def space(self) -> ActionSpace:
        """The action space."""
        return find_action_space(self.action_space)()


@dataclass(frozen=True)
class System2Config(PolicyConfig):
    """Training of System 2 by flow matching.

    Attributes:
        preset: size of a new model; see `hume_training.presets`.
        paligemma, dinov2: folders of published weights that a new model starts from; empty: random weights.
        draws: noise and flow-time draws per observation; the prefix is encoded once for all.
        auxiliary_weight: of the loss that reads the environment state off the prefix; 0: none.
        named_weight: of the loss that reads the positions of the named objects off the instruction; 0: none.
        named_objects: their names, in the order of the environment state, separated by commas.
        keyframe_weight: of the loss that reads the joint targets at the gripper's next change off the instruction and
            the state; 0: none.
        freeze_prefix: keep vision and word embeddings as they are: faster, and a value head that was trained on them
            stays valid.
        num_steps, s1_num_steps, theta1, vqh_chunk_size, next_obs_offset, discount: go into a new
            checkpoint's configuration.
    """

    preset: str = "tabletop"
    paligemma: str = ""
    dinov2: str = ""
    draws: int = 2
    auxiliary_weight: float = 0.2
    named_weight: float = 0.0
    named_objects: str = "red,green,blue"
    keyframe_weight: float = 0.0
    freeze_prefix: bool = False
    num_steps: int = 10
    s1_num_steps: int = 5
    theta1: float = 1.0
    vqh_chunk_size: int = 8
    next_obs_offset: int = 8
    discount: float = 0.98

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 1:
            raise ConfigError(f"training field 'draws' is {self.draws}; it must be at least 1")


@dataclass(frozen=True)
class System1Config(PolicyConfig):
    """Training of System 1 on top of a frozen System 2.

    Attributes:
        proposals: frames for which System 2 proposes a chunk, once, before the training.
        lowest_start: lowest flow time a proposal starts from, as `time_temp` of thinking.
        chosen: proposals are what the checkpoint makes of its candidates, as when it acts (`num_candidates`,
            `value_temperature`); otherwise single candidates.
        largest_delay: how far into the chunk System 1 may start, rows.
        largest_gap: proposals that differ more from the demonstration are left out, root mean square of a number over
            the chunk, in standard deviations: System 2 chose another way then, of which the demonstration says nothing.
        offset: standard deviation of a random offset of the whole segment, in standard deviations: the more, the less
            System 1 trusts where the segment leads, and the more its own images.
        warm_start: take the vision from System 2, whose widths must be the same.
        freeze_vision: keep the vision as it is: a step takes about 0.6 of the time.
        origin: what System 1's joint deltas are relative to: "anchor", the state at the chunk's observation, like those
            of System 2; or "newest_state": they tell where the arm has to go from where it is. Empty: the checkpoint's.
        named_weight, named_objects, keyframe_weight: as for System 2, read off the mean of the action tokens' features:
            the segment says which object is meant, the images where it is; the joint targets are relative to the joint
            positions.
    """

    proposals: int = 20_000
    lowest_start: float = 0.9
    chosen: bool = False
    largest_delay: int = 8
    largest_gap: float = 1e9
    offset: float = 0.0
    warm_start: bool = False
    freeze_vision: bool = False
    origin: str = ""
    named_weight: float = 0.0
    named_objects: str = "red,green,blue"
    keyframe_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.origin not in ("", "anchor", "newest_state"):
            raise ConfigError(f"training field 'origin' is '{self.origin}'; valid: anchor, newest_state, or empty")
        if self.origin == "newest_state" and not self.space.offsets_from_anchor:
            valid = " or ".join(f"'{name}'" for name, space in ACTION_SPACES.items() if space.offsets_from_anchor)
            raise ConfigError(f"origin 'newest_state' is for action_space {valid}, not '{self.action_space}'")


@dataclass(frozen=True)
class ValueConfig(PolicyConfig):
    """Training of the value head by calibrated Q-learning.

    Attributes:
        critic_weight: of the critics' loss, whose size is the square of a return; small where other losses shall count.
        conservative_weight: of the conservative term within it.
        return_share: share of the Monte-Carlo return in the critics' target; the rest is the bootstrapped value.
        bootstrap: "policy": the highest value of the actor's next actions, as in Cal-QL; "data": that of the recorded
            next actions, which values the policy that acted.
        action_noise: noise of up to this many standard deviations is added to the actions that the critics score, each
            its own share of it: candidates that start below flow time 1 keep some, and System 1 removes it.
        score_rows: rows of a chunk that the critics score, and from observation to next observation; another number
            than the checkpoint's makes new critics; 0: the checkpoint's.
        num_candidates, value_temperature: how System 2 chooses, see `hume_core.config.HumeConfig`; go into the
            checkpoint's configuration. 0 and a negative number: the checkpoint's.
        named_weight, named_objects, keyframe_weight: as for System 2, read off the value query's feature; the joint
            targets are relative to the joint positions.
    """

    critic_weight: float = 1.0
    conservative_weight: float = 5.0
    return_share: float = 0.0
    bootstrap: str = "policy"
    action_noise: float = 0.0
    score_rows: int = 0
    num_candidates: int = 0
    value_temperature: float = -1.0
    named_weight: float = 0.0
    named_objects: str = "red,green,blue"
    keyframe_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bootstrap not in ("policy", "data"):
            raise ConfigError(f"training field 'bootstrap' is '{self.bootstrap}'; valid: policy, data")
