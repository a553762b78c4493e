"""`hume doctor --robot` beside the running simulator: all well, then with one thing broken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_core.robot import find_profile

pytestmark = pytest.mark.ros


@pytest.fixture(scope="module")
def simulator(ros_domain: int) -> Iterator[None]:
    with Supervisor(graph("sim", LaunchOptions(system1=False, system2=False))):
        yield


def doctor(robot: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and the findings by name."""
    command = [sys.executable, "-m", "hume_tools", "doctor", "--robot", robot, "--json", "--seconds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}


def broken(folder: Path, **changes: Any) -> str:
    found = find_profile("wx250s_sim")
    data = yaml.safe_load(found.read_text(encoding="utf-8"))
    data["kinematics"]["urdf"] = str((found.parent / data["kinematics"]["urdf"]).resolve())
    path = folder / "broken.yaml"
    path.write_text(yaml.safe_dump({**data, **changes}), encoding="utf-8")
    return str(path)


def test_the_simulator_is_as_its_profile_says(simulator: None) -> None:
    code, findings = doctor("wx250s_sim")
    # The rates of a busy test machine are not the simulator's fault.
    wrong = [what for what, f in findings.items() if not f["good"] and not f["optional"] and "rate" not in what]
    assert wrong == []
    assert code in (0, 1)
    assert findings["joint names"]["found"] == "7 of 7 published"


def test_a_wrong_camera_topic_and_type_of_controller_are_named(simulator: None, tmp_path: Path) -> None:
    cameras = {"image": {"topic": "camera/front/image_raw"}}
    controllers = {"arm": {"type": "joint_trajectory_controller", "topic": "arm_controller/commands"}}
    code, findings = doctor(broken(tmp_path, cameras=cameras, controllers=controllers))
    assert code == 1
    assert "nobody publishes camera/front/image_raw" in findings["camera image: topic"]["found"]
    assert not findings["arm commands"]["good"]
    assert "trajectory_msgs/msg/JointTrajectory" in findings["arm commands"]["fix"]
    assert findings["joint names"]["good"]
