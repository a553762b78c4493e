"""Fixtures for the tests of `hume_system1.control`: a control core with a clock and a simulated arm."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from control_rig import Rig, make_limits
from hypothesis import HealthCheck, settings
from servo_arm import ServoArm

from hume_core.limits import MotionLimits
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.events import ActivateEvent

settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.register_profile("long", settings.get_profile("default"), derandomize=False, max_examples=3000)
settings.load_profile(os.environ.get("HUME_HYPOTHESIS_PROFILE", "default"))

Grippers = Sequence[GripperSettings] | GripperSettings | None
RigMaker = Callable[..., Rig]
ArmMaker = Callable[..., ServoArm]
MovingArmMaker = Callable[..., tuple[ServoArm, np.random.Generator]]


@pytest.fixture
def limits() -> MotionLimits:
    """Limits of three joints."""
    return make_limits()


@pytest.fixture
def make_rig() -> RigMaker:
    """Build a rig: `make_rig(start=None, gripper=None, continuous=(), **settings)`."""

    def make(
        start: Sequence[float] | None = None,
        gripper: Grippers = None,
        continuous: Sequence[int] = (),
        **changes: object,
    ) -> Rig:
        core = ControlCore(make_limits(continuous=continuous), ControlSettings(**changes), gripper)  # type: ignore[arg-type]
        return Rig(core, start)

    return make


@pytest.fixture
def running(make_rig: RigMaker) -> Rig:
    """A rig that has been following segments for a second."""
    rig = make_rig()
    rig.activate()
    rig.run(1.0, segments=True)
    assert rig.modes[-1] == "running"
    return rig


@pytest.fixture
def make_arm(make_rig: RigMaker) -> ArmMaker:
    """Build servos around a new rig: `make_arm(lag=0.03, rate=200.0, seed=0, start=None, continuous=())`."""

    def make(start: Sequence[float] | None = None, continuous: Sequence[int] = (), **options: Any) -> ServoArm:
        return ServoArm(make_rig(start, continuous=continuous), **options)

    return make


@pytest.fixture
def moving_arm(make_arm: ArmMaker) -> MovingArmMaker:
    """An arm of random lag and joint state rate that has been following segments for a second, and its generator."""

    def make(seed: int, **changes: Any) -> tuple[ServoArm, np.random.Generator]:
        random = np.random.default_rng(seed)
        options: dict[str, Any] = {
            "lag": float(random.uniform(0.0, 0.06)),
            "rate": float(random.choice([50.0, 100.0, 500.0])),
            "velocities": bool(random.integers(2)),
            "stamped": bool(random.integers(4)),
        }
        arm = make_arm(seed=seed, **{**options, **changes})
        arm.tick()
        arm.tick(ActivateEvent())
        arm.run(1.0)
        assert arm.running(), arm.reasons
        return arm, random

    return make
