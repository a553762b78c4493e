"""The faults that System 1 must survive: how each is caused, what System 1 must say, how soon it must slow down."""

from __future__ import annotations

import itertools
import os
import signal
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hume_msgs.msg import ActionChunk, System1Status
from numpy.typing import NDArray
from std_srvs.srv import SetBool, Trigger

from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.limits import MotionLimits
from hume_system1.black_box import CommandLog
from hume_system1.control.states import Mode
from hume_system1.control.stream_check import StreamRatios, stream_ratios

_FLOOD_SECONDS = 2.0
_SETTLE_SECONDS = 0.3
_LONGEST_TICK = 1.5
"""A longer one, in periods, is a gap: the core does not make up for what it missed."""
_SHORTEST_PART = 3
"""Commands. Jerk needs four."""


@dataclass(frozen=True)
class Fault:
    """One way in which things go wrong.

    Attributes:
        cause: makes it happen.
        mode: where System 1 must end up.
        reasons: words of which the reason must contain one.
        bound: time after which a watchdog has to notice, s.
        undo: takes the fault away again. None where that cannot be.
        options: how the stack is started.
    """

    cause: Callable[[Trial], None]
    mode: int
    reasons: tuple[str, ...]
    bound: float
    undo: Callable[[Trial], None] | None = None
    options: LaunchOptions = field(default_factory=lambda: LaunchOptions(seed=0, candidates=3))
    parameters: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultOutcome:
    """What the black box says.

    Attributes:
        detection: from the fault to the first command that brakes, s.
        slowing: the part of it after the watchdog's bound, s. Negative: it was noticed earlier.
        standstill: from the first command that brakes to standstill, s.
        allowed_standstill: `stopping_time` of the slowest joint, from its speed and acceleration before braking, s.
        ratios: over the whole run.
        reason: what the status said.
    """

    detection: float
    slowing: float
    standstill: float
    allowed_standstill: float
    ratios: StreamRatios
    reason: str


def _signal(name: str, number: signal.Signals) -> Callable[[Trial], None]:
    return lambda trial: os.kill(trial.pid(name), number)


def _switch(name: str, on: bool) -> Callable[[Trial], None]:
    def call(trial: Trial) -> None:
        trial.call(SetBool, f"sim/faults/{name}", SetBool.Request(data=on))

    return call


def _estop(trial: Trial) -> None:
    trial.call(Trigger, "hume_system1/estop", Trigger.Request())


def flood(trial: Trial) -> None:
    """Two thousand chunks of nonsense: old, new, of other epochs, of wrong sizes, with NaN and huge numbers."""
    publisher = trial.node.create_publisher(ActionChunk, "hume/action_chunk", 10)
    random = np.random.default_rng(0)
    end = time.monotonic() + _FLOOD_SECONDS
    while time.monotonic() < end:
        chunk = ActionChunk(epoch=int(random.integers(0, 4)), seq=int(random.integers(0, 100)), dt=0.05)
        chunk.horizon, chunk.dim = 16, 32
        values = random.choice([0.0, 1e30, np.nan, np.inf, -5.0], 512 if random.random() < 0.7 else 100)
        chunk.data = array("f", values.astype(np.float32).tobytes())
        chunk.header.stamp = trial.node.get_clock().now().to_msg()
        publisher.publish(chunk)
        trial.spin(0.001)
    trial.node.destroy_publisher(publisher)


HOLD, FAULT, ESTOP = System1Status.HOLD, System1Status.FAULT, System1Status.ESTOP
_STARVED = ("segment", "chunk", "observation")
_SIM_TIME = LaunchOptions(seed=0, candidates=3, use_sim_time=True)

# The rows of a chunk end 0.8 s after its observation. System 1 must hold by then, whatever the watchdogs say.
FAULTS: dict[str, Fault] = {
    "system2_killed": Fault(_signal("hume_system2", signal.SIGKILL), HOLD, _STARVED, 1.0),
    "system2_stopped": Fault(
        _signal("hume_system2", signal.SIGSTOP), HOLD, _STARVED, 1.0, _signal("hume_system2", signal.SIGCONT)
    ),
    "denoiser_killed": Fault(_signal("denoiser", signal.SIGKILL), FAULT, ("denoiser",), 0.1),
    "denoiser_stopped": Fault(
        _signal("denoiser", signal.SIGSTOP), FAULT, ("denoiser",), 0.1, _signal("denoiser", signal.SIGCONT)
    ),
    "simulator_killed": Fault(_signal("hume_sim", signal.SIGKILL), FAULT, ("joint states",), 0.25),
    "simulator_stopped": Fault(
        _signal("hume_sim", signal.SIGSTOP), FAULT, ("joint states",), 0.25, _signal("hume_sim", signal.SIGCONT)
    ),
    "cameras_stop": Fault(
        _switch("pause_cameras", True), HOLD, _STARVED, 1.0, _switch("pause_cameras", False)
    ),
    "joint_states_stop": Fault(
        _switch("pause_joint_states", True), FAULT, ("joint states",), 0.25, _switch("pause_joint_states", False)
    ),
    "joint_states_lie": Fault(
        # Where states come late, an arm can have gone as far between two of them. Their velocities tell then.
        _switch("lie_joint_states", True), FAULT, ("differ too much", "contradict"), 0.1,
        _switch("lie_joint_states", False),
        parameters={"hume_sim": {"lie_offset": 0.6}},
    ),
    "clock_freezes": Fault(
        _switch("freeze_clock", True), FAULT, ("clock",), 0.25, _switch("freeze_clock", False), options=_SIM_TIME
    ),
    "estop": Fault(_estop, ESTOP, ("emergency stop",), 0.0),
}  # fmt: skip


