"""A task of LIBERO as the stack sees it: what is measured, and what can be commanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_libero.suites import SEED, SETTLING_STEPS

ROW_PERIOD = 0.05
"""LIBERO takes 20 rows a second, s."""

_OPEN = -1.0
"""robosuite's number for an open gripper."""


class Asker(Protocol):
    """What answers requests. `LiberoProcess` does."""

    def ask(self, method: str, **arguments: Any) -> Any:
        """Ask for something and wait for the answer."""


@dataclass(frozen=True, eq=False)
class LiberoReading:
    """What can be measured at one time.

    Attributes:
        time: since the initial state, s.
        joints, velocities, efforts: (7,) of the arm, rad, rad/s, N m.
        fingers: (2,) positions of the fingers, m. The second is negative.
        tool: (3,) robosuite's grip site in the world, m.
        tool_quaternion: (4,) wxyz of the hand in the world.
        positions: all generalised positions, from which pictures are drawn.
        success: LIBERO says that the task is done.
        objects: name -> (7,) position and quaternion wxyz in the world, where they were asked for.
    """

    time: float
    joints: NDArray[np.float64]
    velocities: NDArray[np.float64]
    efforts: NDArray[np.float64]
    fingers: NDArray[np.float64]
    tool: NDArray[np.float64]
    tool_quaternion: NDArray[np.float64]
    positions: NDArray[np.float64]
    success: bool
    objects: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LiberoTask:
    """What is known of a task before it is played.

    Attributes:
        suite: name.
        number: place in the suite.
        instruction: as LIBERO's evaluation says it.
        of_interest: names of what the task is about.
        states: number of initial states.
        timestep: of the physics, s.
        base: (3,) where the arm stands in the world, m.
    """

    suite: str
    number: int
    instruction: str
    of_interest: tuple[str, ...]
    states: int
    timestep: float
    base: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointCommand:
    """What the servos of the joints follow for some physics steps.

    Attributes:
        position: (7,) rad. It goes on at `velocity`.
        velocity: (7,) rad/s.
        gripper: of a finger, m.
        steps: their number.
    """

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    gripper: float
    steps: int


class LiberoWorld:
    """One task at a time, in a process that has LIBERO.

    Args:
        process: answers. Its owner is the caller.
        picture_size: width and height of the cameras' pictures, pixels.

    Attributes:
        task: the one that is open.
        reading: the newest.
        begin: when the episode began to count, s of the readings' time.
    """

    def __init__(self, process: Asker, picture_size: int = 256) -> None:
        self._process, self.picture_size = process, picture_size
        self.task: LiberoTask
        self.reading: LiberoReading
        self.begin = 0.0

    def tasks(self, suite: str) -> list[dict[str, str]]:
        """Name and instruction of each task of a suite."""
        found: list[dict[str, str]] = self._process.ask("tasks", suite=suite)
        return found

    def open(self, suite: str, number: int) -> LiberoTask:
        """Load a task."""
        facts = self._process.ask("open", suite=suite, task=number, seed=SEED, picture_size=self.picture_size)
        self.task = LiberoTask(
            suite, number, facts["instruction"], tuple(facts["of_interest"]), facts["states"], facts["timestep"],
            facts["base"],
        )  # fmt: skip
        return self.task

    def reset(self, state: int) -> None:
        """Go to an initial state, and let things settle as the authors do.

        Raises:
            ConfigError: the task has fewer initial states.
        """
        if not 0 <= state < self.task.states:
            raise ConfigError(f"initial state {state} does not exist. Valid: 0 to {self.task.states - 1}")
        self._take(self._process.ask("reset", state=state))
        for _ in range(SETTLING_STEPS):
            self.row(np.array([0.0] * 6 + [_OPEN]))
        self.begin = self.reading.time

    @property
    def elapsed(self) -> float:
        """Since the episode began to count, s."""
        return self.reading.time - self.begin

    def row(self, row: NDArray[np.float64]) -> LiberoReading:
        """One step of the benchmark by OSC_POSE.

        Args:
            row: (7,) as robosuite takes it. The last number is -1 open .. 1 closed.
        """
        return self._take(self._process.ask("row", row=np.asarray(row, dtype=np.float64), objects=True))

    def follow(self, commands: Sequence[JointCommand]) -> LiberoReading:
        """Physics steps under one joint command after another."""
        return self._take(
            self._process.ask(
                "joints",
                positions=np.stack([command.position for command in commands]),
                velocities=np.stack([command.velocity for command in commands]),
                grippers=np.array([command.gripper for command in commands], dtype=np.float64),
                steps=[command.steps for command in commands],
            )
        )

    def picture(self, camera: str, positions: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Upright picture (H, W, 3) uint8 RGB of a camera of LIBERO, of a reading's `positions`."""
        drawn: NDArray[np.uint8] = self._process.ask("picture", camera=camera, positions=positions)
        return drawn

    def _take(self, found: dict[str, Any]) -> LiberoReading:
        self.reading = LiberoReading(**found)
        return self.reading


def robosuite_row(row: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """A row as a policy emits it (last number 0 closed .. 1 open) as robosuite takes it, like the authors' client."""
    found = np.array(row, dtype=np.float64)
    found[-1] = 1.0 if found[-1] < 0.5 else -1.0
    return found
