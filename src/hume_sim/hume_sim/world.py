"""The simulated robot on its table: commands in, joint states and images out. No ROS, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hume_core.errors import ConfigError
from hume_sim.arm import ARM_JOINTS, ARM_VELOCITY, FINGER_VELOCITY, GRIPPER_OPEN, HOME
from hume_sim.joint_state import JointState
from hume_sim.rendering import CameraRenderer, compute_for_rendering
from hume_sim.rules import Rule, Start, rule_of
from hume_sim.scene import CUBE_SIZE, CUBES, PILLAR, PLAIN, arms_of, load_model, random_layout
from hume_sim.simulated_arm import SimulatedArm
from hume_sim.tasks import TabletopTask, make_task

_PHYSICS = mujoco.mjtState.mjSTATE_INTEGRATION
_SETTLE_STEPS = 50


@dataclass(frozen=True)
class WorldState:
    """Everything that decides the future of a world: restoring it repeats that future bit by bit.

    `start` is what the scene's rule keeps of the episode's start, `failure` why the episode has failed.
    """

    physics: NDArray[np.float64]
    effort: NDArray[np.float64]
    target: NDArray[np.float64]
    task: TabletopTask
    seed: int
    start_time: float
    start: Start | None = None
    failure: str = ""


class TabletopWorld:
    """One WidowX-250s or two under position servos, with a table and three cubes.

    Arms are counted from 0. Numbers of several stand side by side, each arm's joints with its finger behind them.

    Not thread-safe. `render` also binds the calling thread to a GL context.

    Args:
        height: rows of rendered images, pixels.
        width: columns of rendered images, pixels.
        scene: one of `hume_sim.scene.SCENES`, or `PAIR`.

    Attributes:
        arms: at the table.
        failure: why the episode has failed whatever comes, by the scene's rule. Empty: it has not.
    """

    def __init__(self, height: int = 96, width: int = 96, scene: str = PLAIN) -> None:
        self.scene, self.model = scene, load_model(scene)
        self._rule, self.failure = rule_of(scene, self.model), ""
        self._start: Start | None = None
        self.data = mujoco.MjData(self.model)
        self._size = (height, width)
        self._renderers: dict[tuple[int, int], CameraRenderer] = {}
        self.arms = tuple(SimulatedArm(self.model, names) for names in arms_of(scene))
        self._names = tuple(name for arm in self.arms for name in arm.names.reported)
        self._qpos = np.concatenate([arm.qpos for arm in self.arms])
        self._qvel = np.concatenate([arm.qvel for arm in self.arms])
        self._cube_qpos = {cube: self.model.joint(f"{cube}_cube").qposadr[0] for cube in CUBES}
        self._pillar_qpos = [self.model.joint(f"pillar_{axis}").qposadr[0] for axis in "xy" if scene == PILLAR]
        self._cube_qvel = {cube: self.model.joint(f"{cube}_cube").dofadr[0] for cube in CUBES}
        speed = np.array(([ARM_VELOCITY] * len(ARM_JOINTS) + [FINGER_VELOCITY]) * len(self.arms))
        self._slew = speed * self.timestep
        self._target = np.zeros(len(self._names))
        self.reset(seed=0)

    @property
    def timestep(self) -> float:
        """Length of one physics step, s."""
        return float(self.model.opt.timestep)

    @property
    def time(self) -> float:
        """Simulated time since the world was made, s. A reset does not turn it back."""
        return float(self.data.time)

    @property
    def elapsed(self) -> float:
        """Simulated time since the last reset, s."""
        return self.time - self._start_time

    @property
    def instruction(self) -> str:
        """The sentence that names the task of this episode."""
        return self.task.instruction

    @property
    def target(self) -> NDArray[np.float64]:
        """Commanded positions, 7 of each arm: its joints in rad, its finger in m."""
        return self._target.copy()

    def reset(self, seed: int, task: TabletopTask | str | None = None) -> None:
        """Start an episode: arms at home, grippers open, cubes at seeded random places.

        Args:
            seed: decides places, task (where open) and phrasing. Not negative.
            task: a task, a short form ("lift", "stack red on blue", ...) or None for any.

        Raises:
            ConfigError: negative seed or unknown task. The world is then unchanged.
        """
        if seed < 0:
            raise ConfigError(f"seed is {seed}. It must not be negative")
        scene_rng, task_rng = (np.random.default_rng([seed, stream]) for stream in (0, 1))
        self.task = task if isinstance(task, TabletopTask) else make_task(task, task_rng)
        self.seed = seed
        time = self.time
        mujoco.mj_resetData(self.model, self.data)
        self._target[:] = self.data.ctrl[:] = (*HOME, GRIPPER_OPEN) * len(self.arms)
        for arm in self.arms:
            arm.go_home(self.data)
        layout = random_layout(self.scene, scene_rng, self.task.cubes)
        for cube, (x, y, yaw) in zip(CUBES, layout.cubes, strict=True):
            self.place_cube(cube, (x, y, CUBE_SIZE / 2), yaw)
        if layout.pillar is not None:
            self.data.qpos[self._pillar_qpos] = layout.pillar
        mujoco.mj_step(self.model, self.data, _SETTLE_STEPS)
        self.data.time = self._start_time = time
        self._start, self.failure = None if self._rule is None else self._rule.start(self.data), ""
        compute_for_rendering(self.model, self.data)

    def place_cube(self, cube: str, position: ArrayLike, yaw: float = 0.0) -> None:
        """Put a cube at rest somewhere: centre (3,) in the world, m. Turned by yaw, rad."""
        pose = (*np.asarray(position, dtype=np.float64), np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        self.data.qpos[self._cube_qpos[cube] :][:7] = pose
        self.data.qvel[self._cube_qvel[cube] :][:6] = 0.0

    def push_cube(self, cube: str, velocity: ArrayLike) -> None:
        """Knock a cube: give its centre a velocity (3,), m/s. Friction stops it."""
        self.data.qvel[self._cube_qvel[cube] :][:3] = velocity

    def push_arm(self, torque: ArrayLike, arm: int = 0) -> None:
        """Load the joints of an arm with outside torques (6,), N m, until the next call or reset."""
        self.arms[arm].push(self.data, torque)

    @property
    def holding_torques(self) -> NDArray[np.float64]:
        """The most that an arm's servos (6,) can hold, N m. The same for every arm."""
        return self.arms[0].holding_torques.copy()

    def torques_of(self, link: str, place: ArrayLike, force: ArrayLike, arm: int = 0) -> NDArray[np.float64]:
        """What a force on a link puts on the joints of an arm (6,) in the present pose, N m.

        Args:
            link: name of a body of the arm, as `wx250s.xml` has it.
            place: where the force acts (3,), in the link's frame, m.
            force: (3,) in the world, N.
            arm: which one.
        """
        return self.arms[arm].torques_of(self.data, link, place, force)

    def set_arm_target(self, positions: ArrayLike, arm: int = 0) -> None:
        """Command the joints of an arm (6,), rad, in the order of ARM_JOINTS. Clipped to the joint limits.

        Raises:
            ActionSpaceError: wrong size or a number that is not finite. The last command stays.
        """
        self._set_target(self.arms[arm], slice(0, len(ARM_JOINTS)), positions)

    def set_gripper_target(self, width: float, arm: int = 0) -> None:
        """Command an arm's finger position, m (0.015 closed to 0.037 open). Clipped to that range.

        Raises:
            ActionSpaceError: not finite. The last command stays.
        """
        self._set_target(self.arms[arm], slice(len(ARM_JOINTS), None), [width])

    def _set_target(self, arm: SimulatedArm, part: slice, values: ArrayLike) -> None:
        self._target[arm.places][part] = arm.checked(part, values)

    def step(self, n: int = 1) -> None:
        """Advance n physics steps. The servos' setpoints approach the targets at the servos' speed limits."""
        ctrl = self.data.ctrl
        for _ in range(n):
            ctrl += np.clip(self._target - ctrl, -self._slew, self._slew)
            mujoco.mj_step(self.model, self.data)
            if self._rule is not None and not self.failure:
                self._look(self._rule)

    def _look(self, rule: Rule) -> None:
        """Whether the episode has failed, where the rule is due at the present step."""
        if self._start is not None and round(self.time / self.timestep) % rule.every == 0:
            self.failure = rule.broken(self.data, self._start, self.task.cube)

    def joint_state(self) -> JointState:
        """Measured positions, velocities and efforts of arms and fingers."""
        return JointState(
            self._names,
            self.data.qpos[self._qpos],
            self.data.qvel[self._qvel],
            self.data.qfrc_actuator[self._qvel],
        )

    def finger_position(self) -> float:
        """Measured finger position, m. Of several, that of the gripper nearest to the cube of the task."""
        return float(self.data.qpos[self.arms[self._nearest()].qpos[-1]])

    def tip_position(self) -> NDArray[np.float64]:
        """Position (3,) of the gripper's tip in the world, m. Of several, the nearest to the cube of the task."""
        return self.tip_positions()[self._nearest()]

    def tip_positions(self) -> list[NDArray[np.float64]]:
        """Position (3,) of each gripper's tip in the world, m."""
        mujoco.mj_kinematics(self.model, self.data)
        return [arm.tip(self.data) for arm in self.arms]

    def _nearest(self) -> int:
        """The arm whose gripper is nearest to the cube of the task."""
        if len(self.arms) == 1:
            return 0
        cube = self.cube_pose(self.task.cube)[:3]
        return int(np.argmin([np.linalg.norm(tip - cube) for tip in self.tip_positions()]))

    def cube_pose(self, cube: str) -> NDArray[np.float64]:
        """Pose (7,) of a cube in the world: x, y, z in m and quaternion w, x, y, z."""
        return np.array(self.data.qpos[self._cube_qpos[cube] :][:7])

    @property
    def pillar(self) -> NDArray[np.float64] | None:
        """Where the pillar stands (2,), m. None: there is none."""
        return np.array(self.data.qpos[self._pillar_qpos]) if self._pillar_qpos else None

    def objects(self) -> dict[str, NDArray[np.float64]]:
        """Position (3,) of every cube, and of the pillar where there is one, m. The names are `object_names`."""
        places = {cube: self.cube_pose(cube)[:3] for cube in CUBES}
        pillar = self.pillar
        return places if pillar is None else places | {PILLAR: np.append(pillar, 0.0)}

    def cube_speed(self, cube: str) -> float:
        """Speed of a cube's centre, m/s."""
        return float(np.linalg.norm(self.data.qvel[self._cube_qvel[cube] :][:3]))

    def success(self) -> bool:
        """Whether the task is fulfilled now, and nothing has made the episode a failure."""
        return not self.failure and self.task.success(self)

    def render(self, camera: str = "scene", height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB of the present state. The world's image size unless another is given."""
        size = (height or self._size[0], width or self._size[1])
        if size not in self._renderers:
            self._renderers[size] = CameraRenderer(self.model, *size)
        compute_for_rendering(self.model, self.data)
        return self._renderers[size].render(self.data, camera)

    def video_frame(self, size: int = 480) -> NDArray[np.uint8]:
        """Presentation image (size, size, 3) uint8 RGB, drawn at twice the size for smooth edges."""
        large = self.render("video", 2 * size, 2 * size)
        frame: NDArray[np.uint8] = large.reshape(size, 2, size, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        return frame

    def get_state(self) -> WorldState:
        """Snapshot of the world."""
        physics = np.empty(mujoco.mj_stateSize(self.model, _PHYSICS))
        mujoco.mj_getState(self.model, self.data, physics, _PHYSICS)
        effort = self.data.qfrc_actuator.copy()
        return WorldState(
            physics, effort, self.target, self.task, self.seed, self._start_time, self._start, self.failure
        )

    def set_state(self, state: WorldState) -> None:
        """Restore a snapshot taken from any world of the same scene."""
        mujoco.mj_setState(self.model, self.data, state.physics, _PHYSICS)
        self.data.qfrc_actuator[:] = state.effort
        self._target[:] = state.target
        self.task, self.seed, self._start_time = state.task, state.seed, state.start_time
        self._start, self.failure = state.start, state.failure

    def close(self) -> None:
        """Free the GL contexts. Call it in the thread that rendered."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()
