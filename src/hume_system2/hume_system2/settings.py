"""Settings of the System 2 node."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hume_core.node_settings import ModelSettings
from hume_core.settings import setting
from hume_system2.choosers import CHOOSERS


@dataclass(frozen=True)
class System2Settings(ModelSettings):
    """What the node was started with. Each field is a read-only parameter of the same name."""

    candidates: int = setting(
        0, "Candidates N per thought. 0: as many as the checkpoint says.", low=0, high=64, policy=True
    )
    fewer_when_late: bool = setting(
        True,
        "Take half of the candidates while thoughts take longer than their period, and one where even those take two.",
        policy=True,
    )
    time_temp: tuple[float, float] = setting(
        (0.9, 1.0),
        "Flow start times of the candidates: lowest, highest. A single candidate gets the highest. 1.0 keeps no noise.",
        low=0.001,
        high=10.0,
        policy=True,
    )
    noise_temp: tuple[float, float] = setting(
        (1.0, 1.0), "Velocity factors of the candidates: lowest, highest.", low=0.001, high=10.0, policy=True
    )
    chooser: str = setting(
        "value",
        "How a chunk is chosen among the candidates: by value as the checkpoint says, the best value, the mean of all, "
        "the medoid, or at random.",
        choices=list(CHOOSERS),
        policy=True,
    )
    seed: int = setting(-1, "Seed of the noise; -1: a new one each start.", low=-1, high=2**31 - 1, policy=True)
    state_deviations: float = setting(
        8.0,
        "How many standard deviations of the checkpoint's statistics the first state may be off. Inf: not checked.",
        low=1.0,
        high=math.inf,
        policy=True,
    )
    task: str = setting(
        "", "Standing task: begins at activation, and with each goal whose instruction is empty. Unset: none."
    )
    activate_after_system1: bool = setting(False, "Autostart activates only once System 1 is active.")
    done_value: float = setting(
        math.inf, "Value that means the task is done. Infinite: never.", high=math.inf, policy=True
    )
    done_thoughts: int = setting(
        3, "Thoughts in a row at or above done_value that end a goal.", low=1, high=100, policy=True
    )
