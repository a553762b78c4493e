"""A scripted expert for pick-and-place tasks of LIBERO. It sees where everything is, and writes rows for OSC_POSE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_libero.world import LiberoReading, LiberoTask

_SCALE = 0.05
"""What 1 in a row means, m."""
_GAIN = 1.3
"""Rows ask for this many times the way that is left. The arm comes a quarter of what a row says, and late."""
_FASTEST = 0.9
_SLEW = 0.15
"""Rows change by this much at most: a real arm's accelerations have limits."""
_STILL = 0.2
"""The tool is thought to stand where the rows are as small."""
_HOVER = 0.10  # m
_NEAR, _AT = 0.015, 0.005  # m
_GRIP_ROWS = 12
"""robosuite's fingers take 8 rows from open to closed."""
_SETTLE_ROWS = 6
_PATIENCE = 25
"""A goal that is nearly reached counts as reached after this many rows."""


@dataclass(frozen=True)
class Grasp:
    """How a thing is taken, with the hand pointing down and the fingers along y.

    Attributes:
        offset: (3,) of the tool from the thing's origin, m.
        foot: height of the thing's origin above its underside, m.
        either_side: the opposite side of y will do as well.
    """

    offset: tuple[float, float, float]
    foot: float
    either_side: bool = False


@dataclass(frozen=True)
class Place:
    """Where a thing is set down.

    Attributes:
        height: of the surface above the origin of what it is put on, m.
        clearance: how high the thing's underside passes over that surface, m.
        drop: how high above it the gripper opens, m.
    """

    height: float
    clearance: float = 0.06
    drop: float = 0.01


@dataclass(frozen=True)
class Job:
    """What is taken, and where it goes.

    Attributes:
        thing, goal: names in LIBERO.
        far_side: take it on the other side. None: on the one with more room.
    """

    thing: str
    goal: str
    far_side: bool | None = None


GRASPS = {
    # The wall, since the bowl is wider than the hand.
    "akita_black_bowl": Grasp((0.0, -0.046, 0.038), 0.0, either_side=True),
    # Not in the middle: there the hand would come down on the can beside it.
    "cream_cheese": Grasp((-0.025, 0.0, 0.002), 0.009),
    "butter": Grasp((0.0, 0.0, 0.002), 0.009),
    "alphabet_soup": Grasp((0.0, -0.003, 0.012), 0.038),
    "tomato_sauce": Grasp((0.0, -0.003, 0.012), 0.038),
}
PLACES = {
    "plate": Place(0.006),
    "basket": Place(0.02, clearance=0.17, drop=0.08),
    "akita_black_bowl": Place(0.02, clearance=0.08, drop=0.04),
}

Task = tuple[str, int]
"""Suite, and place in it."""
TASKS: dict[Task, Job] = {
    ("libero_spatial", 0): Job("akita_black_bowl_1", "plate_1"),
    # Here and with libero_goal:8 the hand would run into the cabinet on the other side.
    ("libero_spatial", 2): Job("akita_black_bowl_1", "plate_1", far_side=True),
    ("libero_object", 0): Job("alphabet_soup_1", "basket_1"),
    ("libero_object", 1): Job("cream_cheese_1", "basket_1"),
    ("libero_object", 6): Job("butter_1", "basket_1"),
    ("libero_goal", 8): Job("akita_black_bowl_1", "plate_1", far_side=True),
}
"""What the expert can do."""


class Phase(IntEnum):
    """In this order."""

    APPROACH = 0
    DESCEND = 1
    CLOSE = 2
    LIFT = 3
    CARRY = 4
    LOWER = 5
    OPEN = 6
    RETREAT = 7


