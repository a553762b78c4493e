"""What the simulated robot's drivers publish, as values with the fields of the messages. No ROS, no own clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import mujoco
import numpy as np
from numpy.typing import NDArray

from hume_sim.rendering import CameraRenderer, compute_for_rendering
from hume_sim.world import TabletopWorld

JOINT_STATES = "joint_states"
JOINT_STATE_RATE = 100.0
"""Hz. The simulator node's default."""
CAMERA_RATE = 30.0
"""Hz. The simulator node's default."""

_NS = 1_000_000_000


@dataclass(frozen=True)
class Stamp:
    """As `builtin_interfaces/Time`."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """As `std_msgs/Header`."""

    stamp: Stamp


@dataclass(frozen=True, eq=False)
class JointReading:
    """As `sensor_msgs/JointState`: rad, rad/s, N m for the arm, and m, m/s, N for the finger."""

    header: Header
    name: tuple[str, ...]
    position: list[float]
    velocity: list[float]
    effort: list[float]


class PictureMaker:
    """Renders states of the scene that have passed. One GL context for any number of worlds.

    Args:
        height, width: of the images, pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._data: mujoco.MjData | None = None
        self._renderer: CameraRenderer | None = None
        self._shown: NDArray[np.float64] | None = None

    def render(self, model: mujoco.MjModel, qpos: NDArray[np.float64], camera: str) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB of a state. The same array object as qpos means the same state."""
        if self._renderer is None or self._data is None:
            self._data, self._renderer = mujoco.MjData(model), CameraRenderer(model, self.height, self.width)
        if self._shown is not qpos:
            self._data.qpos[:] = qpos
            compute_for_rendering(model, self._data)
            self._shown = qpos
        return self._renderer.render(self._data, camera)

    def close(self) -> None:
        """Free the GL context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


@dataclass(frozen=True, eq=False)
class ImageReading:
    """As `sensor_msgs/Image`. The pixels are drawn on first use."""

    header: Header
    camera: str
    maker: PictureMaker
    model: mujoco.MjModel
    qpos: NDArray[np.float64]
    encoding: str = "rgb8"

    @property
    def height(self) -> int:
        """Rows, pixels."""
        return self.maker.height

    @property
    def width(self) -> int:
        """Columns, pixels."""
        return self.maker.width

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return 3 * self.maker.width

    @cached_property
    def data(self) -> NDArray[np.uint8]:
        """The pixels, row by row."""
        return self.maker.render(self.model, self.qpos, self.camera).reshape(-1)


@dataclass
class _Clock:
    """Says when something periodic is due. In ns, so that no rounding adds up."""

    period: int
    next: int = 0

    def due(self, elapsed: int) -> bool:
        if elapsed < self.next:
            return False
        self.next += self.period * (1 + (elapsed - self.next) // self.period)
        return True


@dataclass
class SimulatedSensors:
    """Joint states and cameras of a world at their rates.

    Attributes:
        world: is read.
        maker: draws the images.
        cameras: policy key -> camera of the scene.
        joint_state_rate, camera_rate: Hz.
    """

    world: TabletopWorld
    maker: PictureMaker
    cameras: Mapping[str, str]
    joint_state_rate: float = JOINT_STATE_RATE
    camera_rate: float = CAMERA_RATE
    _joints: _Clock = field(init=False)
    _frames: _Clock = field(init=False)

    def __post_init__(self) -> None:
        self._joints = _Clock(round(_NS / self.joint_state_rate))
        self._frames = _Clock(round(_NS / self.camera_rate))

    def due(self, elapsed: int, now: int) -> Iterator[tuple[str, JointReading | ImageReading]]:
        """What the drivers publish at this moment: (policy key or `JOINT_STATES`, reading).

        Args:
            elapsed: since the sensors were made, ns. Never less than before.
            now: the stamp of it, ns.
        """
        header = Header(Stamp(now // _NS, now % _NS))
        if self._joints.due(elapsed):
            yield JOINT_STATES, self.joint_reading(header)
        if self._frames.due(elapsed):
            qpos = self.world.data.qpos.copy()
            for key, camera in self.cameras.items():
                yield key, ImageReading(header, camera, self.maker, self.world.model, qpos)

    def joint_reading(self, header: Header) -> JointReading:
        """The measured joints now."""
        joints = self.world.joint_state()
        return JointReading(
            header, joints.names, joints.position.tolist(), joints.velocity.tolist(), joints.effort.tolist()
        )
