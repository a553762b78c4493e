"""The denoiser process of System 1: chunks and observations in, joint segments out.

It is started, watched and stopped by `system1_node`. The two share nothing but topics.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
from array import array
from collections import deque

import torch
from hume_msgs.msg import ActionChunk, Heartbeat, System1Status
from hume_msgs.msg import Segment as SegmentMessage
from rclpy.node import Node

from hume_core.errors import ChunkError, HumeError, ObservationError
from hume_core.kinematics import ArmsKinematics
from hume_core.policy import PretrainedPolicy
from hume_core.policy_contract import fitted_robot
from hume_core.realtime import last_cores, raise_ordinary_threads
from hume_core.robot_kinematics import load_needed_kinematics
from hume_core.state_composer import StateComposer
from hume_ros import qos
from hume_ros.description import receive_description
from hume_ros.epoch import EpochKeeper
from hume_ros.lifecycle import run_process
from hume_ros.observation_source import ObservationSource, probe_sensors
from hume_ros.parameters import declare_settings
from hume_ros.timers import steady_timer
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.ros_clock import RosClock
from hume_system1.denoiser_settings import DenoiserSettings
from hume_system1.denoising_cycle import HEARTBEAT_PERIOD, DenoisingCycle
from hume_system1.inputs import chunk_of
from hume_system1.messages import segment_message
from hume_system1.model import ActionUnits, System1
from hume_system1.refiners import PassThroughRefiner, System1Refiner
from hume_system1.robot_settings import robot_of
from hume_system1.segment_planner import SegmentPlanner

_WARN_PERIOD = 2.0
_END_TIMEOUT = 1.0  # s. A model that is still being loaded is given up with the process


class DenoiserNode(Node):
    """Loads System 1's tensors, then denoises on a thread of its own at a bounded rate.

    A failure to load is reported in the heartbeat, which `system1_node` turns into its own error.
    """

    def __init__(self) -> None:
        super().__init__("hume_system1_denoiser")
        self._settings = declare_settings(self, DenoiserSettings)
        self._control = declare_settings(self, ControlSettings)
        self._settings.require_model()
        self._heartbeats = self.create_publisher(Heartbeat, "hume/system1/heartbeat", qos.STATUS)
        self._segments = self.create_publisher(SegmentMessage, "hume/segment", qos.CHUNK)
        self._finished: deque[tuple[float, float]] = deque(maxlen=512)
        self._count = 0
        self._next_beat = 0.0
        self._detail = "loading"
        self._ready = False
        self._unreachable = ""
        # A coarse /clock has gone on since its last step. The command loop reports faults of the clock.
        self._smooth_clock, self._clock_lock = RosClock(math.inf, math.inf), threading.Lock()
        self._stopping = threading.Event()
        self._observer: ObservationSource | None = None
        self._loading_beat = steady_timer(self, HEARTBEAT_PERIOD, self._beat_while_not_ready)
        self._thread = threading.Thread(target=self._run, name="denoising", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the denoising thread."""
        self._stopping.set()
        if self._observer is not None:
            self._observer.wake()
        self._thread.join(_END_TIMEOUT)

    def destroy_node(self) -> None:
        """Stop the thread, then the node."""
        self.stop()
        super().destroy_node()

    def _run(self) -> None:
        try:
            self._load()
        except HumeError as error:
            self._detail = f"{type(error).__name__}: {error}"
            return
        while not self._stopping.is_set():
            started = time.monotonic()
            self._beat()
            worked = self._denoise_once()
            finished = time.monotonic()
            self._stopping.wait(self._cycle.next_start(started, finished, worked) - finished)

    def _load(self) -> None:
        settings = self._settings
        profile = robot_of(settings)
        torch.set_num_threads(settings.threads)
        refiner, policy = self._load_policy()
        self._profile = fitted_robot(policy.config, policy.contract, profile, settings.checkpoint)
        kinematics = self._load_kinematics()
        # Two threads use kinematics of their own.
        composer = StateComposer.of(self._profile, settings.robot_description, self._description)
        switch = ChunkSwitch(settings.chunk_switch)
        denoiser = SegmentPlanner(refiner, self._profile, switch, kinematics, self._control)
        cameras = list(policy.config.camera_keys)
        self._detail = "waiting for sensors"
        probe_sensors(self, self._profile, cameras, settings.sensor_timeout, composer)
        self._detail = "warming up"
        if isinstance(policy, System1):
            policy.warm_up(log=self.get_logger())
        history = int(policy.config.s1_his_state_size)
        self._observer = ObservationSource(self, self._profile, cameras, history, composer)
        # Wall-clock milliseconds, so that a restarted process goes on above the numbers it used before.
        first_seq = time.time_ns() // 1_000_000
        self._cycle = DenoisingCycle(denoiser, self._observer, self._profile, first_seq, self.get_logger().warning)
        self._epoch = EpochKeeper(self, self._on_epoch)
        self._chunks = self.create_subscription(ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK)
        self._status = self.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        self._take_priority()
        self._detail, self._ready = "", True

    def _take_priority(self) -> None:
        """Go above System 2 and other programs: a late segment holds the arm, a late thought does not."""
        priority = self._settings.denoiser_priority
        if priority == 0 or len(last_cores(2)) < 2:
            return
        refused = raise_ordinary_threads(priority, round_robin=True)
        if refused:
            self.get_logger().info(f"the denoiser runs with ordinary scheduling: SCHED_RR is refused ({refused})")

    def _load_policy(self) -> tuple[System1Refiner | PassThroughRefiner, PretrainedPolicy]:
        """What makes segments of chunks. Without refining no network is loaded."""
        settings = self._settings
        if not settings.refine:
            units = ActionUnits.from_pretrained(settings.checkpoint, device=settings.device, contract=settings.contract)
            return PassThroughRefiner(units), units
        system1 = System1.from_pretrained(
            settings.checkpoint,
            device=settings.device,
            dtype=getattr(torch, settings.dtype),
            engine=settings.engine,
            contract=settings.contract,
        )
        return System1Refiner(system1), system1

    def _load_kinematics(self) -> ArmsKinematics:
        """Of the arms whose rows are about their tools."""
        self._detail = "waiting for the robot description"
        return load_needed_kinematics(self._profile, self._settings.robot_description, self._description)

    def _description(self) -> str:
        return receive_description(self, self._settings.sensor_timeout)

    def _denoise_once(self) -> bool:
        """Refine the part of the chunk that starts now. False if there was nothing to do."""
        try:
            request = self._cycle.begin(self._now())
            if request is None:
                return False
            started = time.monotonic()
            actions = self._cycle.refine(request)
        except ObservationError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=_WARN_PERIOD)
            return False
        segment = self._cycle.finish(request, actions, time.monotonic() - started)
        self._segments.publish(segment_message(segment))
        self._finished.append((time.monotonic(), segment.denoise_duration))
        self._note_reach(segment.unreachable)
        return True

    def _note_reach(self, unreachable: str) -> None:
        self._unreachable = unreachable
        if unreachable:
            self.get_logger().warning(unreachable, throttle_duration_sec=_WARN_PERIOD)

    def _on_chunk(self, message: ActionChunk) -> None:
        try:
            self._cycle.offer(chunk_of(message), self._now())
        except ChunkError as error:
            self.get_logger().warning(f"dropped: {error}", throttle_duration_sec=_WARN_PERIOD)
        else:
            self._epoch.hear(int(message.epoch))

    def _on_status(self, message: System1Status) -> None:
        self._epoch.follow(int(message.epoch))

    def _on_epoch(self, epoch: int, reason: str) -> None:
        self._unreachable = ""
        self._cycle.begin_epoch(epoch)

    def _now(self) -> float:
        with self._clock_lock:
            ros = float(self.get_clock().now().nanoseconds) * 1e-9
            self._smooth_clock.update(time.monotonic(), ros)
            return self._smooth_clock.now(ros)

    def _beat_while_not_ready(self) -> None:
        """From the spin thread. Once ready the heartbeat comes from the thread that it is about."""
        if not self._ready:
            self._beat()
        else:
            self._loading_beat.cancel()

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._next_beat:
            return
        self._next_beat = now + HEARTBEAT_PERIOD
        self._count += 1
        message = Heartbeat(count=self._count, ready=self._ready, detail=self._detail, unreachable=self._unreachable)
        message.header.stamp = self.get_clock().now().to_msg()
        if self._observer is not None:
            ages = self._observer.ages()
            message.source_names = list(ages)
            message.source_ages = array("f", list(ages.values()))
        recent = [duration for at, duration in list(self._finished) if now - at < 1.0]
        message.denoise_rate = float(len(recent))
        message.denoise_duration = statistics.median(recent) if recent else 0.0
        self._heartbeats.publish(message)


def main() -> None:
    """Entry point `denoiser_node`."""
    run_process(DenoiserNode)


if __name__ == "__main__":
    main()
