"""Through joint_trajectory_controller, whatever its parameters, every robot keeps its limits."""

from __future__ import annotations

import pytest

from hume_bench.trajectory import trajectory_profiles
from hume_bench.trajectory_play import Form, Played, Setup, StopCause, play
from hume_core.robot import RobotProfile

PROFILES = {profile.name: profile for profile in trajectory_profiles()}
SETUPS = [(1.0, False, 0.06), (1.0, True, 0.02), (2.5, False, 0.0), (5.0, True, 0.06), (5.0, False, 0.03)]


@pytest.fixture(params=sorted(PROFILES))
def profile(request: pytest.FixtureRequest) -> RobotProfile:
    return PROFILES[request.param]


@pytest.mark.parametrize("ending", list(StopCause))
@pytest.mark.parametrize(("faster", "from_desired_state", "lag"), SETUPS)
def test_the_controllers_commands_keep_the_limits(
    profile: RobotProfile, ending: StopCause, faster: float, from_desired_state: bool, lag: float
) -> None:
    rate = min(faster * profile.rates.stream, 1000.0)
    played = play(profile, Setup(rate, from_desired_state, lag), ending, seed=3, seconds=2.5, end=1.5)
    assert played.moved > 1.0
    assert played.faulted == ""
    assert played.velocity <= 1.0 + 1e-3
    assert played.acceleration <= 1.5
    assert played.outside <= 1e-6


def worst(form: Form) -> Played:
    return play(PROFILES["franka_fr3"], Setup(1000.0, False, 0.06, form), StopCause.STREAMS, seconds=2.0)


def test_messages_that_begin_at_the_measured_state_would_not() -> None:
    """The model finds what goes wrong with a real controller: the comparison would mean nothing otherwise."""
    assert worst(Form.SINGLE).acceleration > 100.0 * worst(Form.TIMED).acceleration
