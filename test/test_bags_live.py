"""Recording and replaying with real processes: nothing changes on the way, and a killed recording can be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hume_msgs.msg import Epoch
from rclpy.action import ActionClient, ActionServer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState

from hume_bags.action_goals import accepted_goals
from hume_bags.reader import BagReader
from hume_bags.topics import goal_events
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import image_to_rgb, joint_values, set_stamp, stamp_seconds
from hume_ros.gripper_actions import gripper_action_types
from hume_ros.introspection import publish_goals
from hume_system1.control.gripper_goals import GripperGoal
from hume_system1.gripper_client import goal_message

pytestmark = pytest.mark.ros

ROBOT = "wx250s_sim"
PERIOD = 0.01
IMAGES, JOINTS, EPOCHS = "camera/scene/image_raw", "joint_states", "hume/epoch"


class Robot:
    """Publishes numbered joint states, images of noise, and one latched epoch. Keeps what it hears of them."""

    def __init__(self, observer: Any) -> None:
        self.observer, self.node = observer, observer.node
        self.joints = self.node.create_publisher(JointState, JOINTS, 100)
        self.images = self.node.create_publisher(Image, IMAGES, 100)
        self.epochs = self.node.create_publisher(Epoch, EPOCHS, qos.LATCHED)
        self.epochs.publish(Epoch(epoch=1, reason="instruction: wave"))
        self.heard: list[Any] = []
        self.node.create_subscription(JointState, JOINTS, self.heard.append, 100)
        self.node.create_subscription(Image, IMAGES, self.heard.append, 100)
        self.random = np.random.default_rng(0)
        self.count = 0

    def publish(self) -> None:
        self.count += 1
        state = JointState(name=["b", "a"], position=self.random.normal(size=2).tolist(), velocity=[0.0, 1.0])
        set_stamp(state.header.stamp, 100.0 + PERIOD * self.count)
        self.joints.publish(state)
        if self.count % 4 == 0:
            pixels = self.random.integers(0, 256, 12 * 16 * 3, dtype=np.uint8).tobytes()
            image = Image(height=12, width=16, step=48, encoding="bgr8", data=pixels)
            set_stamp(image.header.stamp, 100.0 + PERIOD * self.count)
            self.images.publish(image)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            self.publish()
            self.observer.spin(PERIOD)


def decoded(message: Any) -> tuple[str, float, bytes]:
    """Kind, stamp and array of a message, by the conversions that the nodes use."""
    array = image_to_rgb(message) if isinstance(message, Image) else joint_values(message, ["a", "b"])
    return type(message).__name__, stamp_seconds(message.header.stamp), array.tobytes()


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "hume_tools", *arguments], start_new_session=True)


def record(robot: Robot, folder: Path) -> subprocess.Popen[bytes]:
    """A running recorder that has found the robot's topics."""
    recorder = start("record", "--robot", ROBOT, "-o", str(folder))
    topics = (IMAGES, JOINTS, EPOCHS)
    ready: Callable[[], bool] = lambda: all(robot.node.count_subscribers(t) > (t != EPOCHS) for t in topics)  # noqa: E731
    robot.observer.until(ready, 30.0, "the recorder")
    return recorder


