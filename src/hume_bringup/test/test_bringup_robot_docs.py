"""The profile in docs/add_my_robot.md is valid, and its tables name fields and values that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hume_core.action_spaces import ACTION_SPACES
from hume_core.policy_contract import PolicyContract
from hume_core.robot import (
    Action,
    ArmControllerType,
    GripperControllerType,
    KinematicsSection,
    RobotProfile,
    StateField,
)

DOCS = Path(__file__).parents[3] / "docs"


def yaml_blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_least_profile_loads(tmp_path: Path) -> None:
    path = tmp_path / "my_arm.yaml"
    path.write_text(yaml_blocks("add_my_robot.md")[0], encoding="utf-8")
    profile = RobotProfile.load(path)
    assert profile.joint_names == ("shoulder", "elbow", "wrist")
    assert profile.arm.controller.controller_name == "arm_controller"


def test_the_profile_of_two_arms_loads(tmp_path: Path) -> None:
    text = next(block for block in yaml_blocks("add_my_robot.md") if "name: my_pair" in block)
    path = tmp_path / "my_pair.yaml"
    path.write_text(text, encoding="utf-8")
    profile = RobotProfile.load(path)
    assert profile.action_layout().column_names == profile.state_names
    assert [arm.name for arm in profile.arms] == [gripper.name for gripper in profile.grippers] == ["left", "right"]


def test_the_action_example_is_valid() -> None:
    data = yaml.safe_load(yaml_blocks("action_spaces.md")[0])
    assert Action.model_validate(data["action"]).space == "ee_delta"
    assert KinematicsSection.model_validate(data["kinematics"]).tool_link == "tool0"


def test_the_contract_example_is_valid() -> None:
    page = (DOCS / "action_spaces.md").read_text(encoding="utf-8")
    found = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    contract = PolicyContract.model_validate_json(found[0])
    assert (contract.action_dim, contract.state_dim) == (3, 3)


def test_the_code_example_runs() -> None:
    page = (DOCS / "action_spaces.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    anchor = np.array([0.2, -1.4, 1.4, -1.4, -1.4, 0.2])
    names: dict[str, Any] = {"rows": np.full((4, 7), 0.001), "refined": np.zeros((2, 7))}
    names |= {"anchor": anchor, "dt": 0.05, "first": 0}
    exec(code, names)
    np.testing.assert_allclose(names["rows"], 0.001, atol=1e-4)
    np.testing.assert_allclose(names["targets"].positions, np.tile(anchor, (2, 1)), atol=1e-9)


def test_every_kind_is_explained() -> None:
    text = (DOCS / "add_my_robot.md").read_text(encoding="utf-8")
    for kind in (*ArmControllerType, *GripperControllerType, *StateField):
        assert f"`{kind.value}`" in text
    spaces = (DOCS / "action_spaces.md").read_text(encoding="utf-8")
    for name in ACTION_SPACES:
        assert f"| `{name}` |" in spaces


def test_every_shipped_robot_is_listed() -> None:
    text = (DOCS / "add_my_robot.md").read_text(encoding="utf-8")
    for path in (Path(__file__).parents[1] / "config" / "robots").glob("*.yaml"):
        assert path.stem.removesuffix("_sim") in text
