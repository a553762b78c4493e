"""ROS node: the simulated arms, cameras and table behind the topics of real arms under ros2_control."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mujoco
import numpy as np
from builtin_interfaces.msg import Time
from hume_msgs.msg import EpisodeState, Epoch
from hume_msgs.srv import ResetScene
from numpy.typing import NDArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import CameraInfo, Image
from sensor_msgs.msg import JointState as JointStateMsg
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from hume_core.epochs import instruction_of
from hume_core.errors import ActionSpaceError, ConfigError, HumeError
from hume_core.realtime import raise_ordinary_threads
from hume_ros import qos
from hume_ros.lifecycle import LINGER, run_process
from hume_sim.arm import ArmNames, cameras_of, checked_positions
from hume_sim.cameras import CameraStream
from hume_sim.faults import Faults
from hume_sim.messages import from_joint_trajectory, to_camera_info, to_image, to_joint_state, to_stamp, to_time
from hume_sim.polling import PolledSubscriptions
from hume_sim.realtime import RealtimeWorld, Sample, SimTimer
from hume_sim.rendering import intrinsics
from hume_sim.scene import PAIR, PLAIN
from hume_sim.settings import declare_parameters
from hume_sim.suites import find_suite
from hume_sim.tasks import task_of
from hume_sim.world import TabletopWorld

_EPISODE_RATE = 10.0
_CLOCK_RATE = 200.0
_WARN_PERIOD = 2.0
_THREADS_BELOW_PHYSICS = 10
_VIDEO = "video"


class SimNode(Node):
    """Commands and joint states are handled on the physics thread, images on the camera thread.

    The executor serves what is slow: services and the episode topic.

    Raises:
        ConfigError: a parameter is wrong.
    """

    def __init__(self) -> None:
        super().__init__("hume_sim")
        self._settings = declare_parameters(self)
        self._suite = find_suite(self._settings.suite) if self._settings.suite else None
        world = TabletopWorld(scene=self._scene())
        self._arms = tuple(arm.names for arm in world.arms)
        world.reset(self._settings.seed, self._task(self._settings.seed, self._settings.task))
        self._physics = RealtimeWorld(
            world,
            self._on_step,
            self._settings.priority,
            self._suite,
            clock=None if self._settings.publish_clock else lambda: 1e-9 * self._wall_now(),
            interpolate_from_desired_state=self._settings.interpolate_from_desired_state,
        )
        self._joint_timer = SimTimer(self._settings.joint_state_rate)
        self._clock_timer = SimTimer(_CLOCK_RATE)
        self._create_publishers(world)
        self._cameras = self._camera_streams(world.model)
        self._faults = Faults(self, self._arms)
        self._create_subscriptions()
        self.create_service(ResetScene, "sim/reset", self._on_reset)
        self.create_service(Trigger, "sim/begin_task", self._on_begin_task)
        self.create_subscription(Epoch, "hume/epoch", self._on_epoch, qos.LATCHED)
        self._create_timers()
        for stream in self._cameras:
            stream.start()
        self._physics.start()
        self.get_logger().info(f"simulating. Instruction: {self._physics.sample.episode.instruction}")

    def destroy_node(self) -> None:
        """Stop all threads, then the node."""
        for stream in self._cameras:
            stream.stop()
        self._physics.stop()
        super().destroy_node()

    def raise_threads(self) -> None:
        """Put all threads of this process above ordinary programs. For a process that is the simulator alone.

        It stands for hardware: arm and cameras of a robot do not slow down when its computer is busy. A thread that
        waits for a core with the interpreter's lock would also hold up the physics.
        """
        if self._settings.priority > _THREADS_BELOW_PHYSICS:
            raise_ordinary_threads(self._settings.priority - _THREADS_BELOW_PHYSICS, round_robin=True)

    def _create_publishers(self, world: TabletopWorld) -> None:
        self._joint_states = self.create_publisher(JointStateMsg, "joint_states", 10)
        self._episodes = self.create_publisher(EpisodeState, "sim/episode", qos.LATCHED)
        # Apart from `EpisodeState`, which old bags hold.
        self._failures = self.create_publisher(String, "sim/failure", qos.LATCHED)
        self._clock_publisher = self.create_publisher(ClockMsg, "/clock", 1) if self._settings.publish_clock else None
        size = (self._settings.image_height, self._settings.image_width)
        sizes = dict.fromkeys(cameras_of(self._arms), size)
        if self._settings.video_rate > 0:
            sizes[_VIDEO] = (self._settings.video_size, self._settings.video_size)
        self._images = {c: self.create_publisher(Image, f"camera/{c}/image_raw", 2) for c in sizes}
        self._infos = {c: self.create_publisher(CameraInfo, f"camera/{c}/camera_info", 2) for c in sizes}
        self._calibrations = {
            c: to_camera_info(intrinsics(world.model, c, *size), c, *size) for c, size in sizes.items()
        }

    def _camera_streams(self, model: mujoco.MjModel) -> list[CameraStream]:
        settings, source = self._settings, lambda: self._physics.sample
        size = (settings.image_height, settings.image_width)
        shown = cameras_of(self._arms)
        streams = [CameraStream(model, source, self._publish_image, settings.camera_rate, *size, cameras=shown)]
        if settings.video_rate > 0:
            size = (settings.video_size, settings.video_size)
            streams.append(
                CameraStream(model, source, self._publish_image, settings.video_rate, *size, cameras=[_VIDEO])
            )
        return streams

    def _create_subscriptions(self) -> None:
        self._commands = PolledSubscriptions(self)
        for place, arm in enumerate(self._arms):
            for message_type, name, callback in (
                (Float64MultiArray, "arm_controller/commands", self._on_arm),
                (JointTrajectoryMsg, "arm_controller/joint_trajectory", self._on_trajectory),
                (Float64MultiArray, "gripper_controller/commands", self._on_gripper),
            ):
                topic = arm.prefix + name
                self._commands.add(message_type, topic, self._ignoring_bad(topic, partial(callback, place, arm)))

    def _create_timers(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / _EPISODE_RATE, self._on_timer, clock=steady)

    def _on_step(self, sample: Sample) -> None:
        """The robot's control cycle, on the physics thread."""
        self._commands.poll()
        if self._joint_timer.due(sample.time):
            self._publish_joints(sample)
        if self._clock_publisher is not None and self._clock_timer.due(sample.time):
            self._publish_clock(self._clock_publisher, sample)

    def _on_timer(self) -> None:
        if not self._physics.running:
            raise HumeError("the physics thread has died. Its error is above")
        self._publish_episode()

    def _ignoring_bad(self, topic: str, callback: Callable[[Any], None]) -> Callable[[Any], None]:
        def receive(message: Any) -> None:
            try:
                callback(message)
            except ActionSpaceError as error:
                self.get_logger().warning(f"ignored {topic}: {error}", throttle_duration_sec=_WARN_PERIOD)

        return receive

    def _on_arm(self, place: int, arm: ArmNames, message: Float64MultiArray) -> None:
        self._physics.command_arm(checked_positions(message.data, arm.joints), place)

    def _on_gripper(self, place: int, arm: ArmNames, message: Float64MultiArray) -> None:
        self._physics.command_gripper(float(checked_positions(message.data, [arm.finger])[0]), place)

    def _on_trajectory(self, place: int, arm: ArmNames, message: JointTrajectoryMsg) -> None:
        self._physics.follow(from_joint_trajectory(message, arm.joints), to_stamp(message), place)

    def _on_reset(self, request: ResetScene.Request, response: ResetScene.Response) -> ResetScene.Response:
        try:
            episode = self._physics.reset(request.seed, self._task(request.seed, request.task))
        except HumeError as error:
            response.message = str(error)
            return response
        response.success, response.instruction = True, episode.instruction
        self._publish_episode()
        return response

    def _on_epoch(self, message: Epoch) -> None:
        """The robot was told something: the scene judges that, where it can."""
        instruction = instruction_of(str(message.reason))
        judged = self._physics.sample.episode.instruction
        if not instruction or instruction == judged:
            return
        task = task_of(instruction)
        if task is None:
            self.get_logger().warning(f"the scene cannot judge '{instruction}'. Its verdict stays that of '{judged}'")
            return
        self._physics.judge(task)
        self._publish_episode()

    def _scene(self) -> str:
        """The kind of scene that robot and suite ask for.

        Raises:
            ConfigError: there is none for both.
        """
        scene = self._suite.scene if self._suite else PLAIN
        if self._settings.pair and scene != PLAIN:
            raise ConfigError(
                f"suite '{self._settings.suite}' has a scene of its own, which has one arm. Leave suite or pair out"
            )
        return PAIR if self._settings.pair else scene

    def _task(self, seed: int, task: str) -> str:
        """What a scene asks for where it is left open: the suite's task."""
        return task if task or self._suite is None else self._suite.task_of(seed)

    def _on_begin_task(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """From now on the suite's disturbances happen. Until then the robot is still being made ready."""
        try:
            self._physics.begin_task()
        except HumeError as error:
            response.message = str(error)
            return response
        response.success = True
        response.message = f"disturbances of suite {self._suite.name}" if self._suite else "nothing disturbs: no suite"
        return response

    def _wall_now(self) -> int:
        return Clock(clock_type=ClockType.SYSTEM_TIME).now().nanoseconds

    def _nanoseconds(self, sample: Sample) -> int:
        return round(1e9 * sample.time) if self._settings.publish_clock else sample.wall_time

    def _stamp(self, sample: Sample) -> Time:
        return to_time(self._nanoseconds(sample))

    def _publish_joints(self, sample: Sample) -> None:
        heard = [arm for arm in self._arms if not self._faults.is_on_for(arm, "pause_joint_states")]
        if not heard:
            return
        joints = sample.joints
        if len(heard) < len(self._arms):
            joints = joints.of([name for arm in heard for name in arm.reported])
        lying = [name for arm in heard if self._faults.is_on_for(arm, "lie_joint_states") for name in arm.joints]
        if lying:
            joints = joints.shifted(lying, self._settings.lie_offset)
        self._joint_states.publish(to_joint_state(joints, self._stamp(sample)))

    def _publish_episode(self) -> None:
        sample = self._physics.sample
        episode = sample.episode
        message = EpisodeState(seed=episode.seed, task=episode.task, instruction=episode.instruction)
        message.success, message.elapsed = episode.success, episode.elapsed
        message.header.stamp = self._stamp(sample)
        self._episodes.publish(message)
        self._failures.publish(String(data=episode.failure))

    def _publish_clock(self, publisher: Publisher[ClockMsg], sample: Sample) -> None:
        if not self._faults.is_on("freeze_clock"):
            publisher.publish(ClockMsg(clock=self._stamp(sample)))

    def _publish_image(self, camera: str, image: NDArray[np.uint8], sample: Sample) -> None:
        if self._faults.is_on("pause_cameras") and camera != _VIDEO:
            return
        stamp = self._stamp(sample)
        info = self._calibrations[camera]
        info.header.stamp = stamp
        self._images[camera].publish(to_image(image, camera, stamp))
        self._infos[camera].publish(info)


def main() -> None:
    """Entry point `hume_sim`: run the node until SIGINT or SIGTERM."""
    run_process(_node, linger=LINGER)


def _node() -> SimNode:
    node = SimNode()
    node.raise_threads()
    return node


if __name__ == "__main__":
    main()
