"""A scripted expert for lift and stack: goals of the tip through inverse kinematics, from privileged cube poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hume_sim.arm import ARM_JOINTS, GRIPPER_CLOSED, GRIPPER_OPEN
from hume_sim.kinematics import ArmKinematics, SitePose, downward
from hume_sim.scene import CUBE_SIZE, CUBES
from hume_sim.way_round import shorter_side, way_round
from hume_sim.world import TabletopWorld

_TRAVEL_HEIGHT = 0.11
"""Height of the tip above its goal while it moves sideways, and above the table after lifting or letting go, m."""

_FUNNEL_SLOPE = 4.0
"""Height above the goal per distance beside it."""

_RELEASE_GAP = 0.002
FAST, _SLOW = 0.30, 0.15
"""Speeds of the tip, m/s."""

_TURN_SPEED = 1.5
_ARRIVED = 0.004
_HELD = 0.03
_ALIGNED, _TURNED, _ARM_OF_TURN = 0.004, 0.1, 0.03
"""Sideways distance (m) and turn (rad) from a goal that need no height. How far beside a turn of 1 rad counts, m."""

_CLEAR = 0.05
"""Height above the goal from which on the fingers pass over a cube, m."""

_CLOSED_ON_CUBE = CUBE_SIZE / 2 + 0.001
"""Finger position below which the fingers touch a cube between them, m."""

_FINGER_REACH = 0.041
"""Distance of an open finger's middle from the grasp's middle, m."""

_CARRYING_ROOM, _REACHING_ROOM = 0.09, 0.11
"""Distance of the tip from the pillar's middle on the way round it, with a cube between the fingers, and with the
fingers open beside it, m. Either leaves 2 cm or more, which a learned policy needs."""

_PILLAR_NEAR, _PILLAR_CLEAR = 0.105, 0.16
"""Within the first distance from the pillar's middle the tip is no lower than the second number, so that the wide
part of the hand passes above it, m."""

_FINGER_ROOM = 0.03
"""Smallest distance between a finger's middle and another cube's centre, m."""


@dataclass(frozen=True)
class Phase:
    """A stretch of motion: where the tip goes (x, y, z, yaw), how fast (m/s), the finger (m), time to wait then (s).

    With `near` it ends that far beside the goal (m), at any height.
    """

    name: str
    goal: Callable[[], NDArray[np.float64]]
    speed: float
    gripper: float
    wait: float = 0.0
    holding: bool = False
    near: float = 0.0

    def but(self, **changes: float) -> Phase:
        """The same with other numbers."""
        return replace(self, **changes)  # type: ignore[arg-type]


class ScriptedExpert:
    """Produces joint targets for the task of a world's present episode.

    It steers from the commanded pose at every call, so it recovers when something else moved the arm or the cubes.
    It starts over when it loses the cube or ends without success. A pillar is passed on either side when a cube is
    carried, by the episode's seed and task, and on the shorter one otherwise.

    Args:
        world: the world to act in. Only `step` changes it.
        control_rate: how often `act` is called, Hz.
    """

    def __init__(self, world: TabletopWorld, control_rate: float = 20.0) -> None:
        self._world = world
        self._period = 1.0 / control_rate
        self._kinematics = ArmKinematics(world.model)
        self.reset()

    @property
    def phase(self) -> str:
        """Name of the present phase. "done" at the end."""
        return self._phases[self._index].name if not self.done else "done"

    @property
    def done(self) -> bool:
        """Whether all phases are over. `act` then holds still."""
        return self._index >= len(self._phases)

    def reset(self) -> None:
        """Plan for the world's present task."""
        self._phases = self._lift() if self._world.task.base is None else self._stack()
        self._side = int(episode_rng(self._world, 3).choice([-1, 1]))
        self._restart()

    def _restart(self) -> None:
        self._index, self._waited = 0, 0.0

    def resume(self) -> None:
        """Continue an episode from its present state: a held cube is not let go, a tip in place is not raised again.

        Where a pillar is in the way, the shorter side from here is taken.
        """
        self.reset()
        self._side = 0
        name = self._resumed()
        self._index = next(i for i, phase in enumerate(self._phases) if phase.name == name)

    def _resumed(self) -> str:
        """Name of the phase that goes on from the world's present state."""
        gripping = self._holds() and self._world.target[-1] < CUBE_SIZE / 2
        if not gripping:
            return "reach"
        if self._world.finger_position() > _CLOSED_ON_CUBE:
            return "close"
        return "lift" if self._world.task.base is None else "place"

    def act(self) -> NDArray[np.float64]:
        """Next command (7,): arm joints in rad, finger in m."""
        if self.done:
            return self._world.target
        if self._phases[self._index].holding and not self._holds():
            self._restart()
        phase = self._phases[self._index]
        joints = self._world.target[: len(ARM_JOINTS)]
        goal = phase.goal()
        pose = self._towards(goal, self._kinematics.forward(joints), phase.speed)
        left = goal[:3] - pose.position
        near = bool(np.linalg.norm(left[:2]) < phase.near)
        self._advance(phase, near or bool(np.linalg.norm(left) < _ARRIVED))
        return np.append(self._kinematics.inverse(pose, joints).joints, phase.gripper)

    def step(self) -> None:
        """Send the next command and let the world go on for one control period."""
        command = self.act()
        self._world.set_arm_target(command[:-1])
        self._world.set_gripper_target(command[-1])
        self._world.step(round(self._period / self._world.timestep))

    def _lift(self) -> list[Phase]:
        return [
            Phase("reach", lambda: self._over(self._cube), FAST, GRIPPER_OPEN, wait=0.1),
            Phase("close", self._here, _SLOW, GRIPPER_CLOSED, wait=0.4),
            Phase("lift", self._raised, _SLOW, GRIPPER_CLOSED, wait=0.2, holding=True),
        ]

    def _stack(self) -> list[Phase]:
        return [
            *self._lift(),
            Phase("place", lambda: self._onto(CUBE_SIZE + _RELEASE_GAP), FAST, GRIPPER_CLOSED, wait=0.1, holding=True),
            Phase("open", self._here, _SLOW, GRIPPER_OPEN, wait=0.3),
            Phase("retreat", self._raised, _SLOW, GRIPPER_OPEN, wait=0.2),
        ]

    @property
    def _cube(self) -> str:
        return self._world.task.cube

    def _over(self, cube: str, height: float = 0.0) -> NDArray[np.float64]:
        """Grasp pose of a cube, raised by height, with the fingers beside two of its faces."""
        pose = self._world.cube_pose(cube)
        return np.array([*pose[:2], max(pose[2], CUBE_SIZE / 2) + height, self._grasp_yaw(cube)])

    def _grasp_yaw(self, cube: str) -> float:
        """The face direction nearest to the gripper's that leaves room for the fingers, rad."""
        position, quaternion = np.split(self._world.cube_pose(cube), [3])
        candidates = _face_yaw(quaternion) + np.pi / 2 * np.arange(-1, 2)
        turn = np.abs(candidates - self._here()[3])
        others = [self._world.cube_pose(other)[:3] for other in CUBES if other != cube]
        for other in others:
            if abs(other[2] - position[2]) < CUBE_SIZE:
                across = np.stack([-np.sin(candidates), np.cos(candidates)], axis=1)
                for side in (-_FINGER_REACH, _FINGER_REACH):
                    gap = np.linalg.norm(position[:2] + side * across - other[:2], axis=1)
                    turn += np.where(gap < _FINGER_ROOM, np.pi, 0.0)
        return float(candidates[np.argmin(turn)])

    def _onto(self, height: float) -> NDArray[np.float64]:
        """Tip pose that puts the held cube above the base cube, however it sits in the gripper."""
        base = self._world.task.base
        assert base is not None
        slip = self._world.tip_position() - self._world.cube_pose(self._cube)[:3]
        goal = self._over(base, height)
        goal[:2] += slip[:2]
        return goal

    def _here(self) -> NDArray[np.float64]:
        pose = self._kinematics.forward(self._world.target[: len(ARM_JOINTS)])
        return np.append(pose.position, _yaw(pose.rotation))

    def _raised(self) -> NDArray[np.float64]:
        here = self._here()
        here[2] = _TRAVEL_HEIGHT if self._world.pillar is None else _PILLAR_CLEAR
        return here

    def _holds(self) -> bool:
        distance = self._world.cube_pose(self._cube)[:3] - self._world.tip_position()
        return bool(np.linalg.norm(distance) < _HELD)

    def _towards(self, goal: NDArray[np.float64], pose: SitePose, speed: float) -> SitePose:
        """Pose one control period further, down a funnel above the goal.

        The height of the tip follows from its distance beside the goal. How far it may go sideways follows from its
        height. So each state has one answer, and the expert never waits for something that a camera cannot see.
        """
        way, turn = goal[:3] - pose.position, float(goal[3] - _yaw(pose.rotation))
        sideways = float(np.linalg.norm(way[:2]))
        way[:2] = self._way(pose.position[:2], goal[:2])
        beside = max(sideways - _ALIGNED, _ARM_OF_TURN * (abs(turn) - _TURNED), 0.0)
        height = min(_FUNNEL_SLOPE * beside, _TRAVEL_HEIGHT)
        above = max(-way[2], 0.0)
        free = 1.0 if height == 0.0 else min(1.0, above / min(height, _CLEAR)) ** 2
        rise = max(way[2] + height, self._least_height(pose.position) - pose.position[2])
        step = np.array([free * way[0], free * way[1], rise])
        speed = min(speed, _SLOW + (FAST - _SLOW) * min(1.0, above / _CLEAR))
        step *= min(1.0, speed * self._period / max(float(np.linalg.norm(step)), 1e-9))
        limit = _TURN_SPEED * self._period
        return SitePose(pose.position + step, downward(_yaw(pose.rotation) + float(np.clip(turn, -limit, limit))))

    def _way(self, here: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where to go sideways (2,), m: to the goal, or round what stands in between."""
        pillar = self._world.pillar
        if pillar is None:
            return goal - here
        carrying = self._phases[self._index].holding
        if carrying and self._side == 0:
            self._side = shorter_side(here, goal, pillar)
        side = self._side if carrying else shorter_side(here, goal, pillar)
        return way_round(here, goal, pillar, _CARRYING_ROOM if carrying else _REACHING_ROOM, side)

    def _least_height(self, here: NDArray[np.float64]) -> float:
        """How low the tip may be here, m."""
        pillar = self._world.pillar
        near = pillar is not None and float(np.linalg.norm(here[:2] - pillar)) < _PILLAR_NEAR
        return _PILLAR_CLEAR if near else -np.inf

    def _advance(self, phase: Phase, arrived: bool) -> None:
        if not arrived and self._waited == 0.0:
            return
        self._waited += self._period
        if self._waited < phase.wait:
            return
        self._index, self._waited = self._index + 1, 0.0
        if self.done and not self._world.success():
            self._restart()


def episode_rng(world: TabletopWorld, stream: int) -> np.random.Generator:
    """Draws of an episode. Other ones where a scene is played again with other colours."""
    return np.random.default_rng([world.seed, stream, *(CUBES.index(cube) for cube in world.task.cubes)])


def run_expert(world: TabletopWorld, control_rate: float = 20.0, timeout: float = 15.0) -> bool:
    """Let the expert finish the world's episode, at most `timeout` simulated seconds. Returns whether it succeeded."""
    expert = ScriptedExpert(world, control_rate)
    while not expert.done and world.elapsed < timeout:
        expert.step()
    return world.success()


def _yaw(rotation: NDArray[np.float64]) -> float:
    """Yaw of a tip rotation that points about downward, rad."""
    return float(np.arctan2(-rotation[0, 1], rotation[1, 1]))


def _face_yaw(quaternion: NDArray[np.float64]) -> float:
    """Yaw of an upright cube's nearest face, in [-pi/4, pi/4), rad."""
    w, x, y, z = quaternion
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return float((yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)
