"""Camera pictures of states that have passed."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray


class Pictures:
    """Draws square pictures. The first one makes the GL context.

    Args:
        model: of the simulation.
        size: width and height, pixels.
    """

    def __init__(self, model: Any, size: int) -> None:
        self.size = size
        self._model, self._data = model, mujoco.MjData(model)
        self._renderer: Any = None
        self._options = mujoco.MjvOption()
        # As robosuite has it: visual shapes without those of the collisions.
        self._options.geomgroup[0], self._options.geomgroup[1] = 0, 1

    def draw(self, now: Any, camera: str, positions: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Upright picture (H, W, 3) uint8 RGB.

        Args:
            now: present data, which gives what `positions` does not: bodies moved by hand, mocap.
            camera: name.
            positions: (nq,) generalised positions.
        """
        if self._renderer is None:
            model = self._model
            model.vis.global_.offwidth = max(self.size, model.vis.global_.offwidth)
            model.vis.global_.offheight = max(self.size, model.vis.global_.offheight)
            self._renderer = mujoco.Renderer(model, self.size, self.size, max_geom=1000)
        self._data.qpos[:] = positions
        self._data.mocap_pos[:], self._data.mocap_quat[:] = now.mocap_pos, now.mocap_quat
        mujoco.mj_forward(self._model, self._data)
        self._renderer.update_scene(self._data, camera=camera, scene_option=self._options)
        return np.asarray(self._renderer.render())

    def close(self) -> None:
        """Free the GL context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