class Expert:
    """Writes one row after another.

    Args:
        task: to be done. The expert has to know it.

    Raises:
        ConfigError: it does not. Lists the tasks that it knows.
    """

    def __init__(self, task: LiberoTask) -> None:
        if (task.suite, task.number) not in TASKS:
            known = ", ".join(f"{suite}:{number}" for suite, number in TASKS)
            raise ConfigError(f"there is no expert for task {task.number} of {task.suite}. Valid: {known}")
        self._job = TASKS[task.suite, task.number]
        self._thing, self._goal = self._job.thing, self._job.goal
        self._grasp, self._place = GRASPS[_kind(self._thing)], PLACES[_kind(self._goal)]
        self._offset = np.array(self._grasp.offset)
        self._row = np.zeros(3)
        self._rows = 0
        self._held = np.zeros(3)
        self._top = 0.0
        self.phase = Phase.APPROACH

    @property
    def left(self) -> bool:
        """Whether the thing was let go and the hand is on its way up."""
        return self.phase is Phase.RETREAT and self._rows >= _SETTLE_ROWS

    def row(self, reading: LiberoReading) -> NDArray[np.float64]:
        """The next row (7,): raw numbers of OSC_POSE, and the gripper, 0 closed .. 1 open."""
        if self.phase is Phase.APPROACH and self._rows == 0:
            self._offset = self._free_side(reading)
        while self._done(reading):
            self._enter(Phase(self.phase + 1), reading)
        self._rows += 1
        wanted = _GAIN * (self._target(reading) - reading.tool) / _SCALE
        wanted *= min(1.0, _FASTEST / max(float(np.linalg.norm(wanted)), 1e-9))
        if self.phase in (Phase.CLOSE, Phase.OPEN):
            wanted = np.zeros(3)
        self._row = self._row + np.clip(wanted - self._row, -_SLEW, _SLEW)
        gripper = 0.0 if Phase.CLOSE <= self.phase < Phase.OPEN else 1.0
        return np.array([*self._row, 0.0, 0.0, 0.0, gripper])

    def _enter(self, phase: Phase, reading: LiberoReading) -> None:
        self.phase, self._rows = phase, 0
        if phase is Phase.LIFT:
            self._held = reading.tool - reading.objects[self._thing][:3]
            self._top = reading.tool[2]

    def _done(self, reading: LiberoReading) -> bool:
        if self.phase in (Phase.CLOSE, Phase.OPEN):
            return self._rows >= _SETTLE_ROWS + _GRIP_ROWS
        if self.phase is Phase.RETREAT:
            return False
        away = float(np.linalg.norm(self._target(reading) - reading.tool))
        exact = self.phase in (Phase.DESCEND, Phase.LOWER)
        near = _AT if exact else _NEAR
        still = not exact or float(np.linalg.norm(self._row)) < _STILL
        return (away < near and still) or (self._rows > _PATIENCE and away < 3.0 * near)

    def _target(self, reading: LiberoReading) -> NDArray[np.float64]:
        """Where the tool is to go, m in the world."""
        thing, goal = reading.objects[self._thing][:3], reading.objects[self._goal][:3]
        up = np.array([0.0, 0.0, 1.0])
        grasp = thing + self._offset
        surface = goal + (self._place.height + self._grasp.foot) * up + self._held
        if self.phase is Phase.APPROACH:
            return np.asarray(grasp + _HOVER * up)
        if self.phase is Phase.DESCEND:
            return np.asarray(grasp)
        if self.phase is Phase.LIFT:
            return np.array([reading.tool[0], reading.tool[1], self._carry_height(surface)])
        if self.phase is Phase.CARRY:
            return np.array([surface[0], surface[1], self._carry_height(surface)])
        if self.phase is Phase.LOWER:
            return np.asarray(surface + self._place.drop * up)
        if self.phase is Phase.RETREAT:
            return np.asarray(surface + (self._place.clearance + _HOVER) * up)
        return reading.tool

    def _free_side(self, reading: LiberoReading) -> NDArray[np.float64]:
        """Offset of the grasp, on the side where other things are farther from the hand."""
        offset = np.array(self._grasp.offset)
        if not self._grasp.either_side:
            return offset
        ours = (self._thing, self._goal)
        others = np.stack([pose[:2] for name, pose in reading.objects.items() if name not in ours])
        places = [offset * (1.0, side, 1.0) for side in (1.0, -1.0)]
        if self._job.far_side is not None:
            return np.asarray(places[int(self._job.far_side)])
        hands = [reading.objects[self._thing][:2] + place[:2] for place in places]
        room = [float(np.linalg.norm(others - hand, axis=1).min()) for hand in hands]
        return np.asarray(places[int(np.argmax(room))])

    def _carry_height(self, surface: NDArray[np.float64]) -> float:
        return float(max(surface[2] + self._place.clearance, self._top + 0.05))


def _kind(name: str) -> str:
    """Without its number."""
    return name.rpartition("_")[0]