def test_live_bag_and_replay_give_identical_arrays(ros_domain: int, observer: Any, tmp_path: Path) -> None:
    robot = Robot(observer)
    recorder = record(robot, tmp_path / "bag")
    robot.run(0.3)
    robot.heard.clear()
    robot.run(1.5)
    live = [decoded(message) for message in robot.heard]
    robot.run(0.3)
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(30.0) == 0
    reader = BagReader(tmp_path / "bag")
    assert reader.problems == []
    recorded = [decoded(item.message) for item in reader.messages([f"/{IMAGES}", f"/{JOINTS}"])]
    assert len(live) > 100
    assert set(live) <= set(recorded)
    assert [item.message.reason for item in reader.messages([f"/{EPOCHS}"])] == ["instruction: wave"]
    assert reader.provenance["robot"] == ROBOT
    assert reader.provenance["limits"]["names"][0] == "waist"
    robot.heard.clear()
    clock: list[float] = []
    observer.node.create_subscription(Clock, "/clock", lambda m: clock.append(m.clock.sec + 1e-9 * m.clock.nanosec), 50)
    again = start("record", "--robot", ROBOT, "--use-sim-time", "-o", str(tmp_path / "again"))
    observer.until(lambda: observer.node.count_subscribers("/clock") > 1, 30.0, "the second recorder")
    player = start("replay", str(tmp_path / "bag"))
    observer.until(lambda: player.poll() is not None, 30.0, "the end of the replay")
    assert player.returncode == 0
    again.send_signal(signal.SIGINT)
    assert again.wait(30.0) == 0
    replayed = [decoded(message) for message in robot.heard]
    assert len(replayed) > 0.5 * len(recorded)
    assert set(replayed) <= set(recorded)
    assert clock == sorted(clock)
    assert clock[0] == pytest.approx(reader.start_ns * 1e-9, abs=0.5)
    assert clock[-1] >= reader.end_ns * 1e-9
    second = BagReader(tmp_path / "again")
    items = list(second.messages([f"/{JOINTS}"]))
    assert {decoded(item.message) for item in items} <= set(recorded)
    assert items
    arrived = {decoded(item.message): item.log_time_ns for item in reader.messages([f"/{JOINTS}"])}
    late = [item.log_time_ns - arrived[decoded(item.message)] for item in items]
    assert float(np.median(late)) * 1e-9 == pytest.approx(0.0, abs=0.2)


def test_a_killed_recording_can_be_read(ros_domain: int, observer: Any, tmp_path: Path) -> None:
    robot = Robot(observer)
    recorder = record(robot, tmp_path / "bag")
    robot.run(4.0)
    os.kill(recorder.pid, signal.SIGKILL)
    recorder.wait(10.0)
    reader = BagReader(tmp_path / "bag")
    found = [item.message for item in reader.messages([f"/{JOINTS}"])]
    stamps = [stamp_seconds(message.header.stamp) for message in found]
    numbers = np.round((np.array(stamps) - 100.0) / PERIOD).astype(int)
    assert numbers.tolist() == list(range(numbers[0], numbers[0] + len(numbers)))  # nothing is missing in between
    assert len(numbers) > 100
    assert reader.end_ns - reader.start_ns > 1.5e9
    assert reader.provenance["profile_hash"]
    assert any("cut off" in problem for problem in reader.problems)


@pytest.mark.parametrize("kind", ["GripperCommand", "ParallelGripperCommand"])
def test_goals_of_the_gripper_are_recorded(ros_domain: int, observer: Any, tmp_path: Path, kind: str) -> None:
    """Goals are requests, which only introspection shows to a recorder."""
    profile = RobotProfile.load(ROBOT).model_dump(mode="json")
    action = f"hand_{kind.lower()}/cmd"
    profile["controllers"]["gripper"] = {"type": "gripper_action", "topic": action}
    path = tmp_path / "robot.yaml"
    path.write_text(yaml.safe_dump(profile))
    action_type = gripper_action_types()[f"control_msgs/action/{kind}"]

    def succeed(handle: Any) -> Any:
        handle.succeed()
        return action_type.Result()

    server = ActionServer(observer.node, action_type, action, succeed)
    client = ActionClient(observer.node, action_type, action)
    publish_goals(observer.node, client)
    recorder = start("record", "--robot", str(path), "-o", str(tmp_path / "bag"))
    try:
        observer.until(lambda: observer.node.count_subscribers(f"/{goal_events(action)}") > 0, 40.0, "the recorder")
        # A process that takes the place of a killed one hears others when they announce themselves again, after 3 s.
        observer.spin(6.0)
        for position in (0.01, 0.03):
            goal = goal_message(action_type, RobotProfile.load(path).gripper, GripperGoal(1, position))
            answer = client.send_goal_async(goal)
            observer.until(answer.done, 20.0, "the server")
            observer.spin(0.3)
    finally:
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(30.0) == 0
        client.destroy()
        server.destroy()
    goals = [goal.goal.command for goal in accepted_goals(BagReader(tmp_path / "bag"), f"/{action}")]
    found = [command.position[0] if kind.startswith("Parallel") else command.position for command in goals]
    assert found == [0.01, 0.03]
