"""The tabletop scenes: MuJoCo model, cubes, random places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError
from hume_sim.arm import ONE_ARM, TWO_ARMS, ArmNames

CUBES = ("red", "green", "blue")
CUBE_SIZE = 0.04
"""Edge of a cube, m."""

WORKSPACE = ((0.22, 0.36), (-0.15, 0.15))
"""Where cubes start: (lowest, highest) x and y of their centres in the base frame, m."""

CLEARANCE = 0.085
"""Smallest distance between two cube centres, m: an open finger fits between them."""

PLAIN, PILLAR, FRAGILE = "plain", "pillar", "fragile"
SCENES = {PLAIN: "tabletop.xml", PILLAR: "pillar.xml", FRAGILE: "tabletop.xml"}
"""Kinds of scenes and their models. `pillar`: a pillar stands between the cube and its goal. `fragile`: cubes may be
neither dropped nor knocked away. See `hume_sim.rules`."""

PAIR = "pair"
"""The plain table with two arms. No suite asks for it: it belongs to a robot with two arms."""

_PAIR_PLACES = {"left": 0.22, "right": -0.22}
"""Where the bases of two arms stand, y in m. Both look along x, as one alone does, and reach every cube."""

_PAIR_VIEWS = {"scene": 60.0, "video": 52.0}
"""Vertical field of view of the fixed cameras, degrees: wide enough for both arms."""

_OTHER_ARM = 4
"""Bit of MuJoCo's contact masks. An arm does not touch itself, and two arms must not pass through each other."""

PILLAR_HEIGHT = 0.165
"""m. The expert carries a cube at 16 to 17.2 cm, so its lower half and the fingers would run into the pillar. The wide
part of the hand passes 3 cm above it there."""

_PILLAR_PLACES = ((0.275, 0.315), (-0.02, 0.02))
"""Where the pillar stands: far enough from the arm at home, near enough to go round it on the far side, m."""

_PILLAR_TO_CUBE = (0.115, 0.14)
"""How far the cube and its goal are from the pillar, along the line between them, m."""

_BESIDE_LINE = (0.015, 0.035)
"""How far the pillar stands beside that line, m. So one way round is shorter, and the straight way is never free."""

_LARGEST_TURN = 0.25
"""Of that line from the direction across the table, rad."""

_ASSETS = Path(__file__).parent / "assets"


def object_names(scene: str) -> tuple[str, ...]:
    """What stands on the table of a scene, in the order of an environment state."""
    return (*CUBES, PILLAR) if scene == PILLAR else CUBES


@dataclass(frozen=True)
class Layout:
    """Where things stand at the start.

    Attributes:
        cubes: (3, 3) rows x, y, yaw (m, m, rad) in the order of `CUBES`.
        pillar: (2,) x and y, m. None: there is none.
    """

    cubes: NDArray[np.float64]
    pillar: NDArray[np.float64] | None = None


def load_model(scene: str = PLAIN) -> mujoco.MjModel:
    """Compile a scene: the table top is z = 0. The base frame of an arm that is alone is the world frame.

    Args:
        scene: one of `SCENES`, or `PAIR`.

    Raises:
        ConfigError: unknown scene.
    """
    if scene == PAIR:
        return _pair_model()
    if scene not in SCENES:
        raise ConfigError(f"scene '{scene}' is unknown; valid: {', '.join(SCENES)}")
    return mujoco.MjModel.from_xml_path(str(_ASSETS / SCENES[scene]))


def arms_of(scene: str) -> tuple[ArmNames, ...]:
    """The arms of a scene, in the order of their joints."""
    return TWO_ARMS if scene == PAIR else ONE_ARM


def _pair_model() -> mujoco.MjModel:
    """The table with two arms, both of the one description."""
    table = mujoco.MjSpec.from_file(str(_ASSETS / "table.xml"))
    for arm in TWO_ARMS:
        description = mujoco.MjSpec.from_file(str(_ASSETS / "wx250s.xml"))
        left = arm is TWO_ARMS[0]
        for geom in description.geoms:
            geom.conaffinity |= _OTHER_ARM if left else 0
            geom.contype |= 0 if left else _OTHER_ARM
        place = table.worldbody.add_frame(pos=[0.0, _PAIR_PLACES[arm.side], 0.0])
        table.attach(description, frame=place, prefix=arm.prefix)
    for camera in table.cameras:
        camera.fovy = _PAIR_VIEWS.get(camera.name, camera.fovy)
    return table.compile()


def random_layout(scene: str, rng: np.random.Generator, cubes: Sequence[str]) -> Layout:
    """Draw where everything stands.

    Args:
        scene: one of `SCENES`.
        rng: source of the draws.
        cubes: colours that the task names. The pillar stands between the first two.
    """
    if scene != PILLAR:
        return Layout(random_places(rng))
    others = [cube for cube in CUBES if cube not in cubes]
    return _pillar_layout(rng, [CUBES.index(cube) for cube in (*cubes, *others)])


def random_places(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a place for every cube.

    Returns:
        (3, 3) rows x, y, yaw (m, m, rad) in the order of `CUBES`, centres at least `CLEARANCE` apart.
    """
    low, high = np.array(WORKSPACE).T
    while True:
        centres = rng.uniform(low, high, size=(len(CUBES), 2))
        if _smallest_gap(centres) >= CLEARANCE:
            return np.hstack([centres, _yaws(rng)])


def _pillar_layout(rng: np.random.Generator, order: Sequence[int]) -> Layout:
    """A pillar between the first two cubes of an order, the third anywhere."""
    low, high = np.array(WORKSPACE).T
    first, last = np.array(_PILLAR_PLACES).T
    while True:
        pillar = rng.uniform(first, last)
        angle = np.pi / 2 + rng.uniform(-_LARGEST_TURN, _LARGEST_TURN)
        along = np.array([np.cos(angle), np.sin(angle)]) * rng.choice([-1.0, 1.0])
        across = np.array([-along[1], along[0]]) * rng.choice([-1.0, 1.0])
        middle = pillar + rng.uniform(*_BESIDE_LINE) * across
        before, behind = rng.uniform(*_PILLAR_TO_CUBE, size=2)
        centres = np.zeros((len(CUBES), 2))
        centres[order[0]], centres[order[1]] = middle - before * along, middle + behind * along
        centres[order[2]] = rng.uniform(low, high)
        free = _smallest_gap(np.vstack([centres, pillar])) >= CLEARANCE
        if free and (centres >= low).all() and (centres <= high).all():
            return Layout(np.hstack([centres, _yaws(rng)]), pillar)


def _yaws(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(-np.pi / 4, np.pi / 4, size=(len(CUBES), 1))


def _smallest_gap(centres: NDArray[np.float64]) -> float:
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    return float(gaps[np.triu_indices(len(centres), 1)].min())