def run_fault(fault: Fault, limits: MotionLimits, after: Callable[[Trial], None] | None = None) -> FaultOutcome:
    """Start the stack, let it move, cause the fault, wait for standstill, and read the black box.

    Args:
        fault: what to do.
        limits: of the robot, for the ratios.
        after: more to do once System 1 stands still, before the end.

    Raises:
        HumeError: System 1 did not end up where it must.
    """
    with Trial(fault.options, fault.parameters) as trial:
        trial.start_task()
        trial.spin(1.0)
        trial.wait(trial.moves, 30.0, "motion")
        caused = time.monotonic()
        fault.cause(trial)
        trial.wait(lambda: trial.is_mode(fault.mode), fault.bound + 5.0, f"the answer to the fault ({fault.reasons})")
        trial.wait(lambda: bool(trial.status.standing_still), 5.0, "standstill")
        trial.spin(_SETTLE_SECONDS)
        reason = str(trial.status.reason)
        if after is not None:
            after(trial)
        return judge(trial.stop(), caused, fault.bound, limits, reason)


def judge(recording: CommandLog, caused: float, bound: float, limits: MotionLimits, reason: str) -> FaultOutcome:
    """Figures of a recording in which a fault was caused at steady time `caused`, s."""
    modes = np.array([mode is Mode.RUNNING for mode in recording.modes])
    braking = int(np.flatnonzero(~modes & (recording.times > caused))[0])
    speeds = np.abs(recording.velocities)
    still = braking + int(np.flatnonzero(speeds[braking:].max(axis=1) == 0.0)[0])
    last = max(braking - 1, 1)
    gained = np.diff(speeds[last - 1 : last + 1], axis=0)[0] / np.diff(recording.times[last - 1 : last + 1])
    allowed = float(stopping_time(speeds[last], gained, limits).max())
    detection = float(recording.times[braking] - caused)
    return FaultOutcome(
        detection=detection,
        slowing=detection - bound,
        standstill=float(recording.times[still] - recording.times[braking]),
        allowed_standstill=allowed,
        ratios=published_ratios(recording, limits),
        reason=reason,
    )


def stopping_time(speed: NDArray[np.float64], gained: NDArray[np.float64], limits: MotionLimits) -> NDArray[np.float64]:
    """Longest time (n,), s, that a stop within acceleration a and jerk j may take from a state.

    v / a plus the jerk time a / j. A joint that is speeding up at a0 first needs a0 / j to leave off, and is then
    faster by a0^2 / 2j.

    Args:
        speed: (n,) rad/s, at least 0.
        gained: rate of change of the speed (n,), rad/s^2.
        limits: a and j.
    """
    rising = np.clip(gained, 0.0, limits.acceleration)
    top = speed + rising**2 / (2.0 * limits.jerk)
    return top / limits.acceleration + (limits.acceleration + rising) / limits.jerk


def published_ratios(recording: CommandLog, limits: MotionLimits) -> StreamRatios:
    """Largest ratios over all unbroken parts of the stream.

    Where a stalled computer made no command, the arm kept the last one. Nothing bounds acceleration or jerk across such
    a gap. The step over it must still be within the velocity limit.
    """
    times, published = recording.times, recording.published
    periods = np.diff(times)
    gaps = np.flatnonzero(periods > _LONGEST_TICK * np.median(periods)) if len(times) > 1 else np.zeros(0, dtype=int)
    edges = sorted({0, len(times), *(gaps + 1), *np.flatnonzero(~published), *(np.flatnonzero(~published) + 1)})
    parts = [slice(a, b) for a, b in itertools.pairwise(edges) if published[a] and b - a > _SHORTEST_PART]
    parts += [slice(k, k + 2) for k in gaps if published[k] and published[k + 1]]
    found = [stream_ratios(times[part], recording.positions[part], limits) for part in parts]
    return StreamRatios(
        *(max((getattr(each, name) for each in found), default=0.0)
          for name in ("velocity", "acceleration", "jerk", "outside"))
    )  # fmt: skip
