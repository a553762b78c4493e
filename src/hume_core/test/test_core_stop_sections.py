"""The profile's dead-man switch and states of the driver: what is taken, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_core.errors import RobotProfileError
from hume_core.robot import RobotProfile, find_profile

STATE = {"topic": "io/safety_mode", "type": "ur_dashboard_msgs/msg/SafetyMode", "field": "mode", "normal": [1, 2]}


def profile(folder: Path, **sections: Any) -> RobotProfile:
    data = yaml.safe_load(find_profile("so101").read_text(encoding="utf-8"))
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**data, **sections}), encoding="utf-8")
    return RobotProfile.load(path)


def test_left_out_there_is_neither(tmp_path: Path) -> None:
    robot = profile(tmp_path)
    assert robot.deadman is None
    assert robot.stop_states == ()


def test_both_are_read(tmp_path: Path) -> None:
    robot = profile(tmp_path, deadman={"topic": "pendant/held"}, stop_states=[STATE])
    assert robot.deadman is not None
    assert (robot.deadman.topic, robot.deadman.timeout) == ("pendant/held", 0.25)
    assert robot.stop_states[0].normal == (1, 2)


@pytest.mark.parametrize("text", ["std_msgs/Bool", "std_msgs/msg/Bool"])
def test_the_short_form_of_a_type_is_the_same(tmp_path: Path, text: str) -> None:
    robot = profile(tmp_path, stop_states=[{"topic": "stopped", "type": text, "normal": [False]}])
    assert robot.stop_states[0].type == "std_msgs/msg/Bool"
    assert robot.stop_states[0].field == "data"
    assert robot.stop_states[0].normal == (False,)


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"deadman": {"topic": ""}}, "deadman.topic"),
        ({"deadman": {"topic": "x", "timeout": 0.0}}, "deadman.timeout"),
        ({"deadman": {"topic": "x", "timeout": 60.0}}, "deadman.timeout"),
        ({"deadman": {"topic": "x", "time_out": 1.0}}, "Did you mean 'timeout'"),
        ({"stop_states": [{**STATE, "normal": []}]}, "normal"),
        ({"stop_states": [{**STATE, "normal": [1.5]}]}, "normal"),
        ({"stop_states": [{**STATE, "type": "SafetyMode"}]}, "package/msg/Name"),
        ({"stop_states": [{**STATE, "type": "a/srv/B"}]}, "package/msg/Name"),
        ({"stop_states": [{**STATE, "fields": "mode"}]}, "Did you mean 'field'"),
    ],
)
def test_a_mistake_names_the_field(tmp_path: Path, sections: dict[str, Any], says: str) -> None:
    with pytest.raises(RobotProfileError, match=says):
        profile(tmp_path, **sections)
