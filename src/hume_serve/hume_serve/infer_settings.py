"""How a client wants to be answered: the fields of the authors' `init_infer`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hume_core.config import HumeConfig
from hume_core.errors import ConfigError
from hume_core.settings import check_value, declared, find, same_as, setting
from hume_core.texts import did_you_mean, shortened
from hume_system2.settings import System2Settings

_WHERE = "init_infer field"
_NOISE = "Velocity factor of the candidates"
_TIME = "Flow start time of the candidates"


@dataclass(frozen=True)
class InferSettings:
    """The fields of `init_infer`. Each is an option of `hume serve` too, for clients that leave it out."""

    replan_steps: int = setting(
        0, "Rows that are executed of each segment. 0: as many as System 1 gives.", low=0, high=1000
    )
    s2_replan_steps: int = setting(
        0, "Steps from one thought of System 2 to the next. 0: as many as a chunk has rows.", low=0, high=1000
    )
    s2_candidates_num: int = same_as(find(System2Settings, "candidates"))
    noise_temp_lower_bound: float = setting(1.0, f"{_NOISE}, lowest.", low=0.001, high=10.0)
    noise_temp_upper_bound: float = setting(1.0, f"{_NOISE}, highest.", low=0.001, high=10.0)
    time_temp_lower_bound: float = setting(0.9, f"{_TIME}, lowest.", low=0.001, high=10.0)
    time_temp_upper_bound: float = setting(1.0, f"{_TIME}, highest.", low=0.001, high=10.0)
    post_process_action: bool = setting(
        False, "Give the last number g of a row as 1 - 2 g: -1 open and 1 closed, as robosuite wants it."
    )
    seed: int = same_as(find(System2Settings, "seed"), help="Seed of the noise of an episode. -1: a new one each time.")

    @classmethod
    def of(cls, content: Mapping[Any, Any], defaults: InferSettings) -> InferSettings:
        """Of what a client sent.

        Args:
            content: fields by name. `device` is ignored, since the server has one of its own.
            defaults: of the fields that are left out.

        Raises:
            ConfigError: a field is unknown or its value is not valid. Names both.
        """
        known = {item.name: item for item in declared(cls)}
        given = {name: value for name, value in content.items() if name != DEVICE}
        for name in given:
            if name not in known:
                name = shortened(str(name))
                raise ConfigError(
                    f"{_WHERE} '{name}' is unknown. Valid: {', '.join([*known, DEVICE])}{did_you_mean(name, known)}"
                )
        return replace(defaults, **{name: check_value(known[name], value, _WHERE) for name, value in given.items()})

    def resolved(self, config: HumeConfig) -> InferSettings:
        """With the checkpoint's numbers in place of 0.

        Raises:
            ConfigError: the checkpoint does not give that many rows.
        """
        segment, chunk = config.s1_chunk_size, config.s2_chunk_size
        steps, thought_steps = self.replan_steps or segment, self.s2_replan_steps or chunk
        if steps > segment:
            raise ConfigError(f"{_WHERE} 'replan_steps' is {steps}. A segment has {segment} rows. Take at most these")
        # The latest start of a segment: the largest remainder that a multiple of one number leaves by the other.
        latest = thought_steps - math.gcd(steps, thought_steps)
        if latest >= chunk:
            raise ConfigError(
                f"{_WHERE} 's2_replan_steps' is {thought_steps}: a segment would begin {latest} rows after "
                f"the thought. A chunk has {chunk}. Think at least every {chunk} steps"
            )
        candidates = self.s2_candidates_num or config.num_candidates
        return replace(self, replan_steps=steps, s2_replan_steps=thought_steps, s2_candidates_num=candidates)

    @property
    def time_temp(self) -> tuple[float, float]:
        """Lowest and highest start time."""
        return self.time_temp_lower_bound, self.time_temp_upper_bound

    @property
    def noise_temp(self) -> tuple[float, float]:
        """Lowest and highest velocity factor."""
        return self.noise_temp_lower_bound, self.noise_temp_upper_bound


DEVICE = "device"
"""A field that every client of the authors sends. By it their server tells `init_infer` from an observation."""


def is_init(content: Mapping[Any, Any]) -> bool:
    """Whether a message is an `init_infer`, not an observation."""
    return bool({DEVICE, *(item.name for item in declared(InferSettings))} & content.keys())
