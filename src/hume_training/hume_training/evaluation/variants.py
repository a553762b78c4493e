"""Ways to think and act that are compared with each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hume_core.errors import ConfigError
from hume_system2.choosers import CHOOSERS


@dataclass(frozen=True)
class Variant:
    """One way to run the policy.

    Attributes:
        name: as in the report.
        candidates: N. 0: as many as the checkpoint says.
        time_temp: lowest and highest flow start time over the candidates.
        noise_scale: factor on the starting noise.
        choice: one of `hume_system2.choosers`, or "oracle" (see `Oracle`).
        refine: denoise with System 1.
        agreement_weight: what disagreeing with the motion in progress costs. None: as the checkpoint says.
        control: "", "swapped" (another cube is named than is wanted), "blank" (black images) or
            "stale" (the images of the episode's start).
    """

    name: str
    candidates: int = 0
    time_temp: tuple[float, float] = (0.9, 1.0)
    noise_scale: float = 1.0
    choice: str = "value"
    refine: bool = True
    agreement_weight: float | None = None
    control: str = ""

    @property
    def of_nodes(self) -> bool:
        """Whether the nodes have settings for this way to think and act."""
        plain = self.noise_scale == 1.0 and self.agreement_weight is None and not self.control
        return self.choice in CHOOSERS and plain


FULL = "full"
"""The policy as its checkpoint says. The others are held against it."""

_FULL = Variant(FULL)
_ONE = replace(_FULL, candidates=1, time_temp=(1.0, 1.0))
"""One candidate, denoised to the end."""

VARIANTS = {
    variant.name: variant
    for variant in (
        _FULL,
        replace(_FULL, name="fixed_noise", time_temp=(1.0, 1.0)),
        replace(_ONE, name="n1"),
        # The first of the N. It starts at the lowest flow time, so it keeps noise.
        replace(_FULL, name="one_of_n", candidates=1, time_temp=(_FULL.time_temp[0],) * 2),
        replace(_FULL, name="no_system1", refine=False),
        replace(_FULL, name="no_agreement", agreement_weight=0.0),
        # No value outweighs a difference: the first chunk is chosen by value, and what follows by agreement alone.
        replace(_FULL, name="nearest", agreement_weight=1e6),
        replace(_FULL, name="best_value", choice="best"),
        replace(_FULL, name="mean", choice="mean"),
        replace(_FULL, name="random_pick", choice="random"),
        replace(_FULL, name="medoid", choice="medoid"),
        replace(_FULL, name="oracle", choice="oracle"),
        replace(_ONE, name="zero_noise", noise_scale=0.0),
        replace(_ONE, name="low_noise", noise_scale=0.2),
        replace(_ONE, name="n1_no_system1", refine=False),
        replace(_FULL, name="swapped", control="swapped"),
        replace(_FULL, name="blank", control="blank"),
        replace(_FULL, name="stale", control="stale"),
    )
}

_COUNTED = {"n": _FULL, **{name: VARIANTS[name] for name in ("mean", "random_pick", "best_value", "medoid", "oracle")}}
"""Those that a number of candidates may follow, such as "n8"."""


def find_variant(name: str) -> Variant:
    """A variant by name. "n8" thinks with 8 candidates, "mean8" and "oracle8" choose among 8.

    Raises:
        ConfigError: unknown. Lists the valid names.
    """
    if name in VARIANTS:
        return VARIANTS[name]
    base = name.rstrip("0123456789")
    count = int(name[len(base) :] or 0)
    if count > 0 and base in _COUNTED:
        return replace(_COUNTED[base], name=name, candidates=count)
    raise ConfigError(
        f"variant '{name}' is unknown. Valid: {', '.join(VARIANTS)}, and with a number of candidates "
        f"{', '.join(f'{base}8' for base in _COUNTED)}"
    )
