"""Exported names say units that are not m and rad, in words that trainings read."""

from pathlib import Path

import pytest

from hume_bags.dataset_features import state_names
from hume_core.robot import RobotProfile
from hume_core.state.parts import state_parts
from hume_training.data.columns import read_columns

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"


@pytest.mark.parametrize("form", ["opening", "closedness", "percent"])
@pytest.mark.parametrize("robot", ["wx250s_sim", "so101"])
def test_names_say_units_that_are_not_plain(robot: str, form: str) -> None:
    profile = RobotProfile.load(ROBOTS / f"{robot}.yaml")
    assert state_names(profile) == profile.state_names
    state = state_parts([{"field": "joint_positions", "unit": "deg"}, {"field": "gripper", "form": form}])
    names = state_names(profile.model_copy(update={"state": state}))
    columns = read_columns(names)
    assert [column.name for column in columns] == list(profile.state_names)
    assert [column.unit for column in columns[:-1]] == ["deg"] * len(profile.joint_names)
    assert columns[-1].form == form
