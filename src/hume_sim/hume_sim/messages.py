"""Between the simulator's types and ROS messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from hume_core.errors import ActionSpaceError
from hume_sim.joint_state import JointState
from hume_sim.trajectory import JointTrajectory


def to_time(nanoseconds: int) -> Time:
    """ROS time of nanoseconds since the clock's zero."""
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def to_joint_state(joints: JointState, stamp: Time) -> JointStateMsg:
    """Joint state message. Efforts of the arm in N m, of the finger in N."""
    message = JointStateMsg(name=list(joints.names))
    message.header.stamp = stamp
    message.position = joints.position.tolist()
    message.velocity = joints.velocity.tolist()
    message.effort = joints.effort.tolist()
    return message


def optical_frame(camera: str) -> str:
    """Frame of a camera's images: z forward, x right, y down (REP 103, REP 104)."""
    return f"{camera}_camera_optical_frame"


def to_image(image: NDArray[np.uint8], camera: str, stamp: Time) -> Image:
    """Image message of (H, W, 3) uint8 RGB."""
    height, width, _ = image.shape
    message = Image(height=height, width=width, encoding="rgb8", step=3 * width)
    message.header.stamp, message.header.frame_id = stamp, optical_frame(camera)
    message.data = image.tobytes()
    return message


def to_camera_info(matrix: NDArray[np.float64], camera: str, height: int, width: int) -> CameraInfo:
    """Camera info of an undistorted pinhole camera (3, 3), without a stamp."""
    message = CameraInfo(height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5)
    message.header.frame_id = optical_frame(camera)
    message.k = matrix.ravel()
    message.r = np.eye(3).ravel()
    message.p = np.hstack([matrix, np.zeros((3, 1))]).ravel()
    return message


def to_stamp(message: JointTrajectoryMsg) -> float | None:
    """ROS time at which a trajectory begins, s. None: once it is taken."""
    stamp = message.header.stamp
    return float(stamp.sec + 1e-9 * stamp.nanosec) if stamp.sec or stamp.nanosec else None


def from_joint_trajectory(message: JointTrajectoryMsg, joints: Sequence[str]) -> JointTrajectory:
    """Trajectory of the joints in the given order. Velocities and accelerations are kept if every point has them.

    Raises:
        ActionSpaceError: the joint names are not those, or the points are malformed.
    """
    if sorted(message.joint_names) != sorted(joints):
        raise ActionSpaceError(
            f"trajectory names joints {list(message.joint_names)}. It needs each of: {', '.join(joints)}"
        )
    order = [message.joint_names.index(name) for name in joints]
    positions = _rows(message, "positions", order)
    if positions is None:
        raise ActionSpaceError(f"every trajectory point needs {len(joints)} positions")
    times = np.array([p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec for p in message.points])
    return JointTrajectory(
        times, positions, _rows(message, "velocities", order), _rows(message, "accelerations", order)
    )


def _rows(message: JointTrajectoryMsg, field: str, order: list[int]) -> NDArray[np.float64] | None:
    """One field of every point (p, n), or None where a point lacks it."""
    rows = [getattr(point, field) for point in message.points]
    if any(len(row) != len(order) for row in rows):
        return None
    return np.array(rows, dtype=np.float64).reshape(-1, len(order))[:, order]
