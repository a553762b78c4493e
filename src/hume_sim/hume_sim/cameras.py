"""Camera images in real time, on a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_sim.realtime import Sample
from hume_sim.rendering import CAMERAS, CameraRenderer, compute_for_rendering

_STOP_TIMEOUT = 2.0


class CameraStream:
    """Renders the newest sample at a fixed rate, on its own thread with its own GL context and MuJoCo data.

    Args:
        model: compiled scene. Only read.
        source: gives the newest sample.
        publish: called with camera, image (H, W, 3) uint8 RGB and the sample it shows, on the camera thread.
        rate: frames per second of every camera. Late frames are skipped, not made up for.
        height: rows, pixels.
        width: columns, pixels.
        cameras: which cameras.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        source: Callable[[], Sample],
        publish: Callable[[str, NDArray[np.uint8], Sample], None],
        rate: float = 30.0,
        height: int = 96,
        width: int = 96,
        cameras: Sequence[str] = CAMERAS,
    ) -> None:
        self._model, self._source, self._publish = model, source, publish
        self._period = 1.0 / rate
        self._size, self._cameras = (height, width), tuple(cameras)
        self._stop = threading.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self.paused = False

    def start(self) -> None:
        """Start the camera thread. Raises what making the GL context raised."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Stop the camera thread and wait for it. A second call is harmless."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        try:
            renderer = CameraRenderer(self._model, *self._size)
        except Exception as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        try:
            self._loop(renderer)
        finally:
            renderer.close()

    def _loop(self, renderer: CameraRenderer) -> None:
        data = mujoco.MjData(self._model)
        deadline = time.monotonic()
        while True:
            deadline = max(deadline + self._period, time.monotonic())
            if self._stop.wait(deadline - time.monotonic()):
                return
            if not self.paused:
                self._render(data, renderer)

    def _render(self, data: mujoco.MjData, renderer: CameraRenderer) -> None:
        sample = self._source()
        data.qpos[:] = sample.qpos
        compute_for_rendering(self._model, data)
        for camera in self._cameras:
            self._publish(camera, renderer.render(data, camera), sample)
