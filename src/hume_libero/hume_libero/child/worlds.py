"""One task of LIBERO in MuJoCo: reset it, step it by action rows or by joint commands, read it, draw it."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from libero.libero.envs.env_wrapper import ControlEnv
from numpy.typing import NDArray

from hume_libero.child.benchmark import Benchmarks
from hume_libero.child.pictures import Pictures
from hume_libero.child.servo import JointServo

ROBOT = "robot0_"


class Worlds:
    """The task that is open, one at a time.

    Args:
        benchmarks: where the tasks are.
    """

    def __init__(self, benchmarks: Benchmarks) -> None:
        self._benchmarks = benchmarks
        self._opened: tuple[str, int, int] | None = None
        self._env: Any = None
        self._states: NDArray[np.float64] = np.zeros((0, 0))
        self._begin = 0.0
        self._servo: JointServo | None = None
        self._pictures: Pictures | None = None

    def open(self, suite: str, task: int, seed: int, picture_size: int) -> dict[str, Any]:
        """Load a task. What is open already stays as it is.

        Args:
            suite: name.
            task: its place in the suite.
            seed: of what LIBERO places at random although it has initial states: cabinets, stoves.
            picture_size: width and height, pixels.
        """
        if self._opened != (suite, task, seed):
            self._close()
            self._states = self._benchmarks.states(suite, task)
            # Pictures are drawn here, and only those that somebody looks at.
            self._env = ControlEnv(
                bddl_file_name=self._benchmarks.file(suite, task),
                has_offscreen_renderer=False,
                use_camera_obs=False,
                ignore_done=True,
            )
            self._env.seed(seed)
            self._env.reset()
            self._opened = (suite, task, seed)
        if self._pictures is None or self._pictures.size != picture_size:
            self._close_pictures()
            self._pictures = Pictures(self._model, picture_size)
        return {
            "instruction": self._benchmarks.tasks(suite)[task]["instruction"],
            "of_interest": list(self._env.obj_of_interest),
            "states": len(self._states),
            "timestep": float(self._model.opt.timestep),
            "steps_per_row": round(self._env.env.control_timestep / self._model.opt.timestep),
            "base": self._data.body("robot0_base").xpos.copy(),
        }

    def reset(self, state: int) -> dict[str, Any]:
        """Go to an initial state, as LIBERO's evaluation does. Fixtures stay where they are."""
        env = self._env
        env.sim.reset()
        env.robots[0].reset(deterministic=True)
        env.robots[0].gripper.current_action = np.zeros(env.robots[0].gripper.dof)
        env.set_init_state(self._states[state])
        env.env.timestep, env.env.done = 0, False
        self._servo = None
        self._begin = float(self._data.time)
        return self._reading(True)

    def row(self, row: NDArray[np.float64], objects: bool = False) -> dict[str, Any]:
        """One step of the benchmark: an action row (7,) for OSC_POSE, the last number -1 open .. 1 closed."""
        env = self._env
        self._servo = None
        # As `step` of robosuite, without the observations that nobody reads: they take most of its time.
        for i in range(round(env.env.control_timestep / env.env.model_timestep)):
            env.sim.forward()
            env.env._pre_action(row, i == 0)
            env.sim.step()
        env.env._post_process()
        return self._reading(objects)

    def joints(
        self,
        positions: NDArray[np.float64],
        velocities: NDArray[np.float64],
        grippers: NDArray[np.float64],
        steps: list[int],
        objects: bool = False,
    ) -> dict[str, Any]:
        """Physics steps under one joint command after another.

        Args:
            positions: (m, 7) rad.
            velocities: (m, 7) that belong to them, rad/s. A position goes on at its velocity.
            grippers: (m,) of each finger, m.
            steps: m numbers of physics steps.
            objects: whether the answer tells where everything is.
        """
        if self._servo is None:
            self._servo = JointServo(self._model, self._data, self._env.robots[0])
        for command in zip(positions, velocities, grippers, steps, strict=True):
            self._servo.run(*command)
        self._env.env._post_process()
        return self._reading(objects)

    def picture(self, camera: str, positions: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The upright picture (H, W, 3) of a camera when everything was at these generalised positions."""
        assert self._pictures is not None
        return self._pictures.draw(self._data, camera, positions)

    @property
    def _model(self) -> Any:
        return self._env.sim.model._model

    @property
    def _data(self) -> Any:
        return self._env.sim.data._data

    def _reading(self, objects: bool) -> dict[str, Any]:
        env, data, robot = self._env, self._data, self._env.robots[0]
        # Positions are a step newer than what was computed from them.
        mujoco.mj_kinematics(self._model, data)
        arm, fingers = robot._ref_joint_pos_indexes, robot._ref_gripper_joint_pos_indexes
        reading = {
            "time": float(data.time) - self._begin,
            "joints": data.qpos[arm].copy(),
            "velocities": data.qvel[robot._ref_joint_vel_indexes].copy(),
            "efforts": data.ctrl[robot._ref_joint_actuator_indexes].copy(),
            "fingers": data.qpos[fingers].copy(),
            "tool": data.site_xpos[robot.eef_site_id].copy(),
            "tool_quaternion": data.body(robot.robot_model.eef_name).xquat.copy(),
            "positions": data.qpos.copy(),
            "success": bool(env.check_success()),
        }
        if objects:
            reading["objects"] = self._objects()
        return reading

    def _objects(self) -> dict[str, NDArray[np.float64]]:
        """Position and quaternion wxyz (7,) of everything that the task names."""
        bodies = {name: self._data.body(number) for name, number in self._env.env.obj_body_id.items()}
        return {name: np.concatenate([body.xpos, body.xquat]) for name, body in bodies.items()}

    def _close(self) -> None:
        self._close_pictures()
        if self._env is not None:
            self._env.close()
            self._env = self._opened = None

    def _close_pictures(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None
