"""Texts and values from outside in messages for people: whatever their size, a line stays a line."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

_LONGEST = 200
_MOST = 50


def shortened(text: str, longest: int = _LONGEST) -> str:
    """The text, cut after `longest` characters."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def listed(names: Iterable[str], most: int = _MOST) -> str:
    """Names separated by commas, the first `most` of them."""
    first = [shortened(name) for name in islice(names, most + 1)]
    return ", ".join([*first[:most], *(["..."] if len(first) > most else [])])


def did_you_mean(wrong: str, valid: Collection[str]) -> str:
    """Question after a list of valid names: the one that was probably meant. Empty where none is near."""
    near = get_close_matches(shortened(wrong), valid, n=1)
    return f". Did you mean '{near[0]}'?" if near else ""


class _Shown(reprlib.Repr):
    """`repr` of bounded length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxdeque = 12
        self.maxstring = self.maxother = self.maxlong = _LONGEST


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A value as Python writes it, of bounded length."""
    return shortened(_SHOWN.repr(value), 2 * _LONGEST)
