"""ROS node: what a running stack publishes, in the rerun viewer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from hume_bags.message_types import message_class
from hume_bags.quality import matching_quality
from hume_bags.rerun_entities import RerunEntities, import_rerun
from hume_bags.rerun_layout import arrangement
from hume_bags.topics import recorded_topics, resolved
from hume_core.errors import ConfigError, HumeError
from hume_core.robot import RobotProfile
from hume_core.tool_paths import ToolPaths
from hume_ros.lifecycle import run_process
from hume_ros.parameters import declare_settings, refuse_unknown_parameters
from hume_ros.timers import steady_timer
from hume_views.rerun_target import WEB_ADDRESS, RerunTarget
from hume_views.robot_tools import tools_of
from hume_views.settings import SERVE, RerunSettings, shown_robot

_DISCOVERY_PERIOD = 0.5  # s
_WARN_PERIOD = 5.0  # s
_DEPTH, _POINTS = 10, 17
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class RerunNode(Node):
    """Subscribes to what `hume record` takes, as it appears, and shows it.

    Raises:
        ConfigError: a parameter is wrong, or there is no screen.
        RobotProfileError: unknown robot.
        BagError: rerun is not installed.
    """

    def __init__(self) -> None:
        super().__init__("hume_rerun")
        self._settings = declare_settings(self, RerunSettings)
        refuse_unknown_parameters(self)
        if not self._settings.robot:
            raise ConfigError("the parameter 'robot' must be set")
        profile, namespace = shown_robot(self._settings), self.get_namespace()
        rerun = import_rerun()
        recording = rerun.RecordingStream("hume")
        self._target = RerunTarget(recording, self._settings.to)
        cameras = [resolved(camera.topic, namespace) for camera in profile.cameras.values()]
        tools = self._tools(profile)
        home = None if tools is None else tools.at(np.array(profile.home))
        recording.send_blueprint(arrangement(rerun, cameras, profile.joint_names, namespace, home))
        self._entities = RerunEntities(rerun, recording, profile, tools, namespace)
        self._wanted = recorded_topics(profile, namespace)
        self._next_image: dict[str, float] = {}
        steady_timer(self, _DISCOVERY_PERIOD, self._discover)
        self.get_logger().info(self._where())

    def destroy_node(self) -> None:
        """Called by rclpy."""
        self._target.close()
        super().destroy_node()

    def _where(self) -> str:
        to = self._settings.to
        shown = WEB_ADDRESS if to == SERVE else f"to {to}"
        return f"showing {shown}"

    def _tools(self, profile: RobotProfile) -> ToolPaths | None:
        """None, said once, for a robot whose tool cannot be drawn."""
        try:
            return tools_of(self, profile, self._settings, _POINTS)
        except HumeError as error:
            self.get_logger().warning(f"the tool is not drawn: {error}")
            return None

    def _discover(self) -> None:
        if self._target.gone:
            raise ExternalShutdownException
        for topic in list(self._wanted):
            offers = self.get_publishers_info_by_topic(topic)
            if not offers:
                continue
            self._wanted.remove(topic)
            kind = offers[0].topic_type
            if self._entities.shows(kind):
                quality = matching_quality([offer.qos_profile for offer in offers], _DEPTH)
                self.create_subscription(message_class(kind), topic, self._taker(topic, kind), quality)

    def _taker(self, topic: str, kind: str) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            try:
                self._entities.log(topic, kind, message, float(self.get_clock().now().nanoseconds) * 1e-9)
            except HumeError as error:
                self.get_logger().warning(f"not shown: {topic}: {error}", throttle_duration_sec=_WARN_PERIOD)

        def take_image(message: Any) -> None:
            now = time.monotonic()
            if now >= self._next_image.get(topic, 0.0):
                self._next_image[topic] = now + 1.0 / self._settings.image_rate
                take(message)

        return take_image if kind in _IMAGES else take


def main() -> None:
    """Entry point `rerun_node`."""
    run_process(RerunNode)


if __name__ == "__main__":
    main()
