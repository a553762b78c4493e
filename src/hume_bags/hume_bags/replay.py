"""`hume replay`: the sensors of a bag into a running graph, with /clock."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from hume_msgs.msg import ActionChunk, System1Status
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock

from hume_bags.decisions import Decisions
from hume_bags.errors import BagError
from hume_bags.message_types import message_class
from hume_bags.playback import Playable, bag_timeline, first_messages, standstill_timeline
from hume_bags.quality import matching_quality
from hume_bags.reader import BagReader
from hume_bags.recorded_robot import recorded_profile
from hume_bags.topics import COMPRESSED, absolute_sensors, recorded_namespace, resolved, sensor_topics
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.context import init_ros
from hume_ros.lifecycle import make_executor
from hume_ros.namespaces import full_namespace

_CLOCK_PERIOD = 0.005
_DEPTH = 10
_DISCOVERY_SECONDS = 1.0
_LINGER_SECONDS = 0.1
_BY_TYPE = (
    "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo",
    "sensor_msgs/msg/JointState",
)  # fmt: skip
_OF_ALL_ROBOTS = ("/tf", "/tf_static")
_ALSO = (*_OF_ALL_ROBOTS, "/robot_description")


@dataclass(frozen=True)
class ReplayOptions:
    """What `hume replay` was asked for. See its help."""

    bag: Path
    rate: float = 1.0
    loop: bool = False
    topics: tuple[str, ...] = ()
    wait: bool = False
    namespace: str = ""


def replayed_topics(reader: BagReader, chosen: Sequence[str] = ()) -> list[str]:
    """Which topics of a bag are played: the chosen ones, or the sensors of the robot it was recorded on.

    Raises:
        BagError: a chosen topic is not there, or the bag has no sensors.
    """
    readable = [topic for topic, info in reader.topics.items() if info.count and not info.problem]
    if chosen:
        names = ["/" + topic.lstrip("/") for topic in chosen]
        missing = [name for name in names if name not in readable]
        if missing:
            raise BagError(f"{reader.path} has no messages of '{missing[0]}'. It has: {', '.join(readable) or 'none'}")
        return names
    profile = recorded_profile(reader)
    found = [topic for topic in readable if _is_sensor(topic, reader, profile)]
    if not found:
        raise BagError(f"{reader.path} has no sensors. Name topics with --topics. It has: {', '.join(readable)}")
    return found


def _is_sensor(topic: str, reader: BagReader, profile: RobotProfile | None) -> bool:
    if topic in _ALSO:
        return True
    if profile is None:
        return reader.topics[topic].type in _BY_TYPE
    sensors = sensor_topics(profile)
    return any(topic.endswith((sensor, f"{sensor}{COMPRESSED}")) for sensor in sensors)


def played_names(reader: BagReader, topics: Sequence[str], namespace: str = "") -> dict[str, str]:
    """Where each topic of a bag is published.

    Args:
        reader: the bag.
        topics: of the bag.
        namespace: of the stack that listens. The robot's topics move there from the namespace they were recorded in.
            Empty: every topic keeps its name.

    Raises:
        BagError: the robot's topics are in several namespaces of the bag.
    """
    if not namespace:
        return {topic: topic for topic in topics}
    profile = recorded_profile(reader)
    space = "" if profile is None else resolved("", recorded_namespace(reader.recorded, profile)).rstrip("/")
    fixed = {*_OF_ALL_ROBOTS, *(() if profile is None else absolute_sensors(profile))}
    return {topic: topic if topic in fixed else _moved(topic, space, namespace) for topic in topics}


def _moved(topic: str, space: str, namespace: str) -> str:
    inside = topic.removeprefix(f"{space}/") if topic.startswith(f"{space}/") else topic
    return resolved(inside.lstrip("/"), namespace)


class Player(Node):
    """Publishes messages when they are due, and /clock.

    Args:
        reader: the bag.
        names: what will be played -> where.
        namespace: of the stack that listens.
        rate: speed. 1 is as recorded.
        stop: ends the replay.
    """

    def __init__(
        self, reader: BagReader, names: Mapping[str, str], namespace: str, rate: float, stop: threading.Event
    ) -> None:
        super().__init__("hume_replay", namespace=namespace, start_parameter_services=False)
        self._rate = rate
        self._stop = stop
        self._clock_publisher = self.create_publisher(Clock, "/clock", 1)
        self._outputs: dict[str, Any] = {
            topic: self.create_publisher(
                message_class(reader.topics[topic].type), name, _offered(reader.topics[topic].qos)
            )
            for topic, name in names.items()
        }
        self.counts: Counter[str] = Counter()
        self.now_ns = 0
        self._steady = time.monotonic()
        self._started = False

    def play(self, timeline: Iterator[Playable]) -> None:
        """Publish until the timeline or the replay ends. A second timeline goes on where the first ended."""
        if not self._started:
            self._started, self._steady = True, time.monotonic()
        for item in timeline:
            if not self._wait_until(item.due_ns):
                return
            self._outputs[item.topic].publish(item.data)
            self.counts[item.topic] += 1

    def linger(self, seconds: float) -> None:
        """Keep /clock going."""
        self._wait_until(self.now_ns + round(1e9 * seconds * self._rate))

    def _wait_until(self, due_ns: int) -> bool:
        """Sleep until a time on the replay's clock, publishing /clock meanwhile. False when stopped."""
        while not self._stop.is_set():
            remaining = (due_ns - self.now_ns) * 1e-9 / self._rate
            step = min(_CLOCK_PERIOD, max(0.0, remaining))
            if remaining > 0:
                self._steady += step
                time.sleep(max(0.0, self._steady - time.monotonic()))
                self.now_ns = due_ns if step == remaining else self.now_ns + round(step * self._rate * 1e9)
                self._publish_clock()
            else:
                return True
        return False

    def _publish_clock(self) -> None:
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(self.now_ns, 1_000_000_000)
        self._clock_publisher.publish(message)


