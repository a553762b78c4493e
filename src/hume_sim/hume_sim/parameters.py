"""Parameters of the simulator node: type, range, unit, description."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node

from hume_ros.parameters import declare


@dataclass(frozen=True)
class SimParameters:
    """Parameters as read at start."""

    joint_state_rate: float
    camera_rate: float
    image_height: int
    image_width: int
    video_rate: float
    video_size: int
    seed: int
    task: str
    suite: str
    publish_clock: bool
    lie_offset: float
    priority: int


_DEFAULTS: dict[str, tuple[float | int | str | bool, tuple[float, float] | None, str]] = {
    "joint_state_rate": (100.0, (1.0, 500.0), "Rate of joint_states, Hz"),
    "camera_rate": (30.0, (0.1, 120.0), "Rate of every camera, Hz"),
    "image_height": (96, (16, 1280), "Rows of the camera images, pixels"),
    "image_width": (96, (16, 1280), "Columns of the camera images, pixels"),
    "video_rate": (0.0, (0.0, 60.0), "Rate of camera/video/image_raw, a view for people, Hz; 0: none"),
    "video_size": (480, (16, 1280), "Rows and columns of camera/video/image_raw, pixels"),
    "seed": (0, (0, 2**63 - 1), "Seed of the first episode"),
    "task": ("", None, "Task of the first episode: lift, lift red, stack, stack red on blue; empty: any"),
    "suite": ("", None, "Suite of hume evaluate whose tasks are set and whose disturbances happen; empty: none"),
    "publish_clock": (False, None, "Publish /clock and stamp messages with simulated time"),
    "priority": (40, (0, 99), "SCHED_FIFO priority of the physics thread, if allowed; 0: none"),
    "lie_offset": (0.3, (-3.0, 3.0), "What the fault lie_joint_states adds to each arm position, rad"),
}


def declare_parameters(node: Node) -> SimParameters:
    """Declare all parameters, read-only, and read them.

    Raises:
        ConfigError: a value has the wrong type or is out of range.
    """
    values = {
        name: declare(node, name, default, description, low=limits and limits[0], high=limits and limits[1])
        for name, (default, limits, description) in _DEFAULTS.items()
    }
    return SimParameters(**values)
