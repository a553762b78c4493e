"""How the numbers of a joint row are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import pi

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ActionSpaceError

Array = NDArray[np.floating]


class AngleUnit(str, Enum):
    """Unit of a joint's numbers."""

    RAD = "rad"
    DEG = "deg"


@dataclass(frozen=True)
class JointUnits:
    """A joint is ``sign * (number - offset)`` in the policy's unit.

    Attributes:
        unit: of the numbers.
        sign: (n,) 1 or -1: which way they count. Empty: 1 for all.
        offset: (n,) the number where the joint is at zero, in the unit. Empty: 0 for all.

    Raises:
        ActionSpaceError: a sign is neither 1 nor -1, or an offset not finite.
    """

    unit: AngleUnit = AngleUnit.RAD
    sign: tuple[int, ...] = ()
    offset: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if any(sign not in (1, -1) for sign in self.sign):
            raise ActionSpaceError(f"sign is {list(self.sign)}. Every joint has 1 or -1")
        if not np.isfinite(self.offset).all():
            raise ActionSpaceError(f"offset is {list(self.offset)}. Every joint has a finite number")

    @property
    def plain(self) -> bool:
        """Whether numbers are the joints' own, in rad."""
        return self == JointUnits()

    def part(self, joints: slice) -> JointUnits:
        """Of some of the joints."""
        return JointUnits(self.unit, self.sign[joints], self.offset[joints])

    def misfit(self, joints: int) -> str:
        """Which list is not of this many joints. Empty: none."""
        lists = (("sign", self.sign), ("offset", self.offset))
        wrong = [f"{name} has {len(found)} numbers" for name, found in lists if len(found) not in (0, joints)]
        return f"{wrong[0]}. The arm has {joints} joints" if wrong else ""

    def positions(self, numbers: Array) -> Array:
        """Joint positions (..., n), rad, of numbers (..., n)."""
        if self.plain:
            return numbers.copy()
        return self.differences(numbers - np.asarray(self.offset) if self.offset else numbers)

    def positions_of(self, positions: Array) -> Array:
        """Numbers of joint positions (..., n), rad. They keep their type."""
        if self.plain:
            return positions.copy()
        numbers = self.differences_of(positions)
        return numbers + np.asarray(self.offset, dtype=numbers.dtype) if self.offset else numbers

    def differences(self, numbers: Array) -> Array:
        """How far joints move (..., n), rad, of differences of numbers."""
        return numbers if self.plain else numbers * self._factors(numbers)

    def differences_of(self, moved: Array) -> Array:
        """Differences of numbers of how far joints move (..., n), rad. They keep their type."""
        return moved if self.plain else moved / self._factors(moved)

    def _factors(self, like: Array) -> Array:
        """Rad per number (n,), in the type of an array."""
        per_unit = pi / 180.0 if self.unit is AngleUnit.DEG else 1.0
        signs = np.asarray(self.sign or (1,) * like.shape[-1], dtype=like.dtype)
        return np.asarray(signs * like.dtype.type(per_unit))
