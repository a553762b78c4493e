"""The System1Status message, put together from the core, the loop and the denoiser's heartbeat."""

from __future__ import annotations

import math
from array import array

from hume_msgs.msg import Heartbeat, System1Status

from hume_core.limits import MotionLimits
from hume_core.texts import shortened
from hume_system1.control.command import CoreStatus
from hume_system1.control.command_loop import LoopStatus
from hume_system1.control.states import Mode

_MOST_SOURCES = 64
_MODES = {mode: getattr(System1Status, mode.name) for mode in Mode}


def status_message(
    core: CoreStatus, loop: LoopStatus | None, heartbeat: Heartbeat | None, limits: MotionLimits
) -> System1Status:
    """Everything but the header.

    Args:
        core: snapshot of the control core.
        loop: snapshot of the command loop. None before it started.
        heartbeat: newest heartbeat of the denoiser. None before the first.
        limits: joint names.
    """
    message = System1Status(
        mode=_MODES[core.mode],
        mode_name=core.mode.name,
        reason="" if core.text == core.mode.value else core.text,
        epoch=core.epoch,
        chunk_seq=max(0, core.chunk_seq),
        segment_seq=max(0, core.segment_seq),
        chunk_age=core.chunk_age,
        segment_age=core.segment_age,
        joint_state_age=core.joint_state_age,
        heartbeat_age=core.heartbeat_age,
        observation_to_command=core.latest_delay,
        max_velocity_ratio=core.max_velocity_ratio,
        joint_names=list(limits.names),
        limited=[part > 0.0 for part in core.limiter_activity],
        chunks_accepted=core.chunks_accepted,
        segments_accepted=core.segments_accepted,
        rejected_reasons=list(core.rejected),
        rejected_counts=array("Q", core.rejected.values()),
        standing_still=core.still,
    )
    if heartbeat is not None:
        message.source_names = list(heartbeat.source_names[:_MOST_SOURCES])
        message.source_ages = heartbeat.source_ages[:_MOST_SOURCES]
        message.denoise_duration = heartbeat.denoise_duration
        message.denoise_rate = heartbeat.denoise_rate
        message.unreachable = shortened(heartbeat.unreachable)
    if loop is not None:
        _add_loop(message, loop)
    return message


def _add_loop(message: System1Status, loop: LoopStatus) -> None:
    message.stream_rate = loop.periods.rate_hz if math.isfinite(loop.periods.rate_hz) else 0.0
    message.stream_period_error_p50 = loop.periods.p50
    message.stream_period_error_p99 = loop.periods.p99
    message.stream_period_error_p999 = loop.periods.p999
    message.stream_period_error_max = loop.periods.max
    message.stream_overruns = loop.skipped
    message.scheduler = loop.scheduling.policy