def _offered(recorded: Sequence[QoSProfile]) -> QoSProfile:
    """Reliability and durability as recorded. A queue that does not lose what a slow reader has not fetched yet."""
    return matching_quality(recorded, _DEPTH) if recorded else qos.STATUS


class _SystemsWatch:
    """Whether System 1 and System 2 work, and what they decide. Listens on a thread of its own."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        self._node, self._stop = node, stop
        self._mode = System1Status.UNCONFIGURED
        self.decisions = Decisions()
        node.create_subscription(ActionChunk, "hume/action_chunk", self.decisions.add_chunk, qos.CHUNK)
        node.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        self._executor = make_executor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def waiting(self) -> bool:
        """System 1 does not stream yet, or System 2 (which reads its status once it is set up) is not ready."""
        ready = self._mode > System1Status.INACTIVE and self._node.count_subscribers("hume/status") > 1
        return not ready and not self._stop.is_set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()
        self._executor.shutdown(timeout_sec=0.5)

    def _on_status(self, message: System1Status) -> None:
        self._mode = int(message.mode)
        self.decisions.add_status(message)

    def _spin(self) -> None:
        while not self._stop.is_set() and rclpy.ok():
            self._executor.spin_once(timeout_sec=0.1)


def run_replay(options: ReplayOptions) -> int:
    """Play a bag. Returns 0.

    Raises:
        BagError: the bag cannot be read or has nothing to play.
        ConfigError: the namespace is no valid one.
    """
    reader = BagReader(options.bag)
    topics = replayed_topics(reader, options.topics)
    namespace = full_namespace(options.namespace)
    names = played_names(reader, topics, options.namespace)
    for problem in reader.problems:
        _say(problem)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    init_ros()
    try:
        player = Player(reader, names, namespace, options.rate, stop)
        watch = _SystemsWatch(player, stop)
        _play(player, reader, topics, options, watch)
        watch.close()
        player.destroy_node()
    finally:
        rclpy.try_shutdown()
    _say(f"the bag has ended: {sum(player.counts.values())} messages of {len(topics)} topics")
    for line in watch.decisions.report(options.bag):
        _say(line)
    return 0


def _play(
    player: Player, reader: BagReader, topics: Sequence[str], options: ReplayOptions, watch: _SystemsWatch
) -> None:
    first = first_messages(reader, topics)
    start_ns = min(message.log_time_ns for message in first.values())
    player.now_ns = start_ns
    time.sleep(_DISCOVERY_SECONDS)
    if options.wait:
        _say("showing the first messages until both systems run")
        player.play(standstill_timeline(reader, first, start_ns, watch.waiting))
        # A topic that begins later would fall silent now.
        start_ns = max(message.log_time_ns for message in first.values())
    _say(f"playing {', '.join(topics)}")
    player.play(bag_timeline(reader, topics, start_ns, player.now_ns if options.wait else start_ns, options.loop))
    player.linger(_LINGER_SECONDS)


def _say(text: str) -> None:
    print(f"hume replay: {text}", file=sys.stderr, flush=True)
