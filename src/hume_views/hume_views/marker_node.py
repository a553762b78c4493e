"""ROS node: candidates and motion of the tool as markers, commanded and measured joints, while somebody looks."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from hume_msgs.msg import ActionChunk, System1Status, Thought
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from hume_core.errors import ConfigError, HumeError
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
from hume_views.settings import MarkerSettings, shown_robot
from hume_views.topics import JOINTS, MARKERS, MOTION

_POINTS = 9
"""Of a path. More would cost as much as everything else together."""
_WARN_PERIOD = 10.0  # s


class MarkerNode(Node):
    """Publishes markers of the candidates, markers of the tool's motion, and joints: each while it has a subscriber.

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
        self._profile = shown_robot(self._settings)
        self._joints = {name: self.create_publisher(JointState, topic, qos.STATUS) for name, topic in JOINTS.items()}
        self._drawings = self._marker_publishers()
        self._tools: ToolPaths | None = None
        self._refused = False
        self._samples: MotionSamples | None = None
        self._candidates: _Candidates | None = None
        self._motion: _Motion | None = None
        steady_timer(self, 1.0 / self._settings.rate, self._look)

    def _marker_publishers(self) -> dict[str, Any]:
        """None for a robot whose tool nobody knows, or that has several."""
        if self._profile.tool_kinematics is not None:
            return {topic: self.create_publisher(MarkerArray, topic, qos.STATUS) for topic in (MARKERS, MOTION)}
        if len(self._profile.arms) > 1:
            self.get_logger().warning(
                f"robot '{self._profile.name}' has {len(self._profile.arms)} arms, so no tool is drawn. Markers are "
                "for robots with one arm"
            )
            return {}
        self.get_logger().warning(
            f"robot '{self._profile.name}' has no section kinematics, so its tool is not drawn. "
            "Add base_link, tool_link and urdf to its profile"
        )
        return {}

    def _look(self) -> None:
        now = float(self.get_clock().now().nanoseconds) * 1e-9
        drawn = {topic for topic, publisher in self._drawings.items() if publisher.get_subscription_count()}
        joints = [name for name, publisher in self._joints.items() if publisher.get_subscription_count()]
        # A new subscriber is a new try.
        self._refused = self._refused and bool(drawn)
        if drawn and self._tools is None and not self._refused:
            self._tools = self._load_tools()
        self._begin_and_end(drawn if self._tools is not None else set(), joints)
        if self._candidates is not None:
            self._candidates.show(now)
        if self._samples is None:
            return
        self._samples.look(now)
        for name in joints:
            self._publish_joints(name, getattr(self._samples, name), now)
        if self._motion is not None:
            self._motion.show(self._samples, now)

    def _begin_and_end(self, drawn: set[str], joints: Sequence[str]) -> None:
        """Listen to what the wanted topics need, and to nothing else."""
        if self._candidates is None and self._tools is not None and MARKERS in drawn:
            self._candidates = _Candidates(self, self._tools, self._maker(), self._drawings[MARKERS])
        elif self._candidates is not None and MARKERS not in drawn:
            self._candidates.close()
            self._candidates = None
        if self._motion is None and self._tools is not None and MOTION in drawn:
            most = max(2, round(self._settings.rate * self._settings.trail))
            self._motion = _Motion(self._tools, self._maker(), self._drawings[MOTION], most)
        elif MOTION not in drawn:
            self._motion = None
        sampled = self._motion is not None or bool(joints)
        if sampled and self._samples is None:
            self._samples = MotionSamples(self, self._profile)
        elif self._samples is not None and not sampled:
            self._samples.close()
            self._samples = None

    def _publish_joints(self, name: str, positions: NDArray[np.float64], now: float) -> None:
        if np.isfinite(positions).all():
            message = JointState(name=list(self._profile.joint_names), position=array("d", positions))
            set_stamp(message.header.stamp, now)
            self._joints[name].publish(message)

    def _load_tools(self) -> ToolPaths | None:
        try:
            return tools_of(self, self._profile, self._settings, _POINTS)
        except HumeError as error:
            self._refused = True
            self.get_logger().error(f"the tool is not drawn: {error}")
            return None

    def _maker(self) -> MarkerMaker:
        section = self._profile.tool_kinematics
        return MarkerMaker(self._settings.frame_id or ("" if section is None else section.base_link))


class _Motion:
    """The tool as commanded and as measured.

    Args:
        tools: tool paths of the robot.
        maker: makes the messages.
        publisher: sends them.
        most: points of a trail.
    """

    def __init__(self, tools: ToolPaths, maker: MarkerMaker, publisher: Any, most: int) -> None:
        self._tools, self._maker, self._publisher = tools, maker, publisher
        self._commanded: deque[NDArray[np.float64]] = deque(maxlen=most)
        self._measured: deque[NDArray[np.float64]] = deque(maxlen=most)

    def show(self, samples: MotionSamples, now: float) -> None:
        """Publish where the tool is asked to be and where it is.

        Args:
            samples: looked at just now.
            now: ROS time, s.
        """
        for trail, joints in ((self._commanded, samples.commanded), (self._measured, samples.measured)):
            if np.isfinite(joints).all():
                trail.append(self._tools.at(joints))
        markers = self._maker.motion(now, self._commanded, self._measured)
        if markers:
            self._publisher.publish(MarkerArray(markers=markers))


class _Candidates:
    """What System 2 weighs, and what System 1 says.

    Args:
        node: subscribes.
        tools: tool paths of its robot.
        maker: makes the messages.
        publisher: sends them.
    """

    def __init__(self, node: Node, tools: ToolPaths, maker: MarkerMaker, publisher: Any) -> None:
        self._node, self._maker, self._publisher = node, maker, publisher
        self._thoughts = ThoughtPaths(tools)
        self._instruction = ""
        self._status: System1Status | None = None
        self._subscriptions = [
            node.create_subscription(ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK),
            node.create_subscription(Thought, "hume/thought", self._on_thought, qos.CHUNK),
            node.create_subscription(System1Status, "hume/status", self._on_status, qos.CHUNK),
        ]

    def show(self, now: float) -> None:
        """Publish what System 1 said last, once, at ROS time `now`, s."""
        if self._status is not None:
            marker = self._maker.status(now, self._status, self._instruction)
            self._publisher.publish(MarkerArray(markers=[marker]))
            self._status = None

    def close(self) -> None:
        """Leave the topics."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_status(self, message: System1Status) -> None:
        self._status = message

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
