"""The control core: one call of `step` per tick turns events and clocks into a bounded command."""

from __future__ import annotations

import math

from hume_core.limits import MotionLimits
from hume_system1.control.command import ClockReading, Command, CoreStatus
from hume_system1.control.events import ActivateEvent, DeactivateEvent, JointStateEvent
from hume_system1.control.inbox import Inbox
from hume_system1.control.settings import ControlSettings, GripperSettings
from hume_system1.control.states import Mode


class ControlCore:
    """Everything between what arrives and what is sent, for one arm.

    Threads: `inbox.append` and `status` from any thread; `step` from the loop thread only.

    Args:
        limits: joints in command order and their limits.
        settings: rates, ages, thresholds.
        gripper: mapping of the gripper, None without one.
    """

    def __init__(
        self,
        limits: MotionLimits,
        settings: ControlSettings | None = None,
        gripper: GripperSettings | None = None,
    ) -> None:
        self.limits = limits
        self.settings = settings or ControlSettings()
        self.inbox = Inbox()
        self._gripper = gripper
        self._command = Command(limits.size)
        self._measured: list[float] | None = None
        self._joint_state_received = -math.inf

    def estop(self) -> None:
        """Latch an emergency stop at the next tick; any thread, never blocks."""
        self.inbox.estop = True

    def step(self, now: ClockReading) -> Command:
        """Run one tick.

        Args:
            now: both clocks, read once for this tick.

        Returns:
            The command, in an object that is reused by the next call.
        """
        command = self._command
        for _ in range(self.settings.max_events_per_tick):
            event = self.inbox.take()
            if event is None:
                break
            if isinstance(event, JointStateEvent):
                self._measured = [event.position[event.names.index(name)] for name in self.limits.names]
                self._joint_state_received = event.received
                if command.mode is Mode.UNCONFIGURED:
                    command.mode = Mode.INACTIVE
            elif isinstance(event, ActivateEvent) and self._measured is not None:
                command.mode = Mode.IDLE
                command.position[:] = self._measured
                command.publish = True
            elif isinstance(event, DeactivateEvent):
                command.mode = Mode.INACTIVE
                command.publish = False
        command.time = now.steady
        return command

    def status(self, now: ClockReading) -> CoreStatus:
        """A snapshot; any thread."""
        n = self.limits.size
        return CoreStatus(
            mode=self._command.mode,
            reason=self._command.reason,
            text=self._command.mode.value,
            epoch=0,
            chunk_seq=-1,
            chunk_epoch=-1,
            chunk_age=math.inf,
            segment_seq=-1,
            segment_age=math.inf,
            joint_state_age=now.steady - self._joint_state_received,
            heartbeat_age=math.inf,
            observation_age=math.inf,
            tracking_error=(0.0,) * n,
            limiter_activity=(0.0,) * n,
            rejected={},
            chunks_accepted=0,
            segments_accepted=0,
            splices=0,
            long_ticks=0,
            events_dropped=self.inbox.dropped,
            delay=math.nan,
            max_velocity_ratio=0.0,
            enabled=True,
            active=self._command.publish,
            still=True,
            released=False,
        )
