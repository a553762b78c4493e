"""Fields of the value head's training that are about branches."""

from __future__ import annotations

from dataclasses import dataclass

from hume_core.errors import ConfigError


@dataclass(frozen=True)
class BranchConfig:
    """How a critic learns which action is right. See `hume_training.data.branches`.

    Attributes:
        branches: folder that `hume collect --branches` wrote, or several separated by commas. Empty: none, as released.
        branch_states: states per step, each with all its chunks.
        branch_weight: of the squared error of their values, within the critics' loss (`critic_weight`).
        rank_weight: of the loss that puts the chunks of one state in the right order.
        rank_margin: two chunks count as different when their outcomes are this far apart, s.
        hold_out: share of the episodes that no step sees. Every `evaluate_every` steps the values are judged on them.
        exact_time: the return counts the time to success itself, not whole transitions of `score_rows` rows.
    """

    branches: str = ""
    branch_states: int = 8
    branch_weight: float = 1.0
    rank_weight: float = 1.0
    rank_margin: float = 0.2
    hold_out: float = 0.15
    exact_time: bool = False

    def check_branches(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: a field is out of range.
        """
        if not 0.0 < self.hold_out < 1.0:
            raise ConfigError(f"training field 'hold_out' is {self.hold_out}. It must be between 0 and 1")
        if self.branch_states < 1:
            raise ConfigError(f"training field 'branch_states' is {self.branch_states}. It must be at least 1")
        for name in ("branch_weight", "rank_weight", "rank_margin"):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"training field '{name}' is {getattr(self, name)}. It must be at least 0")
