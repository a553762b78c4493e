"""Real processes die, hang and lie: every command keeps the limits, the arm stops, and System 1 says why."""

from __future__ import annotations

import pytest
from hume_msgs.msg import System1Status
from std_srvs.srv import Trigger

from hume_bench.fault_trials import FAULTS, HOLD, Fault, flood, published_ratios, run_fault
from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.robot import RobotProfile

pytestmark = pytest.mark.ros

LIMITS = RobotProfile.load("wx250s_sim").motion_limits()
RELATIVE = 1e-9


def check_stays(trial: Trial, fault: Fault) -> None:
    """What needs a reset does not restart by itself, even when the cause is gone."""
    if fault.mode == HOLD:
        return
    if fault.undo is not None:
        fault.undo(trial)
    trial.spin(1.5)
    assert trial.status.mode == fault.mode
    assert trial.status.standing_still


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_a_controlled_stop(ros_domain: int, name: str) -> None:
    fault = FAULTS[name]
    outcome = run_fault(fault, LIMITS, lambda trial: check_stays(trial, fault))
    assert any(words in outcome.reason for words in fault.reasons), outcome.reason
    assert outcome.ratios.worst <= 1.0 + RELATIVE
    assert outcome.ratios.outside == 0.0


def test_a_flood_of_chunks_is_turned_away(ros_domain: int) -> None:
    with Trial(LaunchOptions(seed=0, candidates=3)) as trial:
        trial.start_task()
        flood(trial)
        rejected = sum(trial.status.rejected_counts)
        if trial.is_mode(System1Status.FAULT):
            # Two thousand messages may starve the denoiser. Then it must be a stop with a reason.
            assert trial.status.reason
            trial.wait(lambda: bool(trial.status.standing_still), 5.0, "standstill")
        recording = trial.stop()
    assert rejected > 10
    ratios = published_ratios(recording, LIMITS)
    assert ratios.worst <= 1.0 + RELATIVE
    assert ratios.outside == 0.0


def test_emergency_stop_is_left_by_reset_and_a_new_goal_only(ros_domain: int) -> None:
    with Trial(LaunchOptions(seed=0, candidates=3)) as trial:
        trial.start_task()
        trial.call(Trigger, "hume_system1/estop", Trigger.Request())
        trial.wait(lambda: trial.is_mode(System1Status.ESTOP) and trial.status.standing_still, 5.0, "emergency stop")
        trial.send_goal("lift the blue cube")
        trial.spin(1.5)
        assert trial.is_mode(System1Status.ESTOP), "a new goal alone does not release it"
        trial.call(Trigger, "hume_system1/reset", Trigger.Request())
        trial.wait(lambda: trial.is_mode(System1Status.RUNNING), 10.0, "motion after the reset")


def test_a_denoiser_that_ended_is_started_again_by_reset(ros_domain: int) -> None:
    fault = FAULTS["denoiser_killed"]
    with Trial(fault.options) as trial:
        trial.start_task()
        first = trial.pid("denoiser")
        fault.cause(trial)
        trial.wait(lambda: trial.is_mode(System1Status.FAULT), 5.0, "the fault")
        trial.call(Trigger, "hume_system1/reset", Trigger.Request())
        trial.send_goal("lift the blue cube")
        trial.wait(lambda: trial.is_mode(System1Status.RUNNING), 60.0, "motion after the reset")
        assert trial.pid("denoiser") != first
