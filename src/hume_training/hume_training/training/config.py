"""Configuration of each training: one YAML file, checked field by field.

Fields that every training has are in `base_config.py`, those about the dataset's numbers in `policy_config.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hume_core.action_spaces import ACTION_SPACES
from hume_core.errors import ConfigError
from hume_training.training.base_config import TrainingConfig
from hume_training.training.branch_config import BranchConfig
from hume_training.training.lora_settings import NO_LORA, LoraSettings
from hume_training.training.policy_config import PolicyConfig

__all__ = ["LoraSettings", "PolicyConfig", "System1Config", "System2Config", "TrainingConfig", "ValueConfig"]


@dataclass(frozen=True)
class System2Config(PolicyConfig):
    """Training of System 2 by flow matching.

    Attributes:
        preset: size of a new model. See `hume_training.presets`.
        paligemma, dinov2: folders of published weights that a new model starts from. Empty: random weights.
        draws: noise and flow-time draws per observation. The prefix is encoded once for all.
        auxiliary_weight: of the loss that reads the environment state off the prefix. 0: none.
        named_weight: of the loss that reads the positions of the named objects off the instruction. 0: none.
        named_objects: their names, in the order of the environment state, separated by commas.
        keyframe_weight: of the loss that reads the joint targets at the gripper's next change off the instruction and
            the state. 0: none.
        freeze_prefix: keep vision and word embeddings as they are: faster, and a value head that was trained on them
            stays valid.
        num_steps, s1_num_steps, theta1, vqh_chunk_size, next_obs_offset, discount: go into a new
            checkpoint's configuration.
        lora: train low-rank adapters in place of the weights, see `LoraSettings`. Parts: vision, language, expert.
            Whole: those, vision.projector, token_embedding, projections.
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
    lora: LoraSettings = NO_LORA

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 1:
            raise ConfigError(f"training field 'draws' is {self.draws}. It must be at least 1")
        parts = ("vision", "language", "expert")
        self.lora.check_parts(parts, (*parts, "vision.projector", "token_embedding", "projections"))
        if self.lora.rank and self.freeze_prefix:
            raise ConfigError("freeze_prefix is for a training without lora. Leave 'vision' out of lora.parts instead")


@dataclass(frozen=True)
class System1Config(PolicyConfig):
    """Training of System 1 on top of a frozen System 2.

    Attributes:
        proposals: frames for which System 2 proposes a chunk, once, before the training.
        min_flow_time: lowest flow time a proposal starts from, as `time_temp` of thinking.
        chosen: proposals are what the checkpoint makes of its candidates, as when it acts (`num_candidates`,
            `value_temperature`). Otherwise single candidates.
        largest_delay: how far into the chunk System 1 may start, rows.
        max_proposal_error: proposals that differ more from the demonstration are left out, root mean square of a number
            over the chunk, in standard deviations. System 2 chose another way, of which it says nothing.
        offset: standard deviation of a random offset of the whole segment, in standard deviations: the more, the less
            System 1 trusts where the segment leads, and the more its own images.
        warm_start: take the vision from System 2, whose widths must be the same.
        freeze_vision: keep the vision as it is: a step takes about 0.6 of the time.
        relative_to: what System 1's joint deltas are relative to. "anchor": the state at the chunk's observation, like
            those of System 2. "newest_state": where the arm is now. Empty: the checkpoint's.
        named_weight, named_objects, keyframe_weight: as for System 2, read off the mean of the action tokens' features:
            the segment says which object is meant, the images where it is. The joint targets are relative to the joint
            positions.
        lora: train low-rank adapters in place of the weights, see `LoraSettings`. Parts: vision, stack. Whole: those,
            vision.projector, projections.
    """

    proposals: int = 20_000
    min_flow_time: float = 0.9
    chosen: bool = False
    largest_delay: int = 8
    max_proposal_error: float = 1e9
    offset: float = 0.0
    warm_start: bool = False
    freeze_vision: bool = False
    relative_to: str = ""
    named_weight: float = 0.0
    named_objects: str = "red,green,blue"
    keyframe_weight: float = 0.0
    lora: LoraSettings = NO_LORA

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = ("vision", "stack")
        self.lora.check_parts(parts, (*parts, "vision.projector", "projections"))
        if self.lora.rank and (self.warm_start or self.freeze_vision):
            raise ConfigError("warm_start and freeze_vision are for a training without lora. Set them to false")
        if self.relative_to not in ("", "anchor", "newest_state"):
            raise ConfigError(
                f"training field 'relative_to' is '{self.relative_to}'. Valid: anchor, newest_state, or empty"
            )
        if self.relative_to == "newest_state" and not self.space.offsets_from_anchor:
            valid = " or ".join(f"'{name}'" for name, space in ACTION_SPACES.items() if space.offsets_from_anchor)
            raise ConfigError(f"relative_to 'newest_state' is for action_space {valid}, not '{self.action_space}'")


@dataclass(frozen=True)
class ValueConfig(BranchConfig, PolicyConfig):
    """Training of the value head by calibrated Q-learning, and from branches where there are some.

    Attributes:
        critic_weight: of the critics' loss, whose size is the square of a return. Small where other losses shall count.
        conservative_weight: of the conservative term within it. 0: off.
        return_share: share of the Monte-Carlo return in the critics' target. The rest is the bootstrapped value.
        bootstrap: "policy": the highest value of the actor's next actions, as in Cal-QL. "data": that of the recorded
            next actions, which values the policy that acted.
        action_noise: noise of up to this many standard deviations is added to the actions that the critics score, each
            its own share of it: candidates that start below flow time 1 keep some, and System 1 removes it.
        score_rows: rows of a chunk that the critics score, and from observation to next observation. Another number
            than the checkpoint's makes new critics. 0: the checkpoint's.
        num_candidates, value_temperature, agreement_weight, noise_schedule: how System 2 chooses, see
            `hume_core.config.HumeConfig`. Go into the checkpoint's configuration. 0, a negative number, and empty: the
            checkpoint's.
        named_weight, named_objects, keyframe_weight: as for System 2, read off the value query's feature. The joint
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
    agreement_weight: float = -1.0
    noise_schedule: str = ""
    named_weight: float = 0.0
    named_objects: str = "red,green,blue"
    keyframe_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_branches()
        if self.bootstrap not in ("policy", "data"):
            raise ConfigError(f"training field 'bootstrap' is '{self.bootstrap}'. Valid: policy, data")
