"""Layouts for Foxglove and rviz show topics, fields and services that the stack has, for every robot."""

from __future__ import annotations

import json
import re
from typing import Any

import hume_msgs.msg
import pytest
import yaml
from sensor_msgs.msg import JointState
from typer.testing import CliRunner

from hume_bags.topics import resolved
from hume_bringup.security import permissions
from hume_core.robot import RobotProfile, known_profiles
from hume_views.cli import views
from hume_views.foxglove import foxglove_layout
from hume_views.rviz import rviz_config, write_rviz_config
from hume_views.shown import Shown

ROBOTS = known_profiles()
SPACES = ("", "left", "/cell/left/")
FIELD = re.compile(r"(?P<topic>/[\w/]+)\.(?P<field>\w+)(\[(?P<place>\d+)\])?")


def published(shown: Shown) -> set[str]:
    """Every topic that a node of the stack, the driver or the cameras publish."""
    rights = permissions(shown.profile)
    names = {name for item in rights for name in item.publish}
    sensors = {shown.profile.joint_states, *(camera.topic for camera in shown.profile.cameras.values())}
    return {resolved(name, shown.namespace) for name in names | sensors | {"robot_description"}}


def offered(shown: Shown) -> set[str]:
    return {resolved(name, shown.namespace) for item in permissions(shown.profile) for name in item.replies()}


def message_types(shown: Shown) -> dict[str, Any]:
    types = {
        "hume/status": hume_msgs.msg.System1Status, "hume/action_chunk": hume_msgs.msg.ActionChunk,
        "hume/joints/commanded": JointState, "hume/joints/measured": JointState,
    }  # fmt: skip
    return {shown.topic(name): kind for name, kind in types.items()}


def panels(part: Any) -> list[str]:
    return [part] if isinstance(part, str) else panels(part["first"]) + panels(part["second"])


def foxglove_topics(config: dict[str, Any]) -> set[str]:
    paths = [path["value"] for path in config.get("paths", [])]
    paths += [config[key] for key in ("path", "topicPath") if key in config]
    topics = {path.partition(".")[0] for path in paths}
    topics |= {config["imageMode"]["imageTopic"]} if "imageMode" in config else set()
    topics |= {config[key] for key in ("topicToRender", "topicName") if key in config}
    topics |= {layer["topic"] for layer in config.get("layers", {}).values() if "topic" in layer}
    return topics | set(config.get("topics", {}))


@pytest.mark.parametrize("namespace", SPACES)
@pytest.mark.parametrize("robot", ROBOTS)
def test_foxglove_shows_what_is_published(robot: str, namespace: str) -> None:
    shown = Shown(RobotProfile.load(robot), namespace)
    layout = json.loads(foxglove_layout(shown))
    configs = layout["configById"]
    assert sorted(panels(layout["layout"])) == sorted(configs)
    topics = {topic for config in configs.values() for topic in foxglove_topics(config)}
    assert topics <= published(shown)
    assert {shown.topic("hume/status"), *shown.cameras.values()} <= topics
    # Only the simulated pair has no tool that is known.
    assert shown.draws_tool == (robot != "wx250s_pair_sim")
    assert (shown.topic("hume/markers") in topics) == shown.draws_tool
    services = {config["serviceName"] for config in configs.values() if "serviceName" in config}
    assert services <= offered(shown)
    assert services


@pytest.mark.parametrize("robot", ROBOTS)
def test_foxglove_plots_fields_that_exist(robot: str) -> None:
    shown = Shown(RobotProfile.load(robot), "left")
    text, joints = foxglove_layout(shown), len(shown.profile.joints)
    paths = list(FIELD.finditer(text))
    assert len(paths) > 3 * joints
    for path in paths:
        assert path["field"] in message_types(shown)[path["topic"]].get_fields_and_field_types()
        assert int(path["place"] or 0) < joints


@pytest.mark.parametrize("cameras", [1, 2, 5])
def test_any_number_of_cameras_is_shown(cameras: int) -> None:
    profile = RobotProfile.load("ur5e")
    camera = next(iter(profile.cameras.values()))
    many = {f"image_{k}": camera.model_copy(update={"topic": f"camera_{k}/image"}) for k in range(cameras)}
    shown = Shown(profile.model_copy(update={"cameras": many}))
    configs = json.loads(foxglove_layout(shown))["configById"]
    assert len([name for name in configs if name.startswith("Image!")]) == cameras
    assert len([one for one in displays(shown) if one["Class"].endswith("/Image")]) == cameras


def displays(shown: Shown) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(rviz_config(shown))["Visualization Manager"]["Displays"]
    return found


@pytest.mark.parametrize("namespace", SPACES)
@pytest.mark.parametrize("robot", ROBOTS)
def test_rviz_shows_what_is_published(robot: str, namespace: str) -> None:
    shown = Shown(RobotProfile.load(robot), namespace)
    topics = {display[key]["Value"] for display in displays(shown) for key in display if key.endswith("Topic")}
    assert topics <= published(shown)
    assert set(shown.cameras.values()) <= topics
    assert (shown.topic("hume/markers") in topics) == shown.draws_tool
    section = shown.profile.tool_arms[0].kinematics if shown.draws_tool else None
    frame = yaml.safe_load(rviz_config(shown))["Visualization Manager"]["Global Options"]["Fixed Frame"]
    assert frame == (section.base_link if section else "base_link")


def test_a_robot_without_kinematics_has_no_markers() -> None:
    shown = Shown(RobotProfile.load("ur5e").with_sections(kinematics=None))
    assert "hume/markers" not in rviz_config(shown) + foxglove_layout(shown)
    layout = json.loads(foxglove_layout(shown))
    assert sorted(panels(layout["layout"])) == sorted(layout["configById"])


def test_rviz_gets_a_file_of_its_own_for_each_robot(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plain, prefixed = RobotProfile.load("ur5e"), RobotProfile.load("ur5e", "b_")
    shown = [Shown(plain, "left"), Shown(plain, "cell/right"), Shown(prefixed, "left")]
    files = [write_rviz_config(one) for one in shown]
    assert len(set(files)) == 3
    assert [file.read_text() for file in files] == [rviz_config(one) for one in shown]


@pytest.mark.parametrize("kind", ["foxglove", "rviz"])
def test_layouts_are_printed_or_written(kind: str, tmp_path: Any) -> None:
    arguments = [kind, "--robot", "so101", "--namespace", "left"]
    printed = CliRunner().invoke(views, arguments)
    assert printed.exit_code == 0
    file = tmp_path / "new" / "layout"
    assert CliRunner().invoke(views, [*arguments, "-o", str(file)]).exit_code == 0
    assert file.read_text() == printed.stdout
    assert "/left/hume/markers" in printed.stdout


def test_rviz_draws_in_the_robots_frame() -> None:
    arguments = ["rviz", "--robot", "ur5e", "--prefix", "b_"]
    printed = CliRunner().invoke(views, arguments)
    assert printed.exit_code == 0
    assert "Fixed Frame: b_base_link" in printed.stdout
