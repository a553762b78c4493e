"""The System 2 node: observations and an instruction in, value-selected action chunks out."""

from __future__ import annotations

import math
import time

import torch
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import ActionChunk, System1Status, Thought

from hume_core.chunk import Chunk
from hume_core.epochs import INSTRUCTION
from hume_core.errors import ConfigError, ObservationError
from hume_core.policy_contract import fitted_robot
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_core.state_statistics import check_first_state
from hume_ros import qos
from hume_ros.description import receive_description
from hume_ros.diagnostics import DiagnosticsPublisher, Health
from hume_ros.epoch import EpochKeeper
from hume_ros.lifecycle import HumeLifecycleNode, run_process
from hume_ros.observation_source import ObservationSource, probe_sensors
from hume_ros.parameters import declare_settings
from hume_ros.status_reason import reason_without_mode
from hume_ros.timers import steady_timer
from hume_system2 import messages
from hume_system2.candidate_budget import CandidateBudget
from hume_system2.goals import GoalServer
from hume_system2.health import NOT_CONFIGURED, system2_health
from hume_system2.heartbeat import System2Heartbeat
from hume_system2.model import System2
from hume_system2.settings import System2Settings
from hume_system2.tasks import Task, TaskEnding, TaskOutcome, TaskStatistics, begins_at_start
from hume_system2.thinker import Thinker, ThinkingOptions, ThoughtResult
from hume_system2.thinking_cycle import Assignment, ThinkingCycle
from hume_system2.worker import ThinkingWorker

_FEEDBACK_PERIOD = 0.1
_WARN_PERIOD = 2.0
_STATUS_TIMEOUT = 3.0  # s that the standing task waits for System 1. Then there is none, and nothing moves.
_STOPPED = (System1Status.FAULT, System1Status.ESTOP)


