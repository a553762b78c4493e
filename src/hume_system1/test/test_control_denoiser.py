"""A denoiser that is late holds the arm. One that hangs or has ended is a fault."""

from __future__ import annotations

from typing import Any

import pytest

from hume_system1.control.events import DenoiserEvent, HeartbeatEvent, ResetEvent
from hume_system1.control.report import described
from hume_system1.control.states import Mode, Reason

DT = 0.005


def silent(rig: Any, seconds: float) -> set[Mode]:
    """Neither heartbeats nor segments, but chunks. The modes meanwhile."""
    rig.heartbeat = False
    modes = set()
    for k in range(round(seconds / DT)):
        rig.tick(DT, *([rig.chunk()] if k % 40 == 0 else []))
        modes.add(rig.core.state.mode)
    rig.heartbeat = True
    return modes


@pytest.mark.parametrize("seconds", [0.6, 1.5, 4.0])
def test_a_late_denoiser_holds_and_goes_on_by_itself(running: Any, seconds: float) -> None:
    assert Mode.FAULT not in silent(running, seconds)
    assert (running.core.state.mode, running.core.state.reason) == (Mode.HOLD, Reason.DENOISER_LATE)
    assert running.speed() == 0.0
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


@pytest.mark.parametrize(("timeout", "seconds"), [(5.0, 5.1), (1.0, 1.1), (30.0, 30.1)])
def test_silence_beyond_the_timeout_is_a_fault(make_rig: Any, timeout: float, seconds: float) -> None:
    rig = make_rig(denoiser_timeout=timeout)
    rig.activate()
    rig.run(1.0, segments=True)
    silent(rig, seconds)
    assert (rig.core.state.mode, rig.core.state.reason) == (Mode.FAULT, Reason.DENOISER_LOST)


@pytest.mark.parametrize("ended", ["killed by SIGKILL", "ended with exit code 1", "stopped by SIGSTOP"])
def test_an_ended_process_is_a_fault_in_the_next_tick(running: Any, ended: str) -> None:
    running.tick(DT, DenoiserEvent(ended), running.chunk(), running.segment())
    assert (running.core.state.mode, running.core.state.reason) == (Mode.FAULT, Reason.DENOISER_ENDED)
    assert ended in described(running.core)
    running.assert_stops(lambda seconds: running.run(seconds, segments=True))
    running.tick(DT, ResetEvent())
    running.run(0.5, segments=True)
    assert running.core.state.mode is Mode.FAULT, "a reset needs the process"
    running.tick(DT, DenoiserEvent(""), ResetEvent(), HeartbeatEvent(received=running.steady))
    running.run(2.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()
