"""Bags of a robot with two arms: every command is recorded and shown. What works with one arm says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hume_bags.commands import Commands, measured
from hume_bags.dataset_features import dataset_features, state_names
from hume_bags.regress.journal import Journal
from hume_bags.rerun_entities import _command_joints
from hume_bags.topics import command_topics, goal_topics, recorded_topics
from hume_core.errors import RobotProfileError
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model

ALOHA = RobotProfile.load("aloha")
TOPICS = [
    f"/cell/{side}_{kind}_controller/joint_trajectory" for kind in ("arm", "gripper") for side in ("left", "right")
]


def test_the_commands_of_both_arms_and_grippers_are_recorded() -> None:
    assert command_topics(ALOHA, "cell") == TOPICS
    assert set(TOPICS) <= set(recorded_topics(ALOHA, "cell"))
    goals = goal_topics(ALOHA, "cell")
    for topic in TOPICS:
        assert topic.replace("joint_trajectory", "controller_state") in goals


def test_each_command_topic_is_shown_by_its_own_joints() -> None:
    joints = [*(arm.joint_names for arm in ALOHA.arms), ("left_gripper",), ("right_gripper",)]
    assert _command_joints(ALOHA, "cell") == dict(zip(TOPICS, joints, strict=True))
    assert len(state_names(ALOHA)) == 14


BAG: Any = None
"""The robot is looked at before the bag."""


def commands() -> Commands:
    found = Commands.__new__(Commands)
    found._profile = ALOHA
    return found


@pytest.mark.parametrize(
    "call",
    [
        lambda: measured(BAG, ALOHA),
        lambda: commands().track(),
        lambda: dataset_features(ALOHA, {}, [], False),
        lambda: Journal(ALOHA, [], 1),
        lambda: load_arm_model(ALOHA),
    ],
    ids=["states", "commands", "data set", "regress", "tool"],
)
def test_what_works_with_one_arm_says_so(call: Callable[[], object]) -> None:
    with pytest.raises(RobotProfileError, match=r"'aloha' has 2 (arms|grippers): left, right\. This works for robots"):
        call()
