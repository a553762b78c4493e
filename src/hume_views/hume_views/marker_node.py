"""ROS node: candidates and motion of the tool as markers, commanded and measured joints, while somebody looks."""

from __future__ import annotations

from array import array
from collections import deque
from typing import Any

import numpy as np
from hume_msgs.msg import ActionChunk, Thought
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from hume_core.errors import ConfigError, HumeError
from hume_core.robot import RobotProfile
from hume_core.tool_paths import ToolPaths
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_ros.lifecycle import run_process
from hume_ros.parameters import declare_settings, refuse_unknown_parameters
from hume_ros.thought_paths import CandidatePaths, ThoughtPaths
from hume_ros.timers import steady_timer
from hume_views.markers import MarkerMaker
from hume_views.motion_samples import MotionSamples
from hume_views.robot_tools import tools_of
from hume_views.settings import MarkerSettings
from hume_views.topics import JOINTS, MARKERS

_POINTS = 9
"""Of a path. More would cost as much as everything else together."""
_WARN_PERIOD = 10.0  # s


class MarkerNode(Node):
    """Publishes `hume/markers`, `hume/joints/commanded` and `hume/joints/measured` while they have subscribers.

    Without one it subscribes to nothing and computes nothing.

    Raises:
        ConfigError: a parameter is wrong.
        RobotProfileError: unknown robot.
    """

    def __init__(self) -> None:
        super().__init__("hume_markers")
        self._settings = declare_settings(self, MarkerSettings)
        refuse_unknown_parameters(self)
        if not self._settings.robot:
            raise ConfigError("the parameter 'robot' must be set")
        self._profile = RobotProfile.load(self._settings.robot)
        self._joints = {name: self.create_publisher(JointState, topic, qos.STATUS) for name, topic in JOINTS.items()}
        self._markers = self._marker_publisher()
        self._motion: MotionSamples | None = None
        self._drawing: _Drawing | None = None
        self._refused = False
        steady_timer(self, 1.0 / self._settings.rate, self._look)

    def _marker_publisher(self) -> Any:
        """None for a robot whose tool nobody knows."""
        if self._profile.kinematics is not None:
            return self.create_publisher(MarkerArray, MARKERS, qos.STATUS)
        self.get_logger().warning(
            f"robot '{self._profile.name}' has no section kinematics, so its tool is not drawn. "
            "Add base_link, tool_link and urdf to its profile"
        )
        return None

    def _look(self) -> None:
        draws = self._markers is not None and self._markers.get_subscription_count() > 0
        if not draws and self._drawing is not None:
            self._drawing.close()
            self._drawing = None
        # A new subscriber is a new try.
        self._refused = self._refused and draws
        wanted = [name for name, publisher in self._joints.items() if publisher.get_subscription_count()]
        if not draws and not wanted:
            self._rest()
            return
        if self._motion is None:
            self._motion = MotionSamples(self, self._profile)
        now = float(self.get_clock().now().nanoseconds) * 1e-9
        self._motion.look(now)
        for name in wanted:
            self._publish_joints(name, getattr(self._motion, name), now)
        if draws and self._drawing is None and not self._refused:
            self._drawing = self._begin_drawing()
        if self._drawing is not None:
            self._drawing.show(self._motion, now)

    def _publish_joints(self, name: str, positions: NDArray[np.float64], now: float) -> None:
        if np.isfinite(positions).all():
            message = JointState(name=list(self._profile.joint_names), position=array("d", positions))
            set_stamp(message.header.stamp, now)
            self._joints[name].publish(message)

    def _begin_drawing(self) -> _Drawing | None:
        settings, section = self._settings, self._profile.kinematics
        assert section is not None
        try:
            tools = tools_of(self, self._profile, settings, _POINTS)
        except HumeError as error:
            self._refused = True
            self.get_logger().error(f"the tool is not drawn: {error}")
            return None
        maker, most = MarkerMaker(settings.frame_id or section.base_link), max(2, round(settings.rate * settings.trail))
        return _Drawing(self, tools, maker, self._markers, most)

    def _rest(self) -> None:
        """Nobody looks: leave every topic."""
        if self._motion is not None:
            self._motion.close()
            self._motion = None


class _Drawing:
    """Markers, while somebody looks.

    Args:
        node: subscribes.
        tools: tool paths of its robot.
        maker: makes the messages.
        publisher: sends them.
        most: points of a trail.
    """

    def __init__(self, node: Node, tools: ToolPaths, maker: MarkerMaker, publisher: Any, most: int) -> None:
        self._node, self._tools, self._maker, self._publisher = node, tools, maker, publisher
        self._thoughts = ThoughtPaths(tools)
        self._instruction = ""
        self._commanded: deque[NDArray[np.float64]] = deque(maxlen=most)
        self._measured: deque[NDArray[np.float64]] = deque(maxlen=most)
        self._subscriptions = [
            node.create_subscription(ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK),
            node.create_subscription(Thought, "hume/thought", self._on_thought, qos.CHUNK),
        ]

    def show(self, motion: MotionSamples, now: float) -> None:
        """Publish where the tool is asked to be and where it is, and what System 1 says.

        Args:
            motion: looked at just now.
            now: ROS time, s.
        """
        for trail, joints in ((self._commanded, motion.commanded), (self._measured, motion.measured)):
            if np.isfinite(joints).all():
                trail.append(self._tools.at(joints))
        markers = self._maker.motion(now, self._commanded, self._measured)
        if motion.status is not None:
            markers.append(self._maker.status(now, motion.status, self._instruction))
        if markers:
            self._publisher.publish(MarkerArray(markers=markers))

    def close(self) -> None:
        """Leave the topics."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_chunk(self, message: ActionChunk) -> None:
        self._instruction = message.instruction
        self._draw(self._thoughts.take_chunk, message)

    def _on_thought(self, message: Thought) -> None:
        self._draw(self._thoughts.take_thought, message)

    def _draw(self, take: Any, message: Any) -> None:
        try:
            found: CandidatePaths | None = take(message)
        except HumeError as error:
            self._node.get_logger().warning(f"a thought is not drawn: {error}", throttle_duration_sec=_WARN_PERIOD)
            return
        if found is not None:
            self._publisher.publish(MarkerArray(markers=self._maker.thought(found)))


def main() -> None:
    """Entry point `marker_node`."""
    run_process(MarkerNode)


if __name__ == "__main__":
    main()
