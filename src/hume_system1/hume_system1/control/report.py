"""The status snapshot of the core."""

from __future__ import annotations

from hume_system1.control.command import ClockReading, CoreStatus
from hume_system1.control.core import ControlCore
from hume_system1.control.states import Mode, Reason

STATUS_PERIOD = 0.05
"""Of `hume/status`, by which the others hear of an epoch that the core began, s."""


def described(core: ControlCore) -> str:
    """Mode, reason, and what more is known of it, in a line."""
    intake, state = core.intake, core.state
    details = {Reason.CONTROLLER_AWAY: intake.away, Reason.FOREIGN_COMMANDER: intake.foreign}
    known = intake.joint_states.problem() if state.mode is Mode.UNCONFIGURED else ""
    if state.reason in (Reason.JOINT_STATES_LOST, Reason.CLOCK_FROZEN, Reason.DENOISER_ENDED):
        known = intake.detail
    elif state.reason is Reason.START_NOT_STILL and not intake.plausibility.calm:
        known = "joint states contradict each other"
    detail = core.error or details.get(state.reason, known)
    return f"{core.state} ({detail})" if detail else str(core.state)


def core_status(core: ControlCore, now: ClockReading) -> CoreStatus:
    """Snapshot of a core. See `CoreStatus`.

    Any thread may call it, one at a time: limiter activity counts from the last call.

    It reads single values that the loop thread writes, so no lock is needed.
    """
    intake, limiter = core.intake, core.limiter
    view = intake.view
    state = core.state
    measured = intake.joint_states.position
    return CoreStatus(
        mode=state.mode,
        reason=state.reason,
        text=described(core),
        epoch=intake.epoch,
        chunk_seq=intake.chunks.seq,
        chunk_epoch=intake.chunks.epoch,
        chunk_age=now.steady - view.chunk,
        segment_seq=intake.segments.seq,
        segment_age=now.steady - view.segment,
        joint_state_age=now.steady - intake.joint_states.received,
        heartbeat_age=now.steady - view.heartbeat,
        observation_age=now.steady - view.observation,
        tracking_error=tuple(
            abs(joint.p - m) if core.started and not core.stream.released else 0.0
            for joint, m in zip(limiter.joints, measured, strict=False)
        ),
        limiter_activity=limiter.activity(),
        rejected=dict(intake.rejected),
        chunks_accepted=intake.chunks_accepted,
        segments_accepted=intake.segments_accepted,
        splices=intake.timeline.splices,
        long_ticks=core.long_ticks,
        events_dropped=core.inbox.dropped,
        delay=intake.delay.value,
        latest_delay=intake.delay.latest,
        max_velocity_ratio=limiter.max_velocity_ratio,
        clock=intake.clock.described(),
        enabled=intake.enabled,
        active=intake.active,
        still=limiter.at_rest,
        released=core.stream.released,
    )
