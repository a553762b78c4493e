"""Which part of a network is trained through low-rank adapters, as the configuration of a training says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hume_core.errors import ConfigError
from hume_training.training.base_config import check_names
from hume_training.training.config_values import Names

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "gate_proj", "up_proj", "down_proj", "fc1", "fc2")
"""Linear layers of the transformers: those of attention, then those of the feed-forward layers."""


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adaptation (Hu et al. 2021): W stays as it is, and alpha / rank * B A is learned beside it.

    Attributes:
        rank: of A and B. 0: no adapters, everything is trained.
        alpha: scale of what is learned. The checkpoint then holds W + alpha / rank * B A.
        parts: parts of the network that get adapters. Empty: the language model and the expert, or System 1's stack.
        targets: their linear layers that do.
        trained: parts that are trained as a whole besides.
        base_precision: type that the frozen weights are held in: float32, or bfloat16 for half the memory. The
            checkpoint keeps them as they were.
    """

    rank: int = 0
    alpha: float = 16.0
    parts: Names = ()
    targets: Names = TARGETS
    trained: Names = ("projections",)
    base_precision: str = "float32"

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise ConfigError(f"training field 'lora.rank' is {self.rank}. It must be at least 0")
        if not 0.0 < self.alpha < 1e6:
            raise ConfigError(f"training field 'lora.alpha' is {self.alpha}. It must be a positive number")
        check_names("lora.targets", self.targets, TARGETS)
        check_names("lora.base_precision", (self.base_precision,), ("float32", "bfloat16"))
        if self.rank and not self.targets:
            raise ConfigError(f"training field 'lora.targets' is empty. Valid: {', '.join(TARGETS)}")

    def check_parts(self, adaptable: Sequence[str], trainable: Sequence[str]) -> None:
        """Refuse parts that a network does not have.

        Args:
            adaptable: parts that adapters fit into.
            trainable: parts that can be trained as a whole.

        Raises:
            ConfigError: lists the valid ones, or names a part that is to be both.
        """
        check_names("lora.parts", self.parts, adaptable)
        check_names("lora.trained", self.trained, trainable)
        both = [name for name in self.trained if name in self.parts]
        if both:
            raise ConfigError(f"'{both[0]}' is in lora.parts and in lora.trained. Name it in one of them")


NO_LORA = LoraSettings()