class System2Node(HumeLifecycleNode):
    """Thinks at a low rate on a thread of its own and publishes `hume/action_chunk`.

    Raises:
        ConfigError: a parameter is wrong.
    """

    def __init__(self) -> None:
        super().__init__("hume_system2")
        self._settings = declare_settings(self, System2Settings)
        self._status = System1Status(chunk_age=math.inf)
        self._last: tuple[Chunk, ThoughtResult] | None = None
        self._worker: ThinkingWorker | None = None
        self._goals: GoalServer | None = None
        self._closables: list[EpochKeeper | ObservationSource | System2Heartbeat | DiagnosticsPublisher] = []
        self._active = False
        self._task: Task | None = None
        self._start_by = math.inf
        """Until when it must be decided whether the standing task begins by itself, s on the steady clock."""

    def configure(self) -> None:
        """Load the model, wait for every sensor, warm up."""
        settings = self._settings
        settings.require_model()
        self._profile = RobotProfile.load(settings.robot, settings.prefix, settings.prefix_controllers)
        torch.set_num_threads(settings.threads)
        system2 = System2.from_pretrained(
            settings.checkpoint,
            device=settings.device,
            dtype=getattr(torch, settings.dtype),
            engine=settings.engine,
            contract=settings.contract,
        )
        self._profile = fitted_robot(system2.config, system2.contract, self._profile, settings.checkpoint)
        thinker = Thinker(system2, ThinkingOptions.of(settings))
        self._check_standing_task(thinker)
        composer = self._composer()
        state = probe_sensors(self, self._profile, thinker.cameras, settings.sensor_timeout, composer)
        check_first_state(state, system2.normalizer, composer, settings.state_deviations)
        rate, log = self._profile.rates.system2, self.get_logger()
        self._budget = CandidateBudget(thinker.options.candidates, rate, settings.fewer_when_late, log.warning)
        thinker.warm_up(log, self._budget.levels)
        self._connect(thinker, composer)
        self.get_logger().info(
            f"configured for robot '{self._profile.name}' with {thinker.options.candidates} candidates"
        )

    def _composer(self) -> StateComposer:
        """A description that the profile does not name comes from its topic."""
        timeout = self._settings.sensor_timeout
        return StateComposer.of(self._profile, fallback=lambda: receive_description(self, timeout))

    def _check_standing_task(self, thinker: Thinker) -> None:
        try:
            if self._settings.task:
                thinker.check_instruction(self._settings.task)
        except ObservationError as error:
            raise ConfigError(f"parameter 'task': {error}") from error

    def _connect(self, thinker: Thinker, composer: StateComposer) -> None:
        self._check_instruction = thinker.check_instruction
        self._chunks = self.create_publisher(ActionChunk, "hume/action_chunk", qos.CHUNK)
        self._thoughts = self.create_publisher(Thought, "hume/thought", qos.CHUNK)
        self._epoch = EpochKeeper(self, self._on_epoch)
        self._observer = ObservationSource(self, self._profile, thinker.cameras, composer=composer)
        # Wall-clock milliseconds, so that a restarted node goes on above the numbers it used before.
        first_seq = time.time_ns() // 1_000_000
        cycle = ThinkingCycle(self._observer, self._profile, time.monotonic(), first_seq, self._settings.checkpoint)
        self._worker = ThinkingWorker(
            thinker, self._observer, cycle, self._now, self._on_thought, self._on_problem, self._budget
        )
        self._worker.start()
        self._goals = GoalServer(self, self._refusal, self._begin_goal, self._rest, self._end)
        self._heartbeat = System2Heartbeat(self, self._observer.ages, lambda: self._active)
        self._status_subscription = self.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        self._timer = steady_timer(self, _FEEDBACK_PERIOD, self._supervise)
        self._closables = [self._epoch, self._observer, self._heartbeat, DiagnosticsPublisher(self, self._health)]

    def may_activate(self) -> bool:
        """With the parameter `activate_after_system1`, once System 1's status says that it is active."""
        return not self._settings.activate_after_system1 or self._status.mode > System1Status.INACTIVE

    def activate(self) -> None:
        """Accept goals. Begin the standing task where one is set."""
        self._active = True
        if self._settings.task and self.activates_itself:
            self._start_by = time.monotonic() + _STATUS_TIMEOUT
        elif self._settings.task:
            self._begin(Task(self._settings.task))

    def deactivate(self) -> None:
        """Rest. The current task ends."""
        if self._active:
            self._active = False
            self._start_by = math.inf
            self._end(TaskEnding(TaskOutcome.STOPPED, "System 2 was deactivated"))

    def cleanup(self) -> None:
        """Stop the thread and leave every topic."""
        if self._worker is None:
            return
        self._worker.stop()
        self._worker = None
        if self._goals is not None:
            self._goals.close()
            self._goals = None
        self.destroy_timer(self._timer)
        self.destroy_subscription(self._status_subscription)
        for publisher in (self._chunks, self._thoughts):
            self.destroy_publisher(publisher)
        for part in self._closables:
            part.close()
        self._closables = []

    def _now(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9

    def _refusal(self, goal: ExecuteTask.Goal) -> str:
        """Why a goal cannot be taken. Empty: it can."""
        if not self._active:
            return "System 2 is not active. Configure and activate it first"
        if not goal.max_duration >= 0.0:
            return f"max_duration is {goal.max_duration}. Valid: seconds, or 0 for no limit"
        if not goal.instruction and not self._settings.task:
            return "the instruction is empty, and the parameter 'task' names none. Say what to do"
        try:
            self._check_instruction(goal.instruction or self._settings.task)
        except ObservationError as error:
            return str(error)
        return ""

    def _begin_goal(self, goal: ExecuteTask.Goal) -> TaskStatistics:
        """A goal without an instruction is the standing task."""
        return self._begin(Task(goal.instruction or self._settings.task, float(goal.max_duration)))

    def _begin(self, task: Task) -> TaskStatistics:
        self._last, self._task = None, task
        self._start_by = math.inf
        epoch = self._epoch.start_new(INSTRUCTION + task.instruction)
        if self._worker is not None:
            self._worker.assign(Assignment(task.instruction, epoch))
        self.get_logger().info(f"epoch {epoch}: '{task.instruction}'")
        return task.statistics

    def _begin_standing_task(self) -> None:
        """Activated by itself: begin the standing task, unless a person may have stopped the arm."""
        status = self._status
        heard = status.mode != System1Status.UNCONFIGURED
        if self._goals is None or (not heard and time.monotonic() < self._start_by):
            return
        self._start_by = math.inf
        stopped = status.mode in _STOPPED
        if begins_at_start(status.epoch, status.chunk_age, stopped, self._goals.clients()):
            self._begin(Task(self._settings.task))
        else:
            self.get_logger().warning(
                f"System 1 was at work before. The arm stays at rest, and a goal with an empty instruction begins "
                f"'{self._settings.task}'"
            )

    def _end(self, ending: TaskEnding) -> bool:
        """End what is in hand. Returns whether anything was."""
        if self._goals is not None and self._goals.busy:
            self._goals.finish(ending)
        elif self._task is not None:
            self._rest(ending)
        else:
            return False
        return True

    def _rest(self, ending: TaskEnding) -> None:
        """Whatever ended the task, nothing is thought about until somebody asks for something."""
        self._task = None
        if self._worker is not None:
            self._worker.assign(None)
        epoch = self._epoch.start_new(ending.outcome.value)
        rests = "" if ending.outcome is TaskOutcome.PREEMPTED else ". At rest until a goal comes"
        self.get_logger().info(f"epoch {epoch}: {ending.outcome.value}, {ending.reason}{rests}")

    def _on_epoch(self, epoch: int, reason: str) -> None:
        """System 1 began a new epoch: think on in it, so that a reset finds a fresh chunk."""
        worker = self._worker
        if worker is not None and worker.assignment is not None:
            worker.assign(Assignment(worker.assignment.instruction, epoch))

    def _on_thought(self, chunk: Chunk, result: ThoughtResult) -> None:
        """Runs on the thinking thread."""
        self._chunks.publish(messages.action_chunk(chunk))
        if self._thoughts.get_subscription_count() > 0:
            self._thoughts.publish(messages.thought(result, chunk))
        self._last = (chunk, result)
        task = self._task
        if task is not None:
            task.statistics.add(result.value, self._settings.done_value)

    def _on_problem(self, problem: str) -> None:
        self.get_logger().warning(problem, throttle_duration_sec=_WARN_PERIOD)

    def _on_status(self, status: System1Status) -> None:
        self._status = status
        self._heartbeat.note_status(status)
        if self._task is not None and status.mode not in _STOPPED:
            self._task.system1_ready = True
        self._epoch.follow(int(status.epoch))

    def _supervise(self) -> None:
        goals, worker = self._goals, self._worker
        if goals is None or worker is None:
            return
        goals.check_cancel()
        if self._start_by < math.inf:
            self._begin_standing_task()
        if self._task is None:
            return
        status, stopped = self._status, self._status.mode in _STOPPED
        ending = self._task.ending(
            time.monotonic(),
            error=worker.error,
            stopped=f"{status.mode_name}: {reason_without_mode(status)}" if stopped else "",
            client_gone=goals.client_gone(),
            done_thoughts=self._settings.done_thoughts,
        )
        if ending is not None:
            self._end(ending)
        else:
            goals.publish_feedback(self._feedback(worker))

    def _feedback(self, worker: ThinkingWorker) -> ExecuteTask.Feedback:
        feedback = ExecuteTask.Feedback(
            phase="waiting_for_observation",
            observation_age=math.inf,
            system2_rate=worker.rate(),
            system1_rate=self._status.denoise_rate,
            chunk_age=self._status.chunk_age,
        )
        if self._last is not None:
            chunk, result = self._last
            feedback.phase = "waiting_for_reset" if self._status.mode in _STOPPED else "thinking"
            feedback.value, feedback.value_spread = result.value, result.spread
            feedback.observation_age = self._now() - chunk.stamp
        return feedback

    def _health(self) -> Health:
        if self._worker is None:
            return NOT_CONFIGURED
        last = None if self._last is None else self._last[1]
        return system2_health(self._worker, self._observer, self._budget, self._epoch.value, last, self._profile)


def main() -> None:
    """Entry point `system2_node`."""
    run_process(System2Node)


if __name__ == "__main__":
    main()
