"""Camera images of a MuJoCo state, without a window."""

from __future__ import annotations

import copy

import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ConfigError, HumeError
from hume_sim.arm import ONE_ARM, cameras_of

CAMERAS = cameras_of(ONE_ARM)
"""The policy's cameras at the table with one arm. A third one, `video`, frames the scene for people."""


class CameraRenderer:
    """Renders one image size in its own GL context.

    It belongs to the thread that made it: make, use and close it there.

    Args:
        model: compiled scene.
        height: rows, pixels.
        width: columns, pixels.

    Raises:
        HumeError: there is no GL library to render with.
    """

    def __init__(self, model: mujoco.MjModel, height: int = 96, width: int = 96) -> None:
        # A buffer of just this size: clearing a larger one costs more than a small frame.
        self._model = copy.copy(model)
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = width, height
        try:
            self._renderer = mujoco.Renderer(self._model, height, width)
        except mujoco.FatalError as error:
            raise HumeError(f"no GL context: {error}. Set MUJOCO_GL=egl or osmesa before mujoco is imported") from error

    def render(self, data: mujoco.MjData, camera: str) -> NDArray[np.uint8]:
        """Image (height, width, 3) uint8 RGB of a state whose kinematics are computed."""
        check_camera(self._model, camera)
        self._renderer.update_scene(data, camera)
        image: NDArray[np.uint8] = self._renderer.render()
        return image

    def close(self) -> None:
        """Free the GL context. Calling it twice is harmless."""
        self._renderer.close()


def check_camera(model: mujoco.MjModel, camera: str) -> None:
    """Raise ConfigError unless the scene has that camera."""
    if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, camera) < 0:
        names = ", ".join(model.camera(i).name for i in range(model.ncam))
        raise ConfigError(f"camera '{camera}' is not in the scene. It has: {names}")


def compute_for_rendering(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Bring the poses of bodies, cameras and lights up to date with data.qpos. No dynamics."""
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)


def intrinsics(model: mujoco.MjModel, camera: str, height: int, width: int) -> NDArray[np.float64]:
    """Pinhole matrix K (3, 3) in pixels. Pixel centres are at whole numbers, as in OpenCV and ROS."""
    check_camera(model, camera)
    focal = 0.5 * height / np.tan(0.5 * np.deg2rad(model.camera(camera).fovy[0]))
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
