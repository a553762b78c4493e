"""The client side of the demo: resets the scene, sends goals, watches, measures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rclpy
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import ActionChunk, EpisodeState, Segment, System1Status, Thought
from hume_msgs.srv import ResetScene
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.subscription import MessageInfo
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from hume_bench.demo.film import Film, film_text
from hume_bench.demo.measurements import FaultWatch, Measurements
from hume_core.errors import HumeError
from hume_ros import qos
from hume_ros.conversions import stamp_seconds

_READY_TIMEOUT = 180.0
_ANSWER_TIMEOUT = 10.0
_CANCEL_TIMEOUT = 3.0
_SETTLE_SECONDS = 0.5
_FILMED_AFTERWARDS = 0.8  # s
_STOPPED_MODES = (System1Status.FAULT, System1Status.ESTOP)
_READY_MODES = (System1Status.IDLE, System1Status.RUNNING, System1Status.HOLD)


@dataclass(frozen=True)
class DemoEpisode:
    """How one episode went.

    Attributes:
        fault: mode and reason of the first FAULT or ESTOP on the way. Empty: none.
    """

    seed: int
    instruction: str
    success: bool
    outcome: str
    duration: float
    system2_hz: float
    system1_hz: float
    mean_value: float
    fault: str = ""


class DemoClient:
    """Talks to a running stack.

    Args:
        ended: exit codes of nodes that are gone, so that waiting does not go on for ever.
        film: takes frames of the camera `video`. None: nobody films.
    """

    def __init__(self, ended: Callable[[], dict[str, int]], film: Film | None = None) -> None:
        self._ended = ended
        self._film = film
        self.measurements = Measurements()
        self._measuring = False
        self._episode: EpisodeState | None = None
        self._failure = ""
        self._chunk: ActionChunk | None = None
        self._node = Node("hume_demo")
        # The executor on events would cost less, but crashes on callbacks that want to know when a message was sent.
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._watch = FaultWatch(stopped=False)
        self._goals: Any = ActionClient(self._node, ExecuteTask, "hume/execute_task")
        self._resets: Any = self._node.create_client(ResetScene, "sim/reset")
        self._begins: Any = self._node.create_client(Trigger, "sim/begin_task")
        self._fault_resets: Any = self._node.create_client(Trigger, "hume_system1/reset")
        self._takeovers: Any = self._node.create_client(SetBool, "hume_system1/takeover")
        self._subscribe()

    def close(self) -> None:
        """Leave the graph and finish the video."""
        if self._film is not None:
            self._film.close()
        self._executor.shutdown(timeout_sec=0.5)
        self._goals.destroy()
        self._node.destroy_node()

    def wait_until_ready(self) -> None:
        """Until System 1 streams and System 2 takes goals.

        Raises:
            HumeError: a node ended, or it takes too long.
        """
        self._spin_until(self._is_ready, _READY_TIMEOUT, "the systems did not become active")

    def run_episode(self, seed: int, limit: float, tell: Callable[[str], None], task: str = "") -> DemoEpisode:
        """Reset the scene, carry out its instruction until success or `limit` seconds, and stop the arm.

        Args:
            seed: of the scene.
            limit: s.
            tell: called with what is going on.
            task: short form. Empty: the scene's seed chooses.
        """
        instruction = self._reset(seed, task)
        tell(f"seed {seed}: {instruction}")
        before = (self.measurements.chunks, self.measurements.segments)
        self._watch = FaultWatch(self._mode() in _STOPPED_MODES)
        handle = self._send_goal(instruction, limit)
        result = handle.get_result_async()
        started = time.monotonic()
        self._begin_measuring()
        # Only now: what disturbs the arm must not come before the task, which has begun with the goal.
        self._ask(self._begins.call_async(Trigger.Request()), "sim/begin_task is not answered")
        while not self._over(seed) and not result.done() and time.monotonic() - started < limit:
            self._spin_once()
        self._measuring = False
        duration = time.monotonic() - started
        self.measurements.seconds += duration
        success, failure = self._succeeded(seed), self._failure
        self._stop(handle, result)
        self._end_of_film()
        chunks, segments = self.measurements.chunks - before[0], self.measurements.segments - before[1]
        finished = result.result().result
        fault = self._watch.fault or (finished.reason if finished.code == ExecuteTask.Result.STOPPED else "")
        outcome = outcome_text(success, fault, failure or ("time is over" if duration >= limit else finished.reason))
        rates = (chunks / duration, segments / duration)
        return DemoEpisode(seed, instruction, success, outcome, duration, *rates, float(finished.mean_value), fault)

    def _end_of_film(self) -> None:
        if self._film is not None:
            self._spin_for(_FILMED_AFTERWARDS)
            self._film.running = False

    def _begin_measuring(self) -> None:
        self.measurements.system2.begin()
        self.measurements.system1.begin()
        self._measuring = True
        if self._film is not None:
            self._film.running = True

    def _subscribe(self) -> None:
        topics: list[tuple[Any, str, Callable[..., None], Any]] = [
            (EpisodeState, "sim/episode", self._on_episode, qos.STATUS),
            (String, "sim/failure", self._on_failure, qos.STATUS),
            (System1Status, "hume/status", self._on_status, qos.STATUS),
            (ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK),
            (Segment, "hume/segment", self._on_segment, qos.STATUS),
        ]
        if self._film is not None:
            topics.append((Image, "camera/video/image_raw", self._on_frame, qos.SENSOR))
            if self._film.overlay is not None:
                topics.append((Thought, "hume/thought", self._film.overlay.take_thought, qos.STATUS))
        for msg_type, topic, callback, quality in topics:
            self._node.create_subscription(msg_type, topic, callback, quality)

    def _is_ready(self) -> bool:
        status = self.measurements.status
        return (
            status is not None
            and status.mode in _READY_MODES
            and self._goals.server_is_ready()
            and self._resets.service_is_ready()
            and self._begins.service_is_ready()
            and self._system2_active()
        )

    def _system2_active(self) -> bool:
        """System 2 offers its action from `configure` on. It subscribes the status once it is set up."""
        return self._node.count_subscribers("hume/status") > 1

    def _reset(self, seed: int, task: str) -> str:
        """New scene. The simulator puts the arm home, so System 1 has to release it first."""
        self._take_over(True)
        if self._film is not None:
            self._film.begin_scene()
        self._spin_until(self._stands_still, _CANCEL_TIMEOUT, "the arm did not stop")
        request = ResetScene.Request(seed=seed, task=task)
        answer = self._ask(self._resets.call_async(request), "sim/reset does not answer")
        if not answer.success:
            raise HumeError(f"the simulator refused to reset: {answer.message}")
        self._spin_for(_SETTLE_SECONDS)
        self._take_over(False)
        if self._mode() in _STOPPED_MODES:
            # It completes with the first chunk of the coming goal.
            self._ask(self._fault_resets.call_async(Trigger.Request()), "hume_system1/reset is not answered")
        return str(answer.instruction)

    def _mode(self) -> int:
        status = self.measurements.status
        return System1Status.UNCONFIGURED if status is None else int(status.mode)

    def _take_over(self, taken: bool) -> None:
        self._ask(self._takeovers.call_async(SetBool.Request(data=taken)), "takeover is not answered")
        self._spin_for(_SETTLE_SECONDS)

    def _spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._spin_once()

    def _send_goal(self, instruction: str, limit: float) -> Any:
        for _ in range(20):
            goal = ExecuteTask.Goal(instruction=instruction, max_duration=limit + _ANSWER_TIMEOUT)
            handle = self._ask(self._goals.send_goal_async(goal), "hume/execute_task does not answer")
            if handle.accepted:
                return handle
            self._spin_for(0.25)
        raise HumeError("System 2 refuses goals. See its message above")

    def _stop(self, handle: Any, result: Any) -> None:
        if not result.done():
            self._ask(handle.cancel_goal_async(), "cancelling is not answered")
        self._spin_until(result.done, _CANCEL_TIMEOUT, "the goal did not end")
        self._spin_until(self._stands_still, _CANCEL_TIMEOUT, "the arm did not stop")

    def _stands_still(self) -> bool:
        return self.measurements.status is not None and bool(self.measurements.status.standing_still)

    def _over(self, seed: int) -> bool:
        """Success, or a rule of the scene was broken."""
        return self._succeeded(seed) or bool(self._failure)

    def _succeeded(self, seed: int) -> bool:
        return self._episode is not None and self._episode.seed == seed and bool(self._episode.success)

    def _ask(self, future: Any, problem: str) -> Any:
        self._spin_until(future.done, _ANSWER_TIMEOUT, problem)
        return future.result()

    def _spin_until(self, condition: Callable[[], bool], timeout: float, problem: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            self._spin_once()
            if time.monotonic() > deadline:
                raise HumeError(f"{problem} within {timeout:.0f} s. See the messages above")

    def _spin_once(self) -> None:
        self._executor.spin_once(timeout_sec=0.05)
        ended = self._ended()
        if ended:
            name, code = next(iter(ended.items()))
            raise HumeError(f"{name} ended with exit code {code}. See its message above")
        if not rclpy.ok():
            raise KeyboardInterrupt

    def _on_episode(self, message: EpisodeState) -> None:
        self._episode = message

    def _on_failure(self, message: String) -> None:
        self._failure = str(message.data)

    def _on_status(self, message: System1Status) -> None:
        self.measurements.see(message, self._measuring)
        self._watch.see(message.mode in _STOPPED_MODES, f"{message.mode_name}: {message.reason}")

    def _on_chunk(self, message: ActionChunk, info: MessageInfo) -> None:
        self._chunk = message
        if self._film is not None and self._film.overlay is not None:
            self._film.overlay.take_chunk(message)
        self.measurements.chunks += self._measuring
        if self._measuring:
            self.measurements.system2.add(
                *_travel(info), stamp_seconds(message.think_duration), stamp_seconds(message.header.stamp)
            )

    def _on_segment(self, message: Segment, info: MessageInfo) -> None:
        self.measurements.segments += self._measuring
        if self._measuring:
            self.measurements.system1.add(
                *_travel(info), float(message.denoise_duration), stamp_seconds(message.observation_stamp)
            )

    def _on_frame(self, message: Image) -> None:
        if self._film is not None:
            text = film_text(self._episode, self._failure, self.measurements.status, self._chunk)
            self._film.add(message, text)


def outcome_text(success: bool, fault: str, reason: str) -> str:
    """How an episode ended, in words.

    Args:
        success: of its task.
        fault: mode and reason of a fault on the way. Empty: none.
        reason: why it ended without success or fault.
    """
    if success:
        return f"success after {fault}" if fault else "success"
    return fault or reason


def _travel(info: MessageInfo) -> tuple[float, float]:
    """When a message arrived and when it was sent, s on the system clock."""
    return 1e-9 * info["received_timestamp"], 1e-9 * info["source_timestamp"]
