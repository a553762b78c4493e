"""`hume bench stream --robot`: which robot is measured, and which is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.progress import Progress

from hume_bench import stream
from hume_bench.fault_trials import FAULTS, Fault
from hume_core.errors import HumeError, RobotProfileError
from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile


@pytest.mark.parametrize(("robot", "joints"), [("wx250s_sim", 7), ("wx250s_pair_sim", 14)])
def test_all_is_measured_with_the_robot_that_is_named(monkeypatch: pytest.MonkeyPatch, robot: str, joints: int) -> None:
    stepped: list[int] = []
    streamed: list[str] = []
    faults: list[tuple[str, int]] = []

    def measured(rate: float, seconds: float, priority: int, robot: str, *, with_clock: bool) -> tuple[Any, Any]:
        streamed.append(robot)
        return {}, {}

    def trial(fault: Fault, limits: MotionLimits) -> Any:
        faults.append((fault.options.robot, len(limits.names)))
        raise HumeError("not run")

    monkeypatch.setattr(
        stream, "measure_core_step", lambda joints: stepped.append(joints) or {"median_us": 10.0 * joints}
    )
    monkeypatch.setattr(stream, "measure_stream", measured)
    monkeypatch.setattr(stream, "run_fault", trial)
    with Progress(disable=True) as progress:
        figures = stream._measure(progress, 5.0, True, robot)
    assert (figures["robot"], figures["joints"]) == (robot, joints)
    assert stepped == [7, 14]
    assert figures["core_step"] == {"median_us": 10.0 * joints}
    assert figures["core_step_us"] == {"7": 70.0, "14": 140.0}
    assert set(streamed) == {robot}
    assert faults == [(robot, len(RobotProfile.load(robot).joints))] * len(FAULTS)


@pytest.mark.parametrize("robot", ["wx250s_sim", "wx250s_pair_sim"])
def test_the_stream_rate_is_the_only_change_of_the_profile(tmp_path: Path, robot: str) -> None:
    path = stream._profile_at(333.0, robot, tmp_path)
    changed, whole = RobotProfile.load(path), RobotProfile.load(robot)
    assert changed.rates == whole.rates.model_copy(update={"stream": 333.0})
    assert changed.joints == whole.joints
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["name"] == robot


@pytest.mark.parametrize(
    ("robot", "problem"), [("aloha", "its finger goes from 0.018"), ("ur5e", "its joints are shoulder_pan_joint")]
)
def test_a_robot_that_is_not_at_the_table_is_refused(robot: str, problem: str) -> None:
    with pytest.raises(
        RobotProfileError, match=f"'{robot}' cannot be simulated: {problem}.*wx250s_pair_sim, wx250s_sim"
    ):
        stream.run_bench(None, robot=robot)
