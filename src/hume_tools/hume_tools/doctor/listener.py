"""Listens to a live graph: who publishes and listens, how often, with what stamps."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
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
from hume_ros.context import init_ros
from hume_ros.conversions import image_to_rgb, joint_values, stamp_seconds
from hume_ros.joint_state_merger import JointStateMerger
from hume_ros.observation_source import image_type
from hume_ros.publishers import SETTLED, RepeatedPublishers, publishers_of
from hume_system1.stop_sources import stop_sources
from hume_tools.doctor.compatibility import qos_mismatch, stop_mismatch
from hume_tools.doctor.graph import Endpoint, Graph, Source
from hume_tools.doctor.manager_listener import ManagerListener
from hume_tools.doctor.roles import roles

_DISCOVERY = 1.5
_LOOK_PERIOD = 0.5
_GID = 16
_FEEDBACK = "_FeedbackMessage"
_STACK = ("hume/action_chunk", "hume/segment")


def listen(profile: RobotProfile, namespace: str, seconds: float) -> Graph:
    """Watch the graph.

    Args:
        profile: which topics.
        namespace: of the robot's topics.
        seconds: how long, after discovery.
    """
    init_ros()
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
        self._nodes: dict[tuple[int, ...], str] = {}
        self._merger = JointStateMerger.of(profile)
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
        self._graph.where = _where(self._node.get_namespace())
        self._subscribe(self._graph.joint_states, JointState, self._note_joints)
        for key, source in self._graph.cameras.items():
            self._subscribe(source, image_type(self._profile.cameras[key]), lambda image, _: image_to_rgb(image))
        self._node.create_subscription(String, "robot_description", self._note_description, qos.LATCHED)
        self._spin(seconds)
        self._ask_controller_manager()
        self._note_repeated()
        return self._graph

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def _note_endpoints(self) -> None:
        for source in (self._graph.joint_states, *self._graph.cameras.values()):
            publishers = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(source.topic))
            source.publishers = sorted(info.node_name for info in publishers)
            self._nodes |= {tuple(info.endpoint_gid[:_GID]): info.node_name for info in publishers}
            source.published_types = {info.topic_type for info in publishers}
            source.elsewhere = () if publishers else self._elsewhere(source)
            problems = {info.node_name: qos_mismatch(info.qos_profile, qos.SENSOR) for info in publishers}
            source.qos_problems = {node: problem for node, problem in problems.items() if problem}
        for controller in self._profile.controllers:
            self._note_commands(controller.topic)
        for name in stop_sources(self._profile):
            publishers = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(name))
            self._graph.stops[name] = tuple(
                Endpoint(info.node_name, info.topic_type, stop_mismatch(info.qos_profile)) for info in publishers
            )

    def _elsewhere(self, source: Source) -> tuple[str, ...]:
        """Published topics of the same type that end in the same name."""
        last = source.topic.rpartition("/")[2]
        return tuple(
            topic
            for topic, types in self._node.get_topic_names_and_types()
            if source.wanted_type in types
            and topic.rpartition("/")[2] == last
            and self._node.get_publishers_info_by_topic(topic)
        )

    def _note_repeated(self) -> None:
        """Whether nodes of the stack run twice. One that may have crashed is given the time to leave the graph."""
        watch, begun = RepeatedPublishers(), time.monotonic()
        while True:
            publishers = {topic: publishers_of(self._node, topic) for topic in _STACK}
            now = time.monotonic()
            self._graph.repeated = watch.update(publishers, now)
            nodes = [[publisher.node for publisher in found] for found in publishers.values()]
            if all(len(set(names)) == len(names) for names in nodes) or now - begun > SETTLED:
                return
            self._spin(_LOOK_PERIOD)

    def _note_commands(self, name: str) -> None:
        topic = self._node.resolve_topic_name(name)
        listeners = self._node.get_subscriptions_info_by_topic(topic)
        self._graph.listeners[name] = tuple(_endpoint(info) for info in listeners)
        senders = self._node.get_publishers_info_by_topic(topic)
        self._graph.commanders[name] = frozenset(info.node_name for info in senders)
        # Only a server publishes feedback, so this tells its action's type even where that is not installed.
        servers = self._node.get_publishers_info_by_topic(f"{topic}/_action/feedback")
        self._graph.actions[name] = frozenset(info.topic_type.removesuffix(_FEEDBACK) for info in servers)

    def _subscribe(self, source: Source, message_type: type, use: Callable[[Any, Any], object]) -> None:
        if source.published_types != {source.wanted_type}:
            return

        def receive(message: Any, info: Any) -> None:
            source.arrivals.append(time.monotonic())
            now = float(self._node.get_clock().now().nanoseconds) * 1e-9
            stamp = stamp_seconds(message.header.stamp)
            if stamp == 0.0:
                source.unstamped += 1
            else:
                source.ages.append(now - stamp)
            try:
                use(message, info)
                source.problem = ""
            except HumeError as error:
                source.problem = str(error)

        quality = qos.JOINT_STATES if message_type is JointState else qos.SENSOR
        self._node.create_subscription(message_type, source.topic, receive, quality)

    def _note_joints(self, message: JointState, info: Any) -> None:
        self._graph.joint_positions.update(zip(message.name, message.position, strict=False))
        given = zip(message.name, message.velocity, strict=False)
        self._graph.no_velocity.update(name for name, velocity in given if math.isnan(velocity))
        publisher = self._publisher(info)
        for name in message.name if publisher else ():
            self._graph.joint_publishers.setdefault(name, set()).add(publisher)
        known = [name for name in self._profile.joint_names if name in message.name]
        joint_values(message, known)
        self._merger.add(message, time.monotonic())

    def _publisher(self, info: Any) -> str:
        """Node of a message's publisher, numbered if it has several. Empty where rclpy does not tell (Humble)."""
        told = info.get("publisher_gid") if isinstance(info, dict) else None
        gid = tuple(told["data"][:_GID]) if isinstance(told, dict) else ()
        node = self._nodes.get(gid, "")
        same = [other for other, name in self._nodes.items() if name == node]
        return node if not node or same[0] == gid else f"{node} ({same.index(gid) + 1})"

    def _note_description(self, message: String) -> None:
        self._graph.description = str(message.data)

    def _ask_controller_manager(self) -> None:
        name = self._profile.controller_manager
        if not name:
            return
        full_name = self._node.resolve_service_name(name)
        listener = ManagerListener(self._node, lambda: self._executor.spin_once(timeout_sec=0.02), full_name)
        self._graph.manager = listener.ask({role.name for role in roles(self._profile)})


def _where(namespace: str) -> str:
    """Domain, discovery range and namespace, in words."""
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    return f"domain {domain} (discovery range {reach}), namespace '{namespace}'"


def _endpoint(info: Any) -> Endpoint:
    return Endpoint(info.node_name, info.topic_type, qos_mismatch(qos.COMMAND, info.qos_profile))
