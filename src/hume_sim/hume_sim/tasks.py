"""Language-conditioned tasks on three cubes and their success checks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_sim.arm import GRIPPER_OPEN
from hume_sim.scene import CUBE_SIZE, CUBES

LIFT_HEIGHT = 0.06
"""A lifted cube's bottom face is at least this far above the table, m."""

_LIFT_PHRASES = (
    "lift the {cube} cube",
    "pick up the {cube} cube",
    "raise the {cube} block",
    "grab the {cube} block and lift it",
    "take the {cube} cube off the table",
)
_STACK_PHRASES = (
    "stack the {cube} cube on the {base} cube",
    "put the {cube} cube on top of the {base} cube",
    "place the {cube} block on the {base} block",
    "set the {cube} cube down on the {base} one",
    "pick up the {cube} block and stack it on the {base} block",
)
_FORMS = "'lift', 'lift COLOUR', 'stack', 'stack COLOUR on COLOUR' with COLOUR one of " + ", ".join(CUBES)


class Cubes(Protocol):
    """What a success check asks of a world. `TabletopWorld` is one."""

    def cube_pose(self, cube: str) -> NDArray[Any]:
        """Position, m, and quaternion (w, x, y, z)."""

    def cube_speed(self, cube: str) -> float:
        """m/s."""

    def tip_position(self) -> NDArray[Any]:
        """Between the finger tips, m."""

    def finger_position(self) -> float:
        """Of one finger, m."""


@dataclass(frozen=True)
class TabletopTask:
    """What an episode asks for.

    Attributes:
        kind: "lift" or "stack".
        cube: colour of the cube to pick.
        base: colour of the cube to stack on. None for lift.
        instruction: the sentence the policy reads.
    """

    kind: str
    cube: str
    base: str | None
    instruction: str

    @property
    def cubes(self) -> tuple[str, ...]:
        """Colours of the cubes involved, the one to pick first."""
        return (self.cube,) if self.base is None else (self.cube, self.base)

    def __str__(self) -> str:
        return f"lift {self.cube}" if self.base is None else f"stack {self.cube} on {self.base}"

    def success(self, world: Cubes) -> bool:
        """Whether the world's present state fulfils the task."""
        return _lifted(world, self.cube) if self.base is None else _stacked(world, self.cube, self.base)


def make_task(text: str | None, rng: np.random.Generator) -> TabletopTask:
    """Make a task from its short form. Whatever the form leaves open is drawn at random, the phrasing too.

    Args:
        text: "lift", "lift red", "stack", "stack red on blue". None or "" draws everything.
        rng: source of the draws.

    Raises:
        ConfigError: the text has none of these forms.
    """
    kind, cube, base = _parse(text or str(rng.choice(["lift", "stack"])))
    cube = cube or str(rng.choice(CUBES))
    if kind == "stack":
        base = base or str(rng.choice([colour for colour in CUBES if colour != cube]))
    phrases = _LIFT_PHRASES if kind == "lift" else _STACK_PHRASES
    instruction = phrases[rng.integers(len(phrases))].format(cube=cube, base=base)
    return TabletopTask(kind, cube, base, instruction)


def task_of(instruction: str) -> TabletopTask | None:
    """The task that an instruction in words asks for. None where it is none that can be judged here.

    Args:
        instruction: one of the phrases of `make_task`, in any case, with or without a full stop.
    """
    text = " ".join(instruction.lower().split()).removesuffix(".")
    colour = "|".join(CUBES)
    for kind, phrases in (("lift", _LIFT_PHRASES), ("stack", _STACK_PHRASES)):
        for phrase in phrases:
            pattern = phrase.format(cube=f"(?P<cube>{colour})", base=f"(?P<base>{colour})")
            match = re.fullmatch(pattern, text)
            found = {} if match is None else match.groupdict()
            if found and found["cube"] != found.get("base"):
                return TabletopTask(kind, found["cube"], found.get("base"), instruction)
    return None


def _parse(text: str) -> tuple[str, str | None, str | None]:
    colour = "|".join(CUBES)
    match = re.fullmatch(rf"lift(?: ({colour}))?|stack(?: ({colour}) on ({colour}))?", text.strip().lower())
    if match is None or (match[2] is not None and match[2] == match[3]):
        raise ConfigError(f"task '{text}' is unknown. Valid are {_FORMS} (two different ones)")
    return text.strip().lower().split()[0], match[1] or match[2], match[3]


def _lifted(world: Cubes, cube: str) -> bool:
    position = world.cube_pose(cube)[:3]
    held = np.linalg.norm(position - world.tip_position()) < CUBE_SIZE
    return bool(held and position[2] >= LIFT_HEIGHT + CUBE_SIZE / 2)


def _stacked(world: Cubes, cube: str, base: str) -> bool:
    offset = world.cube_pose(cube)[:3] - world.cube_pose(base)[:3]
    on_top = np.linalg.norm(offset[:2]) < 0.5 * CUBE_SIZE and abs(offset[2] - CUBE_SIZE) < 0.005
    released = world.finger_position() > CUBE_SIZE / 2 + 0.25 * (GRIPPER_OPEN - CUBE_SIZE / 2)
    return bool(on_top and released and world.cube_speed(cube) < 0.02)
