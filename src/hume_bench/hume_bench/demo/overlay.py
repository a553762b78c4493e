"""What System 2 weighs, drawn onto frames of the simulated table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_core.errors import HumeError
from hume_core.plot_file import RED, rgb
from hume_core.tool_paths import ToolPaths
from hume_core.value_colors import value_colors
from hume_ros.thought_paths import CandidatePaths, ThoughtPaths
from hume_sim.rendering import intrinsics

_SHIFT = 4
"""Points are given to OpenCV in sixteenths of a pixel."""
_NEAREST = 0.02
"""Points nearer to the camera's plane are left out, m."""


class CameraView:
    """Where points of the table are in pictures of a camera that does not move.

    Args:
        model: of the scene.
        camera: its name.
    """

    def __init__(self, model: mujoco.MjModel, camera: str) -> None:
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        number = model.camera(camera).id
        base = model.body("base_link").id
        self._model, self._camera = model, camera
        self._place = np.array(data.cam_xpos[number])
        # MuJoCo's camera looks along -z with y up, the pinhole model along +z with y down.
        self._axes = np.array(data.cam_xmat[number]).reshape(3, 3) * np.array([1.0, -1.0, -1.0])
        self._base = np.array(data.xpos[base]), np.array(data.xmat[base]).reshape(3, 3)

    def pixels(self, points: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
        """Where points (k, 3) of the arm's base frame, m, are in a picture: (k, 2) column and row, pixels.

        What is behind the camera is nan.
        """
        origin, axes = self._base
        # x_c = R_c^T (R_b x + t_b - t_c), and then (u, v) = K x_c / z_c.
        seen = (points @ axes.T + origin - self._place) @ self._axes
        depth = np.where(seen[:, 2] > _NEAREST, seen[:, 2], np.nan)
        matrix = intrinsics(self._model, self._camera, height, width)
        return np.asarray((seen @ matrix.T)[:, :2] / depth[:, None])


class CandidateOverlay:
    """Draws the candidates of the newest thought in the colours of their values, and the chunk that came of them.

    Args:
        tools: of the robot.
        view: of the camera that films.
    """

    def __init__(self, tools: ToolPaths, view: CameraView) -> None:
        self._paths, self._view = ThoughtPaths(tools), view
        self._shown: CandidatePaths | None = None

    def clear(self) -> None:
        """A new episode: draw nothing until the next thought."""
        self._shown = None

    def take_chunk(self, message: Any) -> None:
        """An `ActionChunk`."""
        self._take(self._paths.take_chunk, message)

    def take_thought(self, message: Any) -> None:
        """A `Thought`."""
        self._take(self._paths.take_thought, message)

    def draw(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of a frame (height, width, 3) with the candidates on it."""
        if self._shown is None:
            return frame
        picture = np.ascontiguousarray(frame).copy()
        colors = value_colors(self._shown.values)
        # The best last, so that it lies above the others.
        for number in np.argsort(self._shown.values):
            self._line(picture, self._shown.paths[number], colors[number].tolist(), 1)
        self._line(picture, self._shown.chosen, rgb(RED), 2)
        return picture

    def _take(self, take: Any, message: Any) -> None:
        try:
            found = take(message)
        except HumeError:  # rows that cannot be drawn: the film goes on without them
            return
        self._shown = self._shown if found is None else found

    def _line(
        self, picture: NDArray[np.uint8], path: NDArray[np.float64], color: Sequence[int], thickness: int
    ) -> None:
        pixels = self._view.pixels(path, *picture.shape[:2])
        pixels = pixels[np.isfinite(pixels).all(axis=1)]
        points = np.round(pixels * 2**_SHIFT).clip(-(2**20), 2**20).astype(np.int32)
        shade = tuple(int(part) for part in color)
        cv2.polylines(picture, [points[:, None]], False, shade, thickness, cv2.LINE_AA, _SHIFT)
