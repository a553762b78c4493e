"""`hume evaluate --record`: an episode that was played without ROS as a bag like those of `hume record`."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hume_msgs.msg import EpisodeState, Epoch
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray

from hume_bags.errors import BagError
from hume_bags.provenance import checkpoint_provenance, recording_provenance
from hume_bags.topics import camera_info_topic, resolved
from hume_bags.writer import BagWriter
from hume_core.chunk import Chunk, Segment
from hume_core.robot import ArmControllerType, GripperControllerType, RobotProfile
from hume_ros import qos
from hume_ros.observation_buffer import JOINT_STATES
from hume_session.schedule import NS
from hume_sim.joint_state import JointState
from hume_sim.messages import to_camera_info, to_image, to_joint_state, to_time
from hume_sim.rendering import intrinsics
from hume_sim.world import TabletopWorld
from hume_system1.control.command import ClockReading, Command
from hume_system1.control.core import ControlCore
from hume_system1.control.report import STATUS_PERIOD, core_status
from hume_system1.messages import segment_message
from hume_system1.status import status_message
from hume_system2 import messages
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import PendingThought
from hume_training.evaluation.arm import EPOCH_START
from hume_training.evaluation.episode import Runner
from hume_training.evaluation.outcome import EpisodeOutcome, RecordedEpisode

_EPISODE_PERIOD = 100_000_000
_SYSTEM2 = "/hume_system2"
_DRIVER = QoSProfile(depth=10)

Kept = tuple[int, str, str, QoSProfile, Any]
"""Time in ns, topic, type, what its publisher offers, message."""


@dataclass(frozen=True)
class EpisodeBags:
    """Makes the bag of each episode, a folder each. Travels to other processes.

    Attributes:
        root: folder of the bags.
        robot: profile that the episodes are played with.
        checkpoint: folder or hub name.
    """

    root: Path
    robot: str
    checkpoint: str

    def check(self, profile: RobotProfile) -> None:
        """Refuse what could not be recorded before anything is played.

        Raises:
            BagError: the folder holds something already, or the robot takes its commands in another form.
        """
        if self.root.is_dir() and any(self.root.iterdir()):
            raise BagError(f"folder '{self.root}' is not empty. Name a new one")
        kinds = (ArmControllerType.FORWARD_COMMAND, GripperControllerType.POSITION)
        if any(controller.type not in kinds for controller in profile.controllers):
            raise BagError(f"episodes of robot '{profile.name}' cannot be recorded: its controllers take trajectories")

    def open(self, runner: Runner, number: int, variant: str, seed: int, refine: bool) -> EpisodeBag:
        """The recorder of an episode that is about to be played.

        Args:
            runner: plays it.
            number: of the episode.
            variant: name, which becomes part of the folder's.
            seed: of System 2's noise.
            refine: with System 1.
        """
        name = f"{runner.suite.name}_{variant}_{number:04d}"
        shared = {"robot": self.robot, "checkpoint": self.checkpoint}
        system2 = {**runner.thinking(), **shared, "seed": seed}
        system1 = {**shared, "refine": refine, "chunk_switch": runner.suite.chunk_switch}
        about = {
            **recording_provenance(self.robot),
            **checkpoint_provenance(self.checkpoint),
            "profile": yaml.safe_dump(runner.profile.model_dump(mode="json"), sort_keys=False),
            "variant": variant,
            "repeatable": runner.of_nodes,
            "parameters /hume_system2": system2,
            "parameters /hume_system1": system1,
        }
        return EpisodeBag(self.root / name, runner, about)


class EpisodeBag(RecordedEpisode):
    """Keeps what happens in an episode and writes it at its end, in the order of time.

    Args:
        folder: of the bag. Must not exist.
        runner: plays the episode.
        about: provenance of the recording.
    """

    def __init__(self, folder: Path, runner: Runner, about: Mapping[str, Any]) -> None:
        super().__init__()
        self._folder, self._about = folder, about
        self._world: TabletopWorld = runner.world
        self._profile = runner.profile
        self._kept: list[Kept] = []
        self._status_due = self._episode_due = 0
        self._cameras = runner.cameras

    def close(self, outcome: EpisodeOutcome) -> Path:
        """Write the bag and return its folder."""
        self._keep_episode(round(outcome.duration * NS), outcome.success)
        with BagWriter(self._folder, {**self._about, "success": outcome.success}) as writer:
            for time, topic, kind, quality, message in sorted(self._kept, key=lambda kept: kept[0]):
                writer.add_topic(topic, kind, [quality])
                writer.write_message(topic, message, time)
        return self._folder

    def received(self, source: str, time: int, message: Any) -> None:
        """See `Listener`."""
        stamp = to_time(EPOCH_START + time)
        if source == JOINT_STATES:
            parts = (np.array(part) for part in (message.position, message.velocity, message.effort))
            joints = to_joint_state(JointState(message.name, *parts), stamp)
            self._keep(time, self._profile.joint_states, joints, _DRIVER)
            return
        topic, camera = self._profile.cameras[source].topic, self._cameras[source]
        size = message.height, message.width
        info = to_camera_info(intrinsics(self._world.model, camera, *size), camera, *size)
        info.header.stamp = stamp
        self._keep(time, topic, to_image(message.data.reshape(*size, 3), camera, stamp), _DRIVER)
        self._keep(time, camera_info_topic(topic), info, _DRIVER)

    def epoch(self, time: int, epoch: int, reason: str) -> None:
        """See `Listener`."""
        message = Epoch(epoch=epoch, source=_SYSTEM2, reason=reason)
        message.header.stamp = to_time(EPOCH_START + time)
        self._keep(time, "hume/epoch", message, qos.LATCHED)

    def thought(self, start: int, end: int, task: PendingThought, result: ThoughtResult, chunk: Chunk | None) -> None:
        """See `Listener`."""
        if chunk is not None:
            self._keep(end, "hume/action_chunk", messages.action_chunk(chunk), qos.CHUNK)
            self._keep(end, "hume/thought", messages.thought(result, chunk), qos.CHUNK)

    def segment(self, start: int, end: int, segment: Segment) -> None:
        """See `Listener`."""
        self._keep(end, "hume/segment", segment_message(segment), qos.CHUNK)

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        """See `Listener`."""
        super().command(time, command, core)
        gripper = self._profile.gripper
        if command.publish:
            arm = Float64MultiArray(data=array("d", command.position.tolist()))
            self._keep(time, self._profile.arm.controller.topic, arm, qos.COMMAND)
            if gripper is not None and gripper.controller is not None and command.gripper == command.gripper:
                message = Float64MultiArray(data=array("d", [command.gripper]))
                self._keep(time, gripper.controller.topic, message, qos.COMMAND)
        if time >= self._status_due:
            self._status_due += round(STATUS_PERIOD * NS)
            status = status_message(core_status(core, ClockReading(time / NS, (EPOCH_START + time) * 1e-9)), None, None,
                                    core.limits)  # fmt: skip
            status.header.stamp = to_time(EPOCH_START + time)
            self._keep(time, "hume/status", status, qos.STATUS)
        if time >= self._episode_due:
            self._episode_due += _EPISODE_PERIOD
            self._keep_episode(time, self._world.success())

    def _keep_episode(self, time: int, success: bool) -> None:
        world = self._world
        message = EpisodeState(seed=world.seed, task=str(world.task), instruction=world.instruction, success=success)
        message.elapsed = time / NS
        message.header.stamp = to_time(EPOCH_START + time)
        self._keep(time, "sim/episode", message, qos.LATCHED)

    def _keep(self, time: int, topic: str, message: Any, quality: QoSProfile) -> None:
        package, kind, name = type(message).__module__.split(".")[0], "msg", type(message).__name__
        self._kept.append((EPOCH_START + time, resolved(topic), f"{package}/{kind}/{name}", quality, message))
