"""What a live graph says about a robot: who publishes and listens, how often, with what stamps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import image_to_rgb, joint_values, stamp_seconds
from hume_ros.observer import image_type

_DISCOVERY = 1.5


@dataclass
class Source:
    """A topic that the policy reads.

    Attributes:
        topic: as in the profile.
        wanted_type: message type by the profile.
        published_types: types it is published with.
        arrivals: when messages came, s on the steady clock.
        ages: arrival minus stamp, s on the ROS clock; negative: the publisher's clock is ahead.
        problem: why its newest message cannot be used; empty: it can.
    """

    topic: str
    wanted_type: str
    published_types: set[str] = field(default_factory=set)
    arrivals: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def rate(self) -> float:
        """Messages per second; 0 with fewer than two."""
        if len(self.arrivals) < 2:
            return 0.0
        return (len(self.arrivals) - 1) / max(1e-6, self.arrivals[-1] - self.arrivals[0])


@dataclass(frozen=True)
class Controller:
    """A controller that `controller_manager` lists."""

    name: str
    type: str
    state: str


@dataclass
class Graph:
    """Everything that was seen.

    Attributes:
        joint_states: the topic of joint states.
        cameras: camera key -> its topic.
        joint_positions: joint name -> newest position, rad or m.
        subscribed_types: command topic -> types that somebody listens with.
        commanders: command topic -> nodes that publish on it.
        action_servers: actions of the profile that have a server.
        controllers: what `controller_manager` lists; None where it did not answer.
        controllers_note: why it did not.
        description: text of the topic robot_description; empty: none came.
    """

    joint_states: Source
    cameras: dict[str, Source]
    joint_positions: dict[str, float] = field(default_factory=dict)
    subscribed_types: dict[str, frozenset[str]] = field(default_factory=dict)
    commanders: dict[str, frozenset[str]] = field(default_factory=dict)
    action_servers: set[str] = field(default_factory=set)
    controllers: list[Controller] | None = None
    controllers_note: str = ""
    description: str = ""


def listen(profile: RobotProfile, namespace: str, seconds: float) -> Graph:
    """Watch the graph.

    Args:
        profile: which topics.
        namespace: of the robot's topics.
        seconds: how long, after discovery.
    """
    rclpy.init()
    node = Node("hume_doctor", namespace=namespace)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        return _Listener(node, executor, profile).listen(seconds)
    finally:
        executor.shutdown(timeout_sec=0.5)
        node.destroy_node()
        rclpy.shutdown()


class _Listener:
    def __init__(self, node: Node, executor: SingleThreadedExecutor, profile: RobotProfile) -> None:
        self._node, self._executor, self._profile = node, executor, profile
        self._graph = Graph(
            Source(profile.joint_states, "sensor_msgs/msg/JointState"),
            {
                key: Source(camera.topic, f"sensor_msgs/msg/{image_type(camera).__name__}")
                for key, camera in profile.cameras.items()
            },
        )

    def listen(self, seconds: float) -> Graph:
        self._spin(_DISCOVERY)
        if self._node.count_publishers("/clock"):
            self._node.set_parameters([Parameter("use_sim_time", Parameter.Type.BOOL, True)])
        self._note_endpoints()
        self._subscribe(self._graph.joint_states, JointState, self._note_joints)
        for key, source in self._graph.cameras.items():
            self._subscribe(source, image_type(self._profile.cameras[key]), image_to_rgb)
        self._node.create_subscription(String, "robot_description", self._note_description, qos.LATCHED)
        self._spin(seconds)
        self._ask_controller_manager()
        return self._graph

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def _note_endpoints(self) -> None:
        for source in (self._graph.joint_states, *self._graph.cameras.values()):
            publishers = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(source.topic))
            source.published_types = {info.topic_type for info in publishers}
        controllers = self._profile.controllers
        for controller in (controllers.arm, controllers.gripper):
            if controller is None:
                continue
            topic = self._node.resolve_topic_name(controller.topic)
            listeners = self._node.get_subscriptions_info_by_topic(topic)
            self._graph.subscribed_types[controller.topic] = frozenset(info.topic_type for info in listeners)
            senders = self._node.get_publishers_info_by_topic(topic)
            self._graph.commanders[controller.topic] = frozenset(info.node_name for info in senders)
            if self._node.count_publishers(f"{topic}/_action/status"):
                self._graph.action_servers.add(controller.topic)

    def _subscribe(self, source: Source, message_type: type, use: Callable[[Any], object]) -> None:
        if source.published_types != {source.wanted_type}:
            return

        def receive(message: Any) -> None:
            source.arrivals.append(time.monotonic())
            now = float(self._node.get_clock().now().nanoseconds) * 1e-9
            source.ages.append(now - stamp_seconds(message.header.stamp))
            try:
                use(message)
                source.problem = ""
            except HumeError as error:
                source.problem = str(error)

        self._node.create_subscription(message_type, source.topic, receive, qos.SENSOR)

    def _note_joints(self, message: JointState) -> None:
        self._graph.joint_positions.update(zip(message.name, message.position, strict=False))
        known = [name for name in self._profile.joint_names if name in message.name]
        joint_values(message, known)

    def _note_description(self, message: String) -> None:
        self._graph.description = str(message.data)

    def _ask_controller_manager(self) -> None:
        name = f"{self._profile.controllers.controller_manager}/list_controllers"
        services = {service for service, _ in self._node.get_service_names_and_types()}
        if self._node.resolve_service_name(name) not in services:
            self._graph.controllers_note = f"no service {name}"
            return
        try:
            from controller_manager_msgs.srv import ListControllers
        except ImportError:
            self._graph.controllers_note = "it runs, but controller_manager_msgs is not installed here"
            return
        client: Any = self._node.create_client(ListControllers, name)
        answer = client.call_async(ListControllers.Request())
        self._executor.spin_until_future_complete(answer, timeout_sec=3.0)
        if not answer.done():
            self._graph.controllers_note = f"{name} did not answer within 3 s"
            return
        self._graph.controllers = [Controller(c.name, c.type, c.state) for c in answer.result().controller]
