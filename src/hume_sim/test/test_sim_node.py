"""The node on a real ROS graph of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
pytest.importorskip("hume_msgs.msg", reason="needs the built workspace (hume_msgs)")

import time  # noqa: E402

from hume_msgs.msg import EpisodeState  # noqa: E402
from hume_msgs.srv import ResetScene  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image, JointState  # noqa: E402
from std_msgs.msg import Float64MultiArray  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint  # noqa: E402

from hume_sim.arm import ARM_JOINTS, HOME, JOINT_NAMES  # noqa: E402
from hume_sim.node import SimNode  # noqa: E402
from hume_sim.suites import find_suite, scene  # noqa: E402

pytestmark = pytest.mark.ros

DOMAIN = str(1 + os.getpid() % 100)
TARGET = HOME + np.array([0.4, 0.1, -0.1, 0.2, -0.2, 0.3])
TOPICS = {
    "joint_states": JointState,
    "camera/scene/image_raw": Image,
    "camera/scene/camera_info": CameraInfo,
    "camera/wrist/image_raw": Image,
    "camera/video/image_raw": Image,
    "sim/episode": EpisodeState,
    "/clock": Clock,
}


class Client(Node):
    """Collects the newest message of every topic and sends commands."""

    def __init__(self) -> None:
        super().__init__("client")
        self.newest: dict[str, object] = {}
        self.count = dict.fromkeys(TOPICS, 0)
        for topic, kind in TOPICS.items():
            self.create_subscription(kind, topic, lambda message, t=topic: self._take(t, message), 10)
        self.arm = self.create_publisher(Float64MultiArray, "arm_controller/commands", 1)
        self.gripper = self.create_publisher(Float64MultiArray, "gripper_controller/commands", 1)
        self.trajectory = self.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)

    def _take(self, topic: str, message: object) -> None:
        self.newest[topic] = message
        self.count[topic] += 1

    def call(self, kind: type, name: str, **fields: object) -> object:
        client = self.create_client(kind, name)
        assert client.wait_for_service(10.0)
        future = client.call_async(kind.Request(**fields))
        assert wait_until(future.done)
        return future.result()

    def position(self) -> np.ndarray:
        return np.array(self.newest["joint_states"].position)


def wait_until(condition: Callable[[], bool], timeout: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    patch = pytest.MonkeyPatch()
    patch.setenv("ROS_DOMAIN_ID", DOMAIN)
    patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    parameters = ["-p", "seed:=3", "-p", "task:=lift red", "-p", "publish_clock:=true"]
    parameters += ["-p", "suite:=hard"]
    parameters += ["-p", "video_rate:=10.0", "-p", "video_size:=64"]
    rclpy.init(args=["--ros-args", *parameters])
    sim, client = SimNode(), Client()
    executor = SingleThreadedExecutor()
    executor.add_node(sim)
    executor.add_node(client)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    assert wait_until(lambda: len(client.newest) == len(TOPICS))
    yield client
    executor.shutdown()
    thread.join()
    sim.destroy_node()
    client.destroy_node()
    rclpy.shutdown()
    patch.undo()


@pytest.fixture(autouse=True)
def _episode(client: Client) -> None:
    response = client.call(ResetScene, "sim/reset", seed=3, task="lift red")
    assert response.success
    assert wait_until(lambda: near(client, HOME))


def near(client: Client, joints: np.ndarray) -> bool:
    return bool(np.abs(client.position()[:6] - joints).max() < 0.02)


def test_joint_states_have_the_robots_names_and_efforts(client: Client) -> None:
    message = client.newest["joint_states"]
    assert tuple(message.name) == JOINT_NAMES
    assert len(message.position) == len(message.velocity) == len(message.effort) == 7


def test_a_node_leaves_the_scheduling_of_its_process_alone(client: Client) -> None:
    """Only the program raises all threads: who builds the node in a process of their own has other work there."""
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_images_and_camera_info_agree(client: Client) -> None:
    image, info = client.newest["camera/scene/image_raw"], client.newest["camera/scene/camera_info"]
    assert (image.encoding, image.height, image.width, image.step) == ("rgb8", 96, 96, 288)
    assert len(image.data) == 96 * 96 * 3
    assert np.frombuffer(image.data, np.uint8).std() > 10
    assert image.header.frame_id == info.header.frame_id == "scene_camera_optical_frame"
    assert info.k[0] == info.k[4] == pytest.approx(48 / np.tan(np.radians(22)))
    assert (info.k[2], info.k[5]) == (47.5, 47.5)


def test_image_stamp_is_on_the_simulated_clock(client: Client) -> None:
    stamp, clock = client.newest["camera/wrist/image_raw"].header.stamp, client.newest["/clock"].clock
    age = (clock.sec - stamp.sec) + 1e-9 * (clock.nanosec - stamp.nanosec)
    assert abs(age) < 5.0


def test_video_view_has_its_own_size(client: Client) -> None:
    image = client.newest["camera/video/image_raw"]
    assert (image.height, image.width) == (64, 64)


def test_forward_commands_move_arm_and_gripper(client: Client) -> None:
    client.arm.publish(Float64MultiArray(data=TARGET.tolist()))
    client.gripper.publish(Float64MultiArray(data=[0.02]))
    assert wait_until(lambda: near(client, TARGET))
    assert wait_until(lambda: abs(client.position()[6] - 0.02) < 1e-3)


def test_trajectory_in_another_joint_order_moves_the_arm(client: Client) -> None:
    order = [3, 1, 0, 2, 5, 4]
    message = JointTrajectory(joint_names=[ARM_JOINTS[i] for i in order])
    point = JointTrajectoryPoint(positions=TARGET[order].tolist())
    point.time_from_start.nanosec = 300_000_000
    message.points = [point]
    client.trajectory.publish(message)
    assert wait_until(lambda: near(client, TARGET))


@pytest.mark.parametrize("bad", [[0.0] * 3, [], [0.0, 0.0, 0.0, float("nan"), 0.0, 0.0]])
def test_bad_commands_are_ignored_and_the_last_one_is_kept(client: Client, bad: list[float]) -> None:
    client.arm.publish(Float64MultiArray(data=TARGET.tolist()))
    assert wait_until(lambda: near(client, TARGET))
    client.arm.publish(Float64MultiArray(data=bad))
    client.gripper.publish(Float64MultiArray(data=[float("inf")]))
    client.trajectory.publish(JointTrajectory(joint_names=["waist"]))
    seen = client.count["joint_states"]
    assert wait_until(lambda: client.count["joint_states"] > seen + 30)
    assert near(client, TARGET)


def test_reset_answers_with_the_instruction_and_publishes_the_episode(client: Client) -> None:
    response = client.call(ResetScene, "sim/reset", seed=11, task="stack green on blue")
    assert response.success
    assert wait_until(lambda: client.newest["sim/episode"].seed == 11)
    episode = client.newest["sim/episode"]
    assert (episode.task, episode.instruction) == ("stack green on blue", response.instruction)
    assert not episode.success


def test_the_suite_gives_the_task_of_a_scene_that_names_none(client: Client) -> None:
    seed, task = scene(0, 3, find_suite("hard"))
    assert task == "stack"
    assert client.call(ResetScene, "sim/reset", seed=seed).success
    assert wait_until(lambda: client.newest["sim/episode"].seed == seed)
    assert client.newest["sim/episode"].task.startswith("stack")


def test_disturbances_begin_with_the_task(client: Client) -> None:
    answer = client.call(Trigger, "sim/begin_task")
    assert (answer.success, answer.message) == (True, "disturbances of suite hard")


def test_bad_reset_says_what_is_valid(client: Client) -> None:
    response = client.call(ResetScene, "sim/reset", seed=1, task="juggle")
    assert not response.success
    assert "'juggle'" in response.message
    assert "lift" in response.message


@pytest.mark.parametrize(
    ("fault", "topic"),
    [
        ("pause_cameras", "camera/scene/image_raw"),
        ("pause_joint_states", "joint_states"),
        ("freeze_clock", "/clock"),
    ],
)
def test_faults_silence_their_topic_until_switched_off(client: Client, fault: str, topic: str) -> None:
    assert client.call(SetBool, f"sim/faults/{fault}", data=True).success
    time.sleep(0.2)
    silent = client.count[topic]
    episodes = client.count["sim/episode"]
    assert wait_until(lambda: client.count["sim/episode"] > episodes + 3)
    assert client.count[topic] == silent
    assert client.call(SetBool, f"sim/faults/{fault}", data=False).success
    assert wait_until(lambda: client.count[topic] > silent)


def test_lying_joint_states_are_off_by_the_offset(client: Client) -> None:
    client.call(SetBool, "sim/faults/lie_joint_states", data=True)
    assert wait_until(lambda: near(client, HOME + 0.3))
    client.call(SetBool, "sim/faults/lie_joint_states", data=False)
    assert wait_until(lambda: near(client, HOME))


def start_process(*parameters: str, module: str = "hume_sim.node") -> subprocess.Popen:
    command = [sys.executable, "-m", module, "--ros-args"]
    for parameter in parameters:
        command += ["-p", parameter]
    environment = {**os.environ, "ROS_DOMAIN_ID": DOMAIN, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("camera_rate:=-1.0", "'camera_rate' is -1.0. Valid: a number from 0.1 to 120 Hz"),
        ("image_width:=wide", "'image_width' is 'wide'. Valid: a whole number from 16 to 1280 pixels"),
        ("camera_rate:=.nan", "'camera_rate' is nan. Valid: a number from 0.1"),
        ("task:=juggle", "task 'juggle' is unknown"),
        ("suite:=easy", "suite 'easy' is unknown. Valid: lift"),
        ("pair:=true suite:=detour", "suite 'detour' has a scene of its own, which has one arm"),
    ],
)
def test_bad_parameters_end_the_process_with_one_message(parameter: str, message: str) -> None:
    process = start_process(*parameter.split())
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("number", "parameters"), [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGTERM, ("suite:=detour",))]
)
def test_signals_end_the_process_cleanly(number: int, parameters: tuple[str, ...]) -> None:
    process = start_process(*parameters)
    assert process.stdout is not None
    assert "simulating" in process.stdout.readline()
    process.send_signal(number)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output == ""


def may_raise() -> bool:
    """Whether this user may use real-time scheduling, tried in a process of its own."""
    trial = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", trial], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("module", "parameters"), [("hume_sim.node", ("task:=lift",)), ("hume_sim.mock", ("robot:=ur5e",))]
)
@pytest.mark.parametrize("raised", [True, False])
def test_a_program_that_stands_for_hardware_goes_above_ordinary_ones(
    module: str, parameters: tuple[str, ...], raised: bool
) -> None:
    process = start_process(*parameters, *(() if raised else ("priority:=0",)), module=module)
    try:
        expected = os.SCHED_RR if raised and may_raise() else os.SCHED_OTHER
        assert process.stdout is not None
        # Its first line is said when the node is complete, just before its threads are raised.
        assert process.stdout.readline()
        assert wait_until(lambda: os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK == expected)
    finally:
        process.terminate()
        process.communicate(timeout=30)
