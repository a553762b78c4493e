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
from visualization_msgs.msg import Marker, MarkerArray

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
from hume_views.robot_tools import every_tool_of
from hume_views.settings import MarkerSettings, shown_robot
from hume_views.topics import JOINTS, MARKERS, MOTION

_POINTS = 9
"""Of a path. More would cost as much as everything else together."""
_WARN_PERIOD = 10.0  # s
_DrawnTool = tuple[ToolPaths, MarkerMaker]
"""The paths of a tool, and what makes its markers."""


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
        self._tools: tuple[ToolPaths, ...] = ()
        self._refused = False
        self._samples: MotionSamples | None = None
        self._candidates: _Candidates | None = None
        self._motion: _Motion | None = None
        steady_timer(self, 1.0 / self._settings.rate, self._look)

    def _marker_publishers(self) -> dict[str, Any]:
        """None for a robot whose tools nobody knows."""
        if self._profile.tool_arms:
            return {topic: self.create_publisher(MarkerArray, topic, qos.STATUS) for topic in (MARKERS, MOTION)}
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
        if drawn and not self._tools and not self._refused:
            self._tools = self._load_tools()
        self._begin_and_end(drawn if self._tools else set(), joints)
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
        if self._candidates is None and MARKERS in drawn:
            self._candidates = _Candidates(self, self._drawn_tools(), self._drawings[MARKERS])
        elif self._candidates is not None and MARKERS not in drawn:
            self._candidates.close()
            self._candidates = None
        if self._motion is None and MOTION in drawn:
            most = max(2, round(self._settings.rate * self._settings.trail))
            self._motion = _Motion(self._drawn_tools(), self._drawings[MOTION], most)
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

    def _load_tools(self) -> tuple[ToolPaths, ...]:
        try:
            return every_tool_of(self, self._profile, self._settings, _POINTS)
        except HumeError as error:
            self._refused = True
            self.get_logger().error(f"the tool is not drawn: {error}")
            return ()

    def _drawn_tools(self) -> list[_DrawnTool]:
        """With makers of their own, because these fill the same messages again and again."""
        frames = {arm.name: arm.kinematics.base_link for arm in self._profile.tool_arms if arm.kinematics is not None}
        several = len(self._profile.arms) > 1
        return [
            (tool, MarkerMaker(self._settings.frame_id or frames[tool.name], f"{tool.name}/" if several else ""))
            for tool in self._tools
        ]


class _Motion:
    """Every tool as commanded and as measured.

    Args:
        tools: of the robot.
        publisher: sends their markers.
        most: points of a trail.
    """

    def __init__(self, tools: Sequence[_DrawnTool], publisher: Any, most: int) -> None:
        self._publisher = publisher
        self._trails = [_Trail(tool, maker, most) for tool, maker in tools]

    def show(self, samples: MotionSamples, now: float) -> None:
        """Publish where the tools are asked to be and where they are.

        Args:
            samples: looked at just now.
            now: ROS time, s.
        """
        markers = [marker for trail in self._trails for marker in trail.markers(samples, now)]
        if markers:
            self._publisher.publish(MarkerArray(markers=markers))


class _Trail:
    """The last places of one tool."""

    def __init__(self, tool: ToolPaths, maker: MarkerMaker, most: int) -> None:
        self._tool, self._maker = tool, maker
        self._commanded: deque[NDArray[np.float64]] = deque(maxlen=most)
        self._measured: deque[NDArray[np.float64]] = deque(maxlen=most)

    def markers(self, samples: MotionSamples, now: float) -> list[Marker]:
        for trail, joints in ((self._commanded, samples.commanded), (self._measured, samples.measured)):
            if np.isfinite(joints).all():
                trail.append(self._tool.at(joints))
        return self._maker.motion(now, self._commanded, self._measured)


class _Candidates:
    """What System 2 weighs, and what System 1 says.

    Args:
        node: subscribes.
        tools: of its robot.
        publisher: sends their markers.
    """

    def __init__(self, node: Node, tools: Sequence[_DrawnTool], publisher: Any) -> None:
        self._node, self._publisher = node, publisher
        self._thoughts = [(ThoughtPaths(tool), maker) for tool, maker in tools]
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
            _, maker = self._thoughts[0]
            marker = maker.status(now, self._status, self._instruction)
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
        self._draw(ThoughtPaths.take_chunk, message)

    def _on_thought(self, message: Thought) -> None:
        self._draw(ThoughtPaths.take_thought, message)

    def _draw(self, take: Any, message: Any) -> None:
        markers: list[Marker] = []
        try:
            for thoughts, maker in self._thoughts:
                found: CandidatePaths | None = take(thoughts, message)
                markers += [] if found is None else maker.thought(found)
        except HumeError as error:
            self._node.get_logger().warning(f"a thought is not drawn: {error}", throttle_duration_sec=_WARN_PERIOD)
            return
        if markers:
            self._publisher.publish(MarkerArray(markers=markers))


def main() -> None:
    """Entry point `marker_node`."""
    run_process(MarkerNode)


if __name__ == "__main__":
    main()
