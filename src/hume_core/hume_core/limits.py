"""Joint motion limits shared by robot profiles and the control core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import RobotProfileError

_POSITIVE_FIELDS = ("velocity", "acceleration", "jerk", "tracking")

UNLIMITED = 1e6
"""Position limit of a joint that has none, rad. It is finite, so that sums with it are. Angles up to it are exact to
1e-10 rad."""


@dataclass(frozen=True)
class MotionLimits:
    """Limits of n joints, in policy order.

    Attributes:
        names: joint names.
        lower: lowest position (n,), rad.
        upper: highest position (n,), rad.
        velocity: largest speed (n,), rad/s.
        acceleration: largest acceleration (n,), rad/s^2.
        jerk: largest jerk (n,), rad/s^3.
        tracking: largest |command - measured| (n,), rad.
        continuous: joints that may turn without end (n,). Their positions are -UNLIMITED to UNLIMITED. Left out: none.

    Raises:
        RobotProfileError: a length differs, a number is not finite or not positive, lower >= upper, or a continuous
            joint has position limits.
    """

    names: tuple[str, ...]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    velocity: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    jerk: NDArray[np.float64]
    tracking: NDArray[np.float64]
    continuous: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        for name in ("lower", "upper", *_POSITIVE_FIELDS):
            object.__setattr__(self, name, self._checked(name, getattr(self, name)))
        object.__setattr__(self, "continuous", self._flags())
        for i, name in enumerate(self.names):
            if self.continuous[i] and (-self.lower[i], self.upper[i]) != (UNLIMITED, UNLIMITED):
                raise RobotProfileError(
                    f"joint '{name}' is continuous and has limits {self.lower[i]} to {self.upper[i]} rad. "
                    "A continuous joint has none: -UNLIMITED to UNLIMITED of hume_core.limits"
                )
            if self.lower[i] >= self.upper[i]:
                raise RobotProfileError(
                    f"joint '{name}': lower position {self.lower[i]} must be below upper {self.upper[i]}"
                )

    def _checked(self, field: str, value: Any) -> NDArray[np.float64]:
        array = np.array(value, dtype=np.float64)
        if array.shape != (len(self.names),):
            raise RobotProfileError(
                f"limit '{field}' has shape {array.shape}. One number per joint is needed: {len(self.names)}"
            )
        for name, number in zip(self.names, array, strict=True):
            if not np.isfinite(number) or (field in _POSITIVE_FIELDS and number <= 0):
                raise RobotProfileError(
                    f"joint '{name}': limit '{field}' is {number}. It must be finite"
                    + (" and above 0" if field in _POSITIVE_FIELDS else "")
                )
        array.setflags(write=False)
        return array

    def _flags(self) -> NDArray[np.bool_]:
        flags = np.array(self.continuous, dtype=bool)
        if not flags.size:
            flags = np.zeros(len(self.names), dtype=bool)
        if flags.shape != (len(self.names),):
            raise RobotProfileError(
                f"'continuous' has shape {flags.shape}. One flag per joint is needed: {len(self.names)}"
            )
        flags.setflags(write=False)
        return flags

    @property
    def size(self) -> int:
        """Number of joints n."""
        return len(self.names)


def scaled(limits: MotionLimits, scales: Mapping[str, float]) -> MotionLimits:
    """Limits with some kinds multiplied, such as {"velocity": 0.5}."""
    return replace(limits, **{kind: getattr(limits, kind) * scale for kind, scale in scales.items()})
