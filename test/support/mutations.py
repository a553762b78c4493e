"""Files as an attacker or a failing disk would leave them: seeded changes of bytes, JSON and YAML."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import yaml

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, 2**31, 2**63, 10**18, -(10**18), 10**30, 10**400, 1e308, -1e308, 1e-308, 0.1,
    "", "x", "1", "NaN", "../x", "/etc/passwd", "a\0b", "x" * 100_000, [], {}, [0], ["x"], {"x": 1}, [[]],
    [None] * 1000,
)  # fmt: skip
"""What stands where something else is expected."""

_RAW = ("NaN", "Infinity", "-Infinity", "1e999", "1" * 5000, "[" * 5000, '{"a":' * 5000, "'", "\ud800", "tru")


def mutated_bytes(data: bytes, random_: random.Random) -> bytes:
    """Bits flipped, a part cut off, left out, repeated, zeroed or filled with noise."""
    result = bytearray(data)
    for _ in range(random_.choice((1, 1, 1, 2, 8))):
        place = random_.randrange(len(result)) if result else 0
        end = min(len(result), place + random_.choice((1, 2, 4, 8, 64, 1024)))
        match random_.randrange(7):
            case 0 | 1 if result:
                result[place] ^= 1 << random_.randrange(8)
            case 2:
                del result[place:]
            case 3:
                del result[place:end]
            case 4:
                result[place:place] = result[place:end] * random_.choice((1, 2, 50))
            case 5:
                result[place:end] = random_.choice((b"\0", b"\xff")) * (end - place)
            case _:
                result[place:end] = random_.randbytes(end - place)
    return bytes(result)


def mutated_json(text: str, random_: random.Random) -> str:
    """The same for the tree of a JSON text. Sometimes for its characters."""
    if random_.random() < 0.15:
        return mutated_bytes(text.encode(), random_).decode("utf-8", "replace")
    tree = mutated_tree(json.loads(text), random_)
    written = json.dumps(tree, ensure_ascii=random_.random() < 0.5)
    if random_.random() < 0.1:
        written = _with_raw(written, random_)
    return _with_doubled_key(written, random_) if random_.random() < 0.05 else written


def mutated_yaml(text: str, random_: random.Random) -> str:
    """The same for YAML, with anchors that hold themselves or grow without end."""
    kind = random_.random()
    if kind < 0.2:
        return mutated_bytes(text.encode(), random_).decode("utf-8", "replace")
    if kind < 0.3:
        return text + "\n" + random_.choice(_YAML_TAILS)
    tree = mutated_tree(yaml.safe_load(text), random_)
    # Every JSON text is YAML, and PyYAML cannot write what is nested deep.
    return json.dumps(tree) if kind < 0.5 or _depth(tree) > 60 else yaml.safe_dump(tree, sort_keys=False)


def _depth(tree: Any) -> int:
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return 1 + max(map(_depth, parts), default=0)


_YAML_TAILS = (
    "x: &x [*x]", "x: *nowhere", "x: !!python/object/apply:os.system [ls]", "x: 2001-99-99", "x: 0b", "x: !!int ''",
    "x: !!float y", "x: !!timestamp z", "? [1, 2]\n: 3", "<<: 4", "---\n1", "\t", "x: " + "[" * 5000,
    "x: " + "9" * 9000,
    "a: &a [1, 1, 1]\n" + "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise("abcdefghi")),
)  # fmt: skip


def mutated_tree(tree: Any, random_: random.Random) -> Any:
    """One to four changes somewhere in lists and mappings."""
    tree = copy.deepcopy(tree)
    for _ in range(random_.choice((1, 1, 1, 2, 4))):
        places = list(_places(tree))
        if not places:
            return _odd(random_)
        holder, key = random_.choice(places)
        random_.choice(_CHANGES)(holder, key, places, random_)
    return tree


def _odd(random_: random.Random) -> Any:
    """A copy, since later changes may go into it."""
    return copy.deepcopy(random_.choice(ODD))


def _places(tree: Any) -> Any:
    """Every (holder, key) of a tree."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


def _delete(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    del holder[key]


def _replace(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    holder[key] = _odd(random_)


def _swap(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    other, place = random_.choice(places)
    try:
        # Copies, so that no part comes to hold itself.
        holder[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(holder[key])
    except (KeyError, IndexError):
        holder[key] = None


def _retype(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    value = holder[key]
    wrapped = ([value], {"x": value}, str(value), None)
    holder[key] = random_.choice(wrapped)


def _scale(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    value = holder[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = random_.choice((-value, value + 1, value - 1, value * 1000, value * 10**12, value / 3, 0))
    elif isinstance(value, str):
        holder[key] = random_.choice(
            (value * 2, value[:-1], value.upper(), value + "\0", value * (1 + 100_000 // (1 + len(value))))
        )
    else:
        holder[key] = _odd(random_)


def _add(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    if isinstance(holder, dict):
        holder[random_.choice(("x", "", "../x", "a" * 1000, "name", f"{key}2"))] = _odd(random_)
    else:
        holder.insert(random_.randrange(len(holder) + 1), copy.deepcopy(holder[key]))


def _deepen(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    value: Any = holder[key]
    for _ in range(random_.choice((3, 30, 60))):
        value = [value] if random_.random() < 0.5 else {"x": value}
    holder[key] = value


def _lengthen(holder: Any, key: Any, places: list[Any], random_: random.Random) -> None:
    count = random_.choice((2, 500)) if len(repr(holder)) < 5000 else 2
    if isinstance(holder, list):
        holder += copy.deepcopy(holder) * (count - 1)
    else:
        holder[key] = [copy.deepcopy(holder[key]) for _ in range(count)]


Change = Callable[[Any, Any, list[Any], random.Random], None]
_CHANGES: tuple[Change, ...] = (
    _delete, _replace, _replace, _replace, _swap, _retype, _scale, _scale, _add, _deepen, _lengthen,
)  # fmt: skip


def _with_raw(text: str, random_: random.Random) -> str:
    """What JSON has no word for, in place of a part."""
    place = random_.randrange(len(text))
    return (text[:place] + random_.choice(_RAW) + text[place + 1 :]).encode("utf-8", "replace").decode()


def _with_doubled_key(text: str, random_: random.Random) -> str:
    places = [place for place, sign in enumerate(text) if sign == "{" and text[place + 1 : place + 2] == '"']
    if not places:
        return text
    place = random_.choice(places) + 1
    key = text[place : text.index('"', place + 1) + 1]
    return f"{text[:place]}{key}: {random_.choice(('1', 'null', '{}'))}, {text[place:]}"
