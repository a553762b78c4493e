"""Modes of the command loop and the reasons for them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Mode(enum.Enum):
    """What the command loop is doing."""

    UNCONFIGURED = "unconfigured"  # no measured joint state yet
    INACTIVE = "inactive"  # not activated: nothing is published (once the arm has been brought to rest)
    IDLE = "idle"  # active and holding. Nothing has been asked of it in this epoch
    RUNNING = "running"  # following segments
    HOLD = "hold"  # decelerating or at rest. Resumes by itself when the reason is gone
    FAULT = "fault"  # decelerating or at rest. Leaves only by reset
    ESTOP = "estop"  # decelerating or at rest. Latched, leaves only by reset


class Reason(enum.Enum):
    """Why the mode is HOLD or FAULT (or waits elsewhere)."""

    NONE = "none"
    # HOLD: resumes by itself
    NO_SEGMENT = "no segment for the present time"
    SEGMENT_STALE = "segments have stopped coming"
    DENOISER_LATE = "the denoiser is late"
    CHUNK_STALE = "chunks have stopped coming"
    OBSERVATION_STALE = "segments rest on old observations"
    NEW_EPOCH = "new epoch: coming to rest"
    DISABLED = "disabled"
    TAKEOVER = "taken over"
    PUSHED = "pushed away: following the arm"
    NEW_LIMITS = "coming to rest to apply tighter limits"
    CONTROLLER_AWAY = "a controller of the robot does not listen"
    # FAULT: needs a reset
    DENOISER_ENDED = "the denoiser process has ended or stands still"
    DENOISER_LOST = "denoiser heartbeat lost"
    JOINT_STATES_LOST = "joint states lost"
    TRACKING_ERROR = "command and measured position differ too much"
    PUSH_LASTS = "pushed away for too long"
    OFFSET_STAYS = "the measured position stays off the command, which moved towards it"
    JOINT_STATES_JUMP = "joint states jump further than an arm can move"
    JOINT_STATES_CONTRADICT = "positions and velocities of the joint states contradict each other"
    CLOCK_FROZEN = "ROS clock does not advance"
    CLOCK_BACKWARD = "ROS clock went back"
    CLOCK_FORWARD = "ROS clock jumped forward"
    LIMITS = "measured position outside the joint limits"
    FOREIGN_COMMANDER = "another node publishes on a topic of this robot"
    INTERNAL = "internal error in the command loop"
    # ESTOP
    EMERGENCY_STOP = "emergency stop"
    # waiting for a reset to complete
    RESET_NOT_STILL = "reset asked: waiting for standstill"
    RESET_DISABLED = "reset asked: waiting to be enabled"
    RESET_NO_CHUNK = "reset asked: waiting for a fresh chunk"
    RESET_EXPIRED = "reset not completed in time: ask again"
    # INACTIVE
    START_NOT_STILL = "activated: waiting for the arm to be still"


@dataclass(frozen=True)
class State:
    """Mode with its reason."""

    mode: Mode
    reason: Reason = Reason.NONE

    def __str__(self) -> str:
        """'hold: segments have stopped coming', or the bare mode."""
        return self.mode.value if self.reason is Reason.NONE else f"{self.mode.value}: {self.reason.value}"
