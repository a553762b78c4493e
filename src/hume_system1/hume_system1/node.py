"""The System 1 node: the command process. It streams joint commands and never imports torch.

The spin thread only moves messages into the control core's inbox. The command loop runs on a thread of its own.
Inference runs in a child process (`denoiser_node`), so that it cannot hold this interpreter's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hume_msgs.msg import ActionChunk, Heartbeat, Segment
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from hume_core.realtime import enter_realtime, raise_ordinary_threads
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.epoch import EpochKeeper
from hume_ros.lifecycle import HumeLifecycleNode, run_process
from hume_ros.observation_source import probe_sensors
from hume_ros.parameters import declare_settings
from hume_ros.timers import steady_timer
from hume_system1 import inputs
from hume_system1.black_box import BlackBox
from hume_system1.commander_watch import DISCOVERY, REPEATED_DISCOVERY, CommanderWatch, guarded_topics
from hume_system1.control.command import ClockReading
from hume_system1.control.command_loop import CommandLoop
from hume_system1.control.core import ControlCore
from hume_system1.control.events import (
    ActivateEvent,
    CommandersEvent,
    ControllersEvent,
    DeactivateEvent,
    DenoiserEvent,
    EnableEvent,
    EpochEvent,
    HandbackEvent,
    HeartbeatEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.states import Mode, Reason
from hume_system1.controller_switcher import ControllerSwitcher
from hume_system1.controller_watch import ControllerWatch
from hume_system1.denoiser_process import DenoiserProcess, await_ready
from hume_system1.live_limits import LiveLimits
from hume_system1.reporter import System1Reporter
from hume_system1.robot_settings import control_settings, gripper_settings, robot_of
from hume_system1.settings import System1Settings
from hume_system1.sinks import Sink, make_sinks
from hume_system1.stop_inputs import StopInputs

_STANDSTILL_TIMEOUT = 1.0
_SPIN_BELOW_LOOP = 10
_MIDDLEWARE_BELOW_LOOP = 5
_DRY_RESET_PERIOD = 0.2
_DRY_RESETS = (Reason.CLOCK_BACKWARD, Reason.CLOCK_FORWARD, Reason.RESET_EXPIRED)
_BLACK_BOX_SECONDS = 180.0


class System1Node(HumeLifecycleNode):
    """Streams joint commands at the profile's rate and supervises the denoiser.

    Services: `~/estop`, `~/reset` (std_srvs/Trigger), `~/set_enabled`, `~/takeover` (std_srvs/SetBool).
    Topics: those of `stop_topics` (std_msgs/Bool; true stops and latches), `hume/status`.

    Raises:
        ConfigError: a parameter is wrong.
    """

    def __init__(self) -> None:
        super().__init__("hume_system1")
        self._settings = declare_settings(self, System1Settings)
        self._settings.denoiser.require_model()
        self._live_limits = LiveLimits(self)
        self._denoiser = DenoiserProcess(self, self._settings, lambda ended: self._append(DenoiserEvent(ended)))
        self._core: ControlCore | None = None
        self._loop: CommandLoop | None = None
        self._reporter: System1Reporter | None = None
        self._entities: list[tuple[str, object]] = []
        self._closables: list[Sink | EpochKeeper | System1Reporter | ControllerWatch | CommanderWatch | StopInputs] = []
        self._sinks: list[Sink] = []
        self._black_box: BlackBox | None = None
        self._switcher: ControllerSwitcher | None = None

    def configure(self) -> None:
        """Load the profile, check the sensors, start the denoiser and wait until it is warm."""
        settings = self._settings
        profile = robot_of(settings.denoiser)
        control = control_settings(profile, settings.control)
        limits = profile.motion_limits()
        core = ControlCore(self._live_limits.apply(limits), control, gripper_settings(profile))
        if settings.activate_controllers and not settings.dry_run:
            self._switcher = ControllerSwitcher(self, profile, control)
        # From the beginning: what is published while the models load waits here.
        stops = StopInputs(self, settings.stop_topics, profile, core.estop)
        self._closables = [stops]
        others = CommanderWatch(self, guarded_topics(self, profile))
        if not settings.dry_run:
            others.refuse_others(DISCOVERY)
        probe_sensors(self, profile, [], settings.denoiser.sensor_timeout)
        self._denoiser.start()
        await_ready(self, self._denoiser, settings.startup_timeout)
        self._core = core
        if settings.black_box:
            self._black_box = BlackBox(int(_BLACK_BOX_SECONDS * profile.rates.stream), core.limits.size)
        if not settings.dry_run:
            # The graph may have been incomplete the first time.
            others.refuse_others(REPEATED_DISCOVERY)
        self._sinks = make_sinks(self, profile, core, settings.dry_run)
        self._loop = CommandLoop(
            self._tick, profile.rates.stream, priority=settings.priority, lock_memory=settings.lock_memory,
            on_error=self._on_loop_error,
        )  # fmt: skip
        self._connect(profile, core, self._loop)
        if self._sinks:
            others.start(lambda text: self._append(CommandersEvent(text)))
            controllers = ControllerWatch(self, profile, self._unheard, self._on_controllers)
            self._closables += [others, controllers]
        else:
            self._entities.append(("timer", steady_timer(self, _DRY_RESET_PERIOD, self._go_on)))
        self._live_limits.connect(core, limits)
        stops.warn_of_the_silent()
        self.get_logger().info(f"configured for robot '{profile.name}'" + (" (dry run)" if settings.dry_run else ""))

    def activate(self) -> None:
        """Start the command loop at the measured position, after the profile's controllers where that is asked for."""
        assert self._core is not None
        assert self._loop is not None
        if self._switcher is not None:
            self._switcher.take()
        self._core.inbox.append(ActivateEvent())
        self._loop.start()
        scheduling = self._loop.status().scheduling
        if scheduling.warning:
            self.get_logger().warning(scheduling.warning)
        if scheduling.policy != "other" and self._settings.priority > _SPIN_BELOW_LOOP:
            self._raise_threads(self._settings.priority)

    def deactivate(self) -> None:
        """Bring the arm to rest, then stop streaming, then give the controllers back that were switched for it."""
        if self._loop is None or self._core is None:
            return
        stopped = self._core.state.mode in (Mode.FAULT, Mode.ESTOP)
        if self._loop.running:
            self._core.inbox.append(DeactivateEvent())
            deadline = time.monotonic() + _STANDSTILL_TIMEOUT
            while self._core.started and time.monotonic() < deadline:
                time.sleep(0.01)
            self._loop.stop()
        if self._switcher is not None:
            self._switcher.give_back(clean=not (stopped or self._core.started))

    def cleanup(self) -> None:
        """Stop the denoiser and leave every topic."""
        if self._loop is not None:
            self._loop.stop()
            self._loop = None
        if self._black_box is not None:
            self._black_box.save(Path(self._settings.black_box))
            self._black_box = None
        self._denoiser.stop()
        if self._switcher is not None:
            self._switcher.close()
            self._switcher = None
        self._live_limits.connect(None)
        for kind, entity in self._entities:
            getattr(self, f"destroy_{kind}")(entity)
        for part in (*self._sinks, *self._closables):
            part.close()
        self._entities, self._sinks, self._closables = [], [], []
        self._core, self._reporter = None, None

    def _raise_threads(self, priority: int) -> None:
        """Put the spin thread, which calls this, and all others below the loop's SCHED_FIFO priority.

        A thread that loses its core while it holds the interpreter's lock holds up the loop. So does a thread of the
        middleware that has a mutex for which the holder of that lock waits.
        """
        enter_realtime(priority - _SPIN_BELOW_LOOP, lock_memory=False, freeze_garbage=False)
        raise_ordinary_threads(priority - _MIDDLEWARE_BELOW_LOOP)

    def _connect(self, profile: RobotProfile, core: ControlCore, loop: CommandLoop) -> None:
        subscriptions = (
            (ActionChunk, "hume/action_chunk", self._on_chunk, qos.CHUNK),
            (Segment, "hume/segment", self._on_segment, qos.CHUNK),
            (Heartbeat, "hume/system1/heartbeat", self._on_heartbeat, qos.STATUS),
            (JointState, profile.joint_states, self._on_joint_state, qos.JOINT_STATES),
        )
        for msg_type, topic, callback, quality in subscriptions:
            self._entities.append(("subscription", self.create_subscription(msg_type, topic, callback, quality)))
        services: tuple[tuple[Any, str, Callable[[Any, Any], Any]], ...] = (
            (Trigger, "~/estop", self._serve_estop),
            (Trigger, "~/reset", self._serve_reset),
            (SetBool, "~/set_enabled", self._serve_enabled),
            (SetBool, "~/takeover", self._serve_takeover),
        )
        for srv_type, name, serve in services:
            self._entities.append(("service", self.create_service(srv_type, name, serve)))
        epoch = EpochKeeper(self, self._on_epoch)
        self._reporter = System1Reporter(self, core, loop, self._denoiser, epoch, self._clocks, self._settings)
        self._closables += [self._reporter, epoch]

    def _unheard(self) -> list[str]:
        """Command topics to which nobody subscribes."""
        return [topic for sink in self._sinks if (topic := sink.unheard())]

    def _tick(self, steady: float) -> None:
        """Runs on the loop thread."""
        core = self._core
        assert core is not None
        command = core.step(ClockReading(steady, self._ros_now()))
        if self._black_box is not None:
            self._black_box.record(command)
        if command.publish:
            for sink in self._sinks:
                sink.send(command)

    def _on_loop_error(self, error: BaseException) -> None:
        """Runs on the loop thread, once. The loop goes on. The core catches its own errors, so publishing failed."""
        self.get_logger().fatal(f"a command could not be sent: {type(error).__name__}: {error}")

    def _ros_now(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9

    def _clocks(self) -> ClockReading:
        return ClockReading(time.monotonic(), self._ros_now())

    def _append(self, event: object) -> None:
        if self._core is not None:
            self._core.inbox.append(event)  # type: ignore[arg-type]

    def _on_chunk(self, message: ActionChunk) -> None:
        self._append(inputs.chunk_event(message))

    def _on_segment(self, message: Segment) -> None:
        self._append(inputs.segment_event(message))

    def _on_joint_state(self, message: JointState) -> None:
        self._append(inputs.joint_state_event(message))

    def _on_heartbeat(self, message: Heartbeat) -> None:
        self._denoiser.heard(message.ready)
        if self._reporter is not None:
            self._reporter.heartbeat = message
        if message.ready:
            self._append(HeartbeatEvent())

    def _on_epoch(self, epoch: int, reason: str) -> None:
        self._append(EpochEvent(epoch))

    def _on_controllers(self, away: str) -> None:
        self._append(ControllersEvent(away))

    def _go_on(self) -> None:
        """In a dry run nothing moves: a bag that is played again and again needs no reset by a person."""
        state = self._core.state if self._core is not None else None
        if state is not None and state.mode is Mode.FAULT and state.reason in _DRY_RESETS:
            self._append(ResetEvent())

    def _serve_estop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._core is not None:
            self._core.estop()
        response.success, response.message = True, "emergency stop latched"
        return response

    def _serve_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._denoiser.revive()
        self._append(ResetEvent())
        response.success = True
        response.message = "reset asked. It completes when the arm is still, enabled, and a fresh chunk has come"
        return response

    def _serve_enabled(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._append(EnableEvent(bool(request.data)))
        response.success, response.message = True, "enabled" if request.data else "disabled. Decelerating"
        return response

    def _serve_takeover(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._append(TakeoverEvent() if request.data else HandbackEvent())
        response.success, response.message = True, "taken over" if request.data else "handed back"
        return response


def main() -> None:
    """Entry point `system1_node`."""
    run_process(System1Node)


if __name__ == "__main__":
    main()
