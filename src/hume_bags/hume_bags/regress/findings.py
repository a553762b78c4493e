"""Differences in words, and how large one may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
        part: robot, policy, settings, latency, weights, a sensor, thoughts, segments, commands, events or file.
        text: what differs and where.
    """

    part: str
    text: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.part}: {self.text}"


@dataclass(frozen=True)
class LargestDifference:
    """The command that is furthest from what was expected.

    Attributes:
        what: the joint or the gripper.
        amount: of the difference, in `unit`.
        unit: rad or m.
        time_ns: of the expected command, after the start of the run.
        expected, now: the positions.
    """

    what: str
    amount: float
    unit: str
    time_ns: int
    expected: float
    now: float


@dataclass(frozen=True)
class Tolerance:
    """Largest difference that counts as none, between different machines or library versions.

    Attributes:
        position: rad.
        velocity: rad/s.
        gripper: m.
        value: of a candidate.
    """

    position: float = 1e-4
    velocity: float = 1e-2
    gripper: float = 1e-5
    value: float = 1e-4

    @classmethod
    def exact(cls) -> Tolerance:
        """Every bit counts."""
        return cls(0.0, 0.0, 0.0, 0.0)


def seconds(nanoseconds: int) -> str:
    """A time since the start."""
    return f"{int(nanoseconds) * 1e-9:.3f} s"
