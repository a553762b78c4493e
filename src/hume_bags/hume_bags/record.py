"""`hume record`: serialized messages of a running stack into a bag."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rich.console import Console
from rich.table import Table

from hume_bags.background import BackgroundWriter
from hume_bags.errors import BagError
from hume_bags.message_types import definition, message_class
from hume_bags.parameters import ParameterSnapshots
from hume_bags.provenance import checkpoint_provenance, recording_provenance
from hume_bags.quality import matching_quality
from hume_bags.topics import recorded_topics, resolved
from hume_bags.writer import BagWriter
from hume_core.robot import RobotProfile
from hume_ros.context import init_ros
from hume_ros.lifecycle import make_executor
from hume_ros.timers import steady_timer

_DISCOVERY_PERIOD = 0.1
_THOROUGH = 10
"""Every so many rounds of discovery, topics that are known already are looked at again."""
_DEPTH = 200
_SPIN_TIMEOUT = 0.1
_HASH_TIMEOUT = 0.7
_USUAL_TYPES = (
    "sensor_msgs/msg/JointState", "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo",
    "std_msgs/msg/Float64MultiArray", "hume_msgs/msg/ActionChunk", "hume_msgs/msg/Segment", "hume_msgs/msg/Thought",
    "hume_msgs/msg/System1Status", "hume_msgs/action/ExecuteTask_FeedbackMessage", "action_msgs/msg/GoalStatusArray",
)  # fmt: skip
"""Loaded before the first message comes, which would have to wait otherwise."""


@dataclass(frozen=True)
class RecordOptions:
    """What `hume record` was asked for. See its help."""

    robot: str
    output: Path | None = None
    namespace: str = ""
    topics: tuple[str, ...] = ()
    thoughts: bool = True
    use_sim_time: bool = False
    seconds: float | None = None
    prefix: str = ""
    prefix_controllers: bool = True


class Recorder(Node):
    """Subscribes to topics as they appear and writes what arrives, undecoded.

    Args:
        writer: where messages go.
        topics: fully qualified names.
        use_sim_time: stamp arrivals with /clock instead of the system's time.
        namespace: of the nodes whose parameters are noted.
    """

    def __init__(
        self, writer: BackgroundWriter, topics: Sequence[str], use_sim_time: bool = False, namespace: str = ""
    ) -> None:
        override = Parameter("use_sim_time", value=use_sim_time)
        super().__init__("hume_recorder", parameter_overrides=[override])
        self._writer = writer
        self._wanted = list(topics)
        self._taken: dict[str, tuple[Any, QoSProfile]] = {}
        self._hashing: list[threading.Thread] = []
        self._known_checkpoints: set[str] = set()
        self._rounds = 0
        self._learned: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self._snapshots = ParameterSnapshots(self, namespace, self._on_parameters)
        steady_timer(self, _DISCOVERY_PERIOD, self._discover)

    def finish(self) -> None:
        """Wait for what is still being worked out, and note it."""
        for thread in self._hashing:
            thread.join(_HASH_TIMEOUT)
        self._note_learned()

    def _discover(self) -> None:
        thorough = self._rounds % _THOROUGH == 0
        self._rounds += 1
        for topic in list(self._wanted) if thorough else [topic for topic in self._wanted if topic not in self._taken]:
            offers = self.get_publishers_info_by_topic(topic)
            if offers:
                self._subscribe(topic, {offer.topic_type for offer in offers}, [offer.qos_profile for offer in offers])
        if thorough:
            self._snapshots.look()
            self._note_learned()
        self._writer.check()

    def _subscribe(self, topic: str, types: set[str], offered: list[QoSProfile]) -> None:
        quality = matching_quality(offered, _DEPTH)
        known = self._taken.get(topic)
        if known is not None and _same(known[1], quality):
            return
        type_name = sorted(types)[0]
        try:
            if len(types) > 1:
                raise BagError(f"topic '{topic}' is published with several types: {', '.join(sorted(types))}")
            self._writer.add_topic(topic, type_name, offered)
        except BagError as error:
            self._wanted.remove(topic)
            self.problems.append(str(error))
            return
        if known is not None:
            self.destroy_subscription(known[0])
        kind = message_class(type_name)
        subscription = self.create_subscription(kind, topic, self._taker(topic), quality, raw=True)
        self._taken[topic] = subscription, quality

    def _taker(self, topic: str) -> Callable[[bytes], None]:
        clock = self.get_clock()

        def take(data: bytes) -> None:
            now = clock.now().nanoseconds
            if now > 0:  # before the first /clock there is no time
                self._writer.write(topic, data, now)

        return take

    def _on_parameters(self, node: str, values: dict[str, Any]) -> None:
        self._writer.add_provenance({f"parameters {node}": values})
        checkpoint = str(values.get("checkpoint") or "")
        if checkpoint and checkpoint not in self._known_checkpoints:
            self._known_checkpoints.add(checkpoint)
            self._writer.add_provenance({"checkpoint": checkpoint})
            # Reading gigabytes must not hold up the messages.
            thread = threading.Thread(target=self._learn_checkpoint, args=(checkpoint,), daemon=True)
            self._hashing.append(thread)
            thread.start()

    def _learn_checkpoint(self, checkpoint: str) -> None:
        self._learned.append(checkpoint_provenance(checkpoint))

    def _note_learned(self) -> None:
        while self._learned:
            self._writer.add_provenance(self._learned.pop(0))


def _same(first: QoSProfile, second: QoSProfile) -> bool:
    return first.reliability is second.reliability and first.durability is second.durability


def run_record(options: RecordOptions) -> int:
    """Record until Ctrl-C, SIGTERM or the end of `seconds`. Returns 0 when something was recorded.

    Raises:
        RobotProfileError: unknown robot.
        BagError: the bag cannot be created.
    """
    names = (options.prefix, options.prefix_controllers)
    profile = RobotProfile.load(options.robot, *names)
    topics = recorded_topics(profile, options.namespace, options.thoughts)
    topics += [resolved(topic, options.namespace) for topic in options.topics if topic not in topics]
    for name in _USUAL_TYPES:
        message_class(name)
        definition(name)
    folder = options.output or Path(datetime.now().strftime("hume_%Y%m%d_%H%M%S"))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    init_ros()
    try:
        with BagWriter(folder, recording_provenance(options.robot, *names)) as writer:
            print(f"hume record: recording into {folder}, until Ctrl-C", file=sys.stderr, flush=True)
            problems = _record(writer, topics, options, stop)
    except OSError as error:
        raise BagError(f"bag '{folder}' cannot be written: {error.strerror}. It can be read up to there") from error
    finally:
        rclpy.try_shutdown()
    _report(folder, writer.counts, topics, problems)
    return 0 if any(writer.counts.values()) else 1


def _record(writer: BagWriter, topics: Sequence[str], options: RecordOptions, stop: threading.Event) -> list[str]:
    """Record until told to stop. Returns what was not recorded and why."""
    background = BackgroundWriter(writer)
    recorder = Recorder(background, topics, options.use_sim_time, options.namespace)
    executor = make_executor()
    executor.add_node(recorder)
    if options.seconds is not None:
        steady_timer(recorder, options.seconds, stop.set)
    try:
        while not stop.is_set() and rclpy.ok():
            executor.spin_once(timeout_sec=_SPIN_TIMEOUT)
        recorder.finish()
    finally:
        background.close()
    background.check()
    executor.shutdown(timeout_sec=0.5)
    recorder.destroy_node()
    lost = [f"{count} messages of '{topic}': the disk was too slow" for topic, count in background.dropped.items()]
    return recorder.problems + lost


def _report(folder: Path, counts: dict[str, int], wanted: Sequence[str], problems: Sequence[str]) -> None:
    console = Console(stderr=True)
    table = Table("topic", "messages", title=str(folder))
    for topic in sorted(counts):
        table.add_row(topic, str(counts[topic]))
    console.print(table)
    silent = sorted(topic for topic in wanted if not counts.get(topic))
    if silent:
        console.print(f"nothing came from: {', '.join(silent)}", markup=False)
    for problem in problems:
        console.print(f"skipped: {problem}", markup=False)
