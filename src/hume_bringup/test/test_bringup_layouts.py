"""The layouts for rviz and Foxglove show topics, fields and services that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hume_msgs.msg
import pytest
import yaml

from hume_bringup.security import permissions
from hume_core.robot import RobotProfile

CONFIG = Path(__file__).parents[1] / "config"
OPERATOR = permissions(RobotProfile.load("wx250s_sim"))[-1]
WATCHED = {"/" + name.lstrip("/") for name in OPERATOR.subscribe}
MESSAGES = {"/hume/status": hume_msgs.msg.System1Status, "/hume/action_chunk": hume_msgs.msg.ActionChunk}


@pytest.fixture(scope="module")
def foxglove() -> dict[str, Any]:
    return dict(json.loads((CONFIG / "foxglove" / "hume.json").read_text()))


def test_foxglove_places_every_panel_once(foxglove: dict[str, Any]) -> None:
    def panels(part: Any) -> list[str]:
        return [part] if isinstance(part, str) else panels(part["first"]) + panels(part["second"])

    assert sorted(panels(foxglove["layout"])) == sorted(foxglove["configById"])


def test_foxglove_plots_fields_that_exist(foxglove: dict[str, Any]) -> None:
    paths = [path["value"] for panel in foxglove["configById"].values() for path in panel.get("paths", [])]
    assert len(paths) > 5
    for path in paths:
        topic, _, field = path.partition(".")
        assert field in MESSAGES[topic].get_fields_and_field_types()
        assert topic in WATCHED


def test_foxglove_uses_only_what_an_operator_may(foxglove: dict[str, Any]) -> None:
    panels = foxglove["configById"]
    images = {panels[name]["imageMode"]["imageTopic"] for name in ("Image!scene", "Image!wrist")}
    assert images | {panels["DiagnosticSummary!all"]["topicToRender"]} <= WATCHED
    assert panels["Publish!estop"]["topicName"].strip("/") in OPERATOR.publish
    assert panels["CallService!reset"]["serviceName"].strip("/") in OPERATOR.request


def test_rviz_shows_the_cameras_and_the_arm() -> None:
    displays = yaml.safe_load((CONFIG / "rviz" / "hume.rviz").read_text())["Visualization Manager"]["Displays"]
    topics = {"/" + display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert topics == {"/camera/scene/image_raw", "/camera/wrist/image_raw"} <= WATCHED
    assert any(display.get("Description Topic", {}).get("Value") == "robot_description" for display in displays)
