"""The state machine of the command loop: a pure function of the state and what is known at a tick."""

from __future__ import annotations

from dataclasses import dataclass

from hume_system1.control.states import Mode, Reason, State

ESTOP = State(Mode.ESTOP, Reason.EMERGENCY_STOP)
UNCONFIGURED = State(Mode.UNCONFIGURED)
INACTIVE = State(Mode.INACTIVE)
IDLE = State(Mode.IDLE)
RUNNING = State(Mode.RUNNING)
# Asked for in every tick, and a name costs a tenth of what a member of an enumeration does.
_RUNNING, _HOLD, _FAULT, _ESTOP, _NONE = Mode.RUNNING, Mode.HOLD, Mode.FAULT, Mode.ESTOP, Reason.NONE
_HOLDS = {reason: State(Mode.HOLD, reason) for reason in Reason}
_FAULTS = {reason: State(Mode.FAULT, reason) for reason in Reason}
_ESTOPS = {reason: State(Mode.ESTOP, reason) for reason in Reason}
_IDLE_PUSHED = State(Mode.IDLE, Reason.PUSHED)
_STARTING = State(Mode.INACTIVE, Reason.START_NOT_STILL)
_WAITING = (Reason.RESET_NOT_STILL, Reason.RESET_DISABLED, Reason.RESET_NO_CHUNK)
# These begin again from standstill: no blending with the motion before.
_FROM_STANDSTILL = (Reason.NEW_EPOCH, Reason.DISABLED, Reason.TAKEOVER, Reason.CONTROLLER_AWAY)


@dataclass
class Inputs:
    """What is known at a tick.

    Attributes:
        configured: a valid joint state has been seen.
        starting: activated, but the stream has not begun: the arm is not still yet.
        active: activated, and the stream has begun from a measured position.
        enabled: following segments is allowed.
        taken: another controller has the arm.
        away: a controller of the robot does not listen.
        estop: an emergency stop was asked for in this tick.
        resetting: a reset was asked for and has not expired.
        epoch_changed: a new epoch began in this tick.
        fault: what demands a reset, or NONE.
        hold: what motion has to wait for, or NONE when it can go on.
        at_rest: the command is at rest.
        still: at rest, and the arm is measured still near the command.
        fresh_chunk: a chunk was admitted since the reset was asked for.
    """

    configured: bool = False
    starting: bool = False
    active: bool = False
    enabled: bool = True
    taken: bool = False
    away: bool = False
    estop: bool = False
    resetting: bool = False
    epoch_changed: bool = False
    fault: Reason = Reason.NONE
    hold: Reason = Reason.NO_SEGMENT
    at_rest: bool = True
    still: bool = False
    fresh_chunk: bool = False


def step(state: State, inputs: Inputs) -> State:
    """The state after a tick. No side effects.

    FAULT and ESTOP leave only by a reset: asked for, fault gone, robot still and enabled, fresh chunk. HOLD leaves by
    itself when its reason is gone.
    """
    if inputs.estop:
        return ESTOP
    if state.mode is _ESTOP or state.mode is _FAULT:
        return _latched(state, inputs)
    if not inputs.configured:
        return UNCONFIGURED
    if not inputs.active and not inputs.starting:
        return INACTIVE
    if inputs.fault is not _NONE:
        return _FAULTS[inputs.fault]
    waits = inputs.starting and not (inputs.taken or inputs.away)
    return _STARTING if waits else _free(state, inputs)


def _latched(state: State, inputs: Inputs) -> State:
    waiting = _FAULTS if state.mode is _FAULT else _ESTOPS
    if not inputs.resetting:
        return waiting[Reason.RESET_EXPIRED] if state.reason in _WAITING else state
    if inputs.fault is not _NONE:
        return waiting[inputs.fault]
    if not inputs.still:
        return waiting[Reason.RESET_NOT_STILL]
    if not inputs.enabled:
        return waiting[Reason.RESET_DISABLED]
    if not inputs.fresh_chunk:
        return waiting[Reason.RESET_NO_CHUNK]
    if not inputs.configured:
        return UNCONFIGURED
    return IDLE if inputs.active else INACTIVE


def _free(state: State, inputs: Inputs) -> State:
    """From any mode that is not latched, active and without a fault."""
    if inputs.taken:
        return _HOLDS[Reason.TAKEOVER]
    if inputs.away:
        return _HOLDS[Reason.CONTROLLER_AWAY]
    if not inputs.enabled:
        return _HOLDS[Reason.DISABLED]
    moving = state.mode is _RUNNING or state.mode is _HOLD
    if moving and inputs.epoch_changed:
        return _HOLDS[Reason.NEW_EPOCH]
    if state.mode is _HOLD and state.reason in _FROM_STANDSTILL:
        return IDLE if inputs.at_rest else state
    if inputs.hold is _NONE:
        return RUNNING
    if moving:
        return _HOLDS[inputs.hold]
    return _IDLE_PUSHED if inputs.hold is Reason.PUSHED else IDLE
