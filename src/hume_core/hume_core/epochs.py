"""Task epochs: a counter of 32 bits that wraps, and how nodes agree on it.

Any node can send an epoch, so growth is accepted only up to a bound. System 1 leads: its status says again and again
which epoch is in force, and a node that differs from it for a while adopts it. No single message can keep them apart.
Comparison is that of serial numbers (RFC 1982), with the field of the messages, uint32.
"""

from __future__ import annotations

SIZE = 2**32
LARGEST_STEP = 1000
"""Largest growth that is believed."""

INSTRUCTION = "instruction: "
"""Begins the reason of an epoch in which a task begins. The instruction follows."""

_HALF = SIZE // 2
_SETTLE = 0.5
"""How long a difference to System 1 must last before it counts, s: messages travel both ways at the same time."""


def instruction_of(reason: str) -> str:
    """The instruction whose task begins with an epoch of this reason. Empty: none begins."""
    return reason.removeprefix(INSTRUCTION) if reason.startswith(INSTRUCTION) else ""


def following(epoch: int) -> int:
    """The next epoch. 0 after the highest."""
    return (epoch + 1) % SIZE


def ahead(epoch: int, present: int) -> int:
    """How many epochs `epoch` is ahead of `present`, from -2**31 up to 2**31 - 1. Negative: behind."""
    # Differences are taken around the circle of 2^32 numbers, the short way: so 0 is one ahead of 2^32 - 1.
    return (epoch - present + _HALF) % SIZE - _HALF


def is_plausible_step(epoch: int, present: int, largest_step: int = LARGEST_STEP) -> bool:
    """Whether `epoch` is a valid epoch, the present one or newer than it by at most `largest_step`."""
    return 0 <= epoch < SIZE and 0 <= ahead(epoch, present) <= largest_step


class EpochAgreement:
    """The epoch that a node works in. No clock: time comes from outside.

    Attributes:
        value: the epoch in force here.
    """

    def __init__(self) -> None:
        self.value = 0
        self._apart_since: float | None = None

    def begin(self) -> int:
        """Begin the next epoch and return it."""
        self.value = following(self.value)
        return self.value

    def hear(self, epoch: int) -> bool:
        """Somebody names an epoch: whether it begins here, being newer by no more than the bound."""
        if epoch == self.value or not is_plausible_step(epoch, self.value):
            return False
        self.value = epoch
        return True

    def follow(self, leader: int, now: float) -> bool:
        """System 1 is in the epoch `leader` at `now` (s, steady clock): whether that one begins here.

        One that `hear` would accept begins at once, any other after the difference has lasted.
        """
        if leader == self.value:
            self._apart_since = None
            return False
        if self._apart_since is None:
            self._apart_since = now
        if not is_plausible_step(leader, self.value) and now - self._apart_since < _SETTLE:
            return False
        self.value, self._apart_since = leader, None
        return True
