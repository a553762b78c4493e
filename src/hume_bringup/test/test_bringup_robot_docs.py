"""The profile in docs/add_my_robot.md is valid, and its tables name fields and values that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from hume_core.action_spaces import ACTION_SPACES
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
    assert profile.joint_names == ("shoulder", "elbow")
    assert profile.controllers.arm.controller_name == "arm_controller"


def test_the_action_example_is_valid() -> None:
    data = yaml.safe_load(yaml_blocks("action_spaces.md")[0])
    assert Action.model_validate(data["action"]).space == "ee_delta"
    assert KinematicsSection.model_validate(data["kinematics"]).tool_link == "tool0"


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
