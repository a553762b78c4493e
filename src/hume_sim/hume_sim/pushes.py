"""Pushes of the arm: the torques that its joints feel from outside for a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hume_sim.world import TabletopWorld

LEAST_FORCE = 5.0
"""Weakest push, N: the weight of half a kilogram."""

LARGEST_SHARE = 0.8
"""Of the torque that its servo can hold, the most that a push puts on a joint."""

_LINKS = (("upper_forearm_link", 0.175), ("lower_forearm_link", 0.075), ("wrist_link", 0.065), ("gripper_link", 0.094))
"""The links from the elbow to the gripper's tip and their lengths, m. Each lies along its own x axis."""

_HALF_THICKNESS = 0.02
"""From the axis of a link to its surface, m."""


class Push(Protocol):
    """A push that lasts for a while."""

    def torques(self, world: TabletopWorld, arm: int = 0) -> NDArray[np.float64]:
        """What an arm's joints (6,) feel at the height of the push, from the world's present pose, N m."""

    def strength(self, share: float) -> float:
        """Of the height of the push, 0 to 1, after a share of its time, 0 to 1."""


@dataclass(frozen=True)
class Nudge:
    """The same random torque on every joint, from one moment to the next and back.

    It knows nothing of the arm: light joints are thrown far off. It is there to compare with.

    Attributes:
        torque: (6,) on the arm's joints, N m.
    """

    torque: NDArray[np.float64]

    def torques(self, world: TabletopWorld, arm: int = 0) -> NDArray[np.float64]:
        """The torque, whatever the pose."""
        return self.torque

    def strength(self, share: float) -> float:
        """All of it until the end."""
        return 1.0


@dataclass(frozen=True)
class Hand:
    """A hand that bumps into the arm.

    The force is between 5 and 20 N: a bump in passing, as heavy as half a kilogram to two kilograms. A hand may rest
    on a person with seven times as much (ISO/TS 15066 allows 140 N on hands and fingers). It acts anywhere on the
    surface between the elbow and the tip, 0.41 m, in any direction. It lasts 0.15 s and swells and fades as half a
    sine, because skin and muscles are soft.

    At 20 N and full reach the waist feels up to 20 N x 0.66 m = 13 N m where its servo holds 10. The shoulder feels 13
    of 20, the elbow 20 N x 0.41 m = 8 of 15. With the wrist bent, the gripper is a lever on the
    forearm, which feels 20 N x 0.16 m = 3.2 N m of 2. The wrist's bend feels 3.2 of 5, its turn 20 N x 0.02 m = 0.4 of
    1. A joint under more than its servo can hold slips for as far as the hand goes. A real servo then switches off, and
    that is no longer a bump. So the force is lowered until no joint gets more than 80 % of what it can hold. The last
    fifth is for the arm's own weight, which takes 20 % at the shoulder of the stretched arm and less elsewhere.

    Attributes:
        link: that is touched.
        place: (3,) on the link, in its frame, m.
        force: (3,) in the base frame, N.
    """

    link: str
    place: NDArray[np.float64]
    force: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, largest: float) -> Hand:
        """A random one, with a force of at most `largest`, N."""
        along = rng.uniform(0.0, sum(length for _, length in _LINKS))
        around = rng.uniform(-np.pi, np.pi)
        direction = rng.normal(size=3)
        strength = rng.uniform(min(LEAST_FORCE, largest), largest)
        link, along = _link_at(along)
        place = np.array([along, _HALF_THICKNESS * np.cos(around), _HALF_THICKNESS * np.sin(around)])
        return cls(link, place, strength * direction / np.linalg.norm(direction))

    def torques(self, world: TabletopWorld, arm: int = 0) -> NDArray[np.float64]:
        """What the joints feel by the arm's Jacobian, lowered where it is more than a joint can bear."""
        torques = world.torques_of(self.link, self.place, self.force, arm)
        loaded = float(np.max(np.abs(torques) / world.holding_torques))
        return torques * min(1.0, LARGEST_SHARE / max(loaded, 1e-9))

    def strength(self, share: float) -> float:
        """Half a sine."""
        return float(np.sin(np.pi * share))


def _link_at(along: float) -> tuple[str, float]:
    """The link at a distance from the elbow, and how far along it that is, m."""
    for link, length in _LINKS[:-1]:
        if along < length:
            return link, along
        along -= length
    return _LINKS[-1][0], along
