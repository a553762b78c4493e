"""Robot profiles with several arms and grippers: how they are written, read, split into rows, and refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from hume_core.errors import ContractError, RobotProfileError
from hume_core.limits_file import tightened
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile, known_profiles
from hume_core.state_composer import StateComposer

PARTS = ("arms.left", "grippers.left", "arms.right", "grippers.right")


ORDERS = [
    order
    for order in permutations(PARTS)
    if all(order.index(f"{kind}.left") < order.index(f"{kind}.right") for kind in ("arms", "grippers"))
]


def arm(side: str, joints: int, **more: Any) -> dict[str, Any]:
    """An arm whose limits differ from joint to joint and from side to side."""
    first = 1.0 if side == "left" else 3.0
    limits = [{"velocity": first + i, "acceleration": 2.0 * first + i, "jerk": 50.0 * first + i} for i in range(joints)]
    return {
        "joints": [
            {"name": f"{side}_{i}", "position": [-1.0 - i, 1.0 + i], "home": 0.1 * i, **limit}
            for i, limit in enumerate(limits)
        ],
        "controller": {"type": "forward_command", "topic": f"{side}_arm/commands"},
        **more,
    }


def gripper(side: str, **more: Any) -> dict[str, Any]:
    return {
        "joint": f"{side}_finger",
        "closed": 0.0,
        "open": 0.04 if side == "left" else 0.08,
        "speed": 0.1,
        "controller": {"topic": f"{side}_gripper/commands"},
        **more,
    }


VALID: dict[str, Any] = {
    "name": "pair",
    "arms": {"left": arm("left", 2), "right": arm("right", 3)},
    "grippers": {"left": gripper("left"), "right": gripper("right")},
    "cameras": {"image": {"topic": "camera/image_raw"}},
    "action": {"space": "joint_position", "dt": 0.05, "order": list(PARTS)},
}
SHORT: dict[str, Any] = {
    "name": "one",
    "joints": arm("left", 2)["joints"],
    "gripper": {key: value for key, value in gripper("left").items() if key != "controller"},
    "kinematics": {"base_link": "base", "tool_link": "tip", "urdf": "/tmp/arm.urdf"},
    "cameras": VALID["cameras"],
    "action": {"space": "joint_position", "dt": 0.05},
    "controllers": {"arm": arm("left", 2)["controller"], "gripper": gripper("left")["controller"]},
}


def pair(change: Callable[[dict[str, Any]], object] = lambda data: None) -> RobotProfile:
    data = copy.deepcopy(VALID)
    change(data)
    return RobotProfile.model_validate(data)


def load(folder: Path, change: Callable[[dict[str, Any]], object]) -> RobotProfile:
    data = copy.deepcopy(VALID)
    change(data)
    path = folder / "pair.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return RobotProfile.load(path)


def test_all_joints_stand_side_by_side_in_the_order_of_the_arms() -> None:
    robot = pair()
    assert robot.joint_names == ("left_0", "left_1", "right_0", "right_1", "right_2")
    assert robot.home == (0.0, 0.1, 0.0, 0.1, 0.2)
    assert robot.joint_slices == (slice(0, 2), slice(2, 5))
    limits = robot.motion_limits()
    assert limits.velocity.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert limits.jerk.tolist() == [50.0, 51.0, 150.0, 151.0, 152.0]
    assert [item.topic for item in robot.controllers] == [
        "left_arm/commands", "right_arm/commands", "left_gripper/commands", "right_gripper/commands",
    ]  # fmt: skip
    assert robot.managed_controllers == ("left_arm", "right_arm", "left_gripper", "right_gripper")
    assert robot.gripper_names == ("left_finger", "right_finger")


@pytest.mark.parametrize("order", ORDERS)
def test_a_row_s_numbers_come_in_the_named_order(order: tuple[str, ...]) -> None:
    robot = pair(lambda data: data["action"].update(order=list(order)))
    columns = {
        "arms.left": ["left_0", "left_1"],
        "arms.right": ["right_0", "right_1", "right_2"],
        "grippers.left": ["left_finger"],
        "grippers.right": ["right_finger"],
    }
    layout = robot.action_layout()
    assert list(layout.column_names) == [name for path in order for name in columns[path]]
    rows = np.arange(7.0)[None]
    positions, grippers = layout.to_joints(rows, np.zeros(5), 0.05)
    found = dict(zip((*robot.joint_names, *layout.gripper_names), [*positions[0], *grippers[0]], strict=True))
    assert [found[name] for name in layout.column_names] == list(range(7))
    assert PolicyContract.of(robot).row == tuple(group.name for group in layout.groups)
    assert robot.with_action("joint_delta").action.order == order


@pytest.mark.parametrize("order", sorted(set(permutations(PARTS)) - set(ORDERS)))
def test_another_order_of_arms_or_grippers_than_the_profile_s_is_refused(order: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="in the order in which arms and grippers list them"):
        pair(lambda data: data["action"].update(order=list(order)))


def test_without_an_order_the_arms_come_first() -> None:
    robot = pair(lambda data: data["action"].pop("order"))
    assert robot.action_layout().column_names == (*robot.joint_names, *robot.gripper_names)


@pytest.mark.parametrize("robot", known_profiles())
def test_what_is_written_back_is_read_as_the_same(robot: str) -> None:
    profile = RobotProfile.load(robot)
    written = profile.model_dump(mode="json")
    assert RobotProfile.model_validate(written) == profile
    assert ("arms" in written) == (len(profile.arms) > 1)


def test_the_short_form_is_one_arm_and_one_gripper_and_stays_short() -> None:
    short = RobotProfile.model_validate(SHORT)
    long = {key: value for key, value in SHORT.items() if key not in ("joints", "gripper", "kinematics", "controllers")}
    long["arms"] = {"arm": {**arm("left", 2), "kinematics": SHORT["kinematics"]}}
    long["grippers"] = {"gripper": gripper("left")}
    assert RobotProfile.model_validate(long) == short
    written = RobotProfile.model_validate(long).model_dump(mode="json")
    assert set(SHORT) <= set(written)
    assert {"arms", "grippers"}.isdisjoint(written)
    assert "order" not in written["action"]
    assert [group.name for group in short.action_layout().groups] == ["arm", "left_finger"]


def test_one_arm_with_two_grippers_is_written_in_full() -> None:
    robot = pair(lambda data: (data["arms"].pop("right"), data["action"].pop("order")))
    assert robot.arm.name == "left"
    assert set(robot.model_dump(mode="json")["grippers"]) == {"left", "right"}


@pytest.mark.parametrize("field", ["arm", "kinematics"])
def test_what_is_of_one_arm_is_refused_with_two(field: str) -> None:
    with pytest.raises(RobotProfileError, match=r"'pair' has 2 arms: left, right\. This works for robots with one arm"):
        getattr(pair(), field)


def test_what_is_of_one_gripper_is_refused_with_two() -> None:
    with pytest.raises(RobotProfileError, match="'pair' has 2 grippers: left, right"):
        _ = pair().gripper


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: d["arms"]["right"]["joints"][1].update(velocty=1.0),
            "arms.right.joints.right_1.velocty' is unknown",
        ),
        (lambda d: d["arms"]["left"]["joints"][0].update(jerk=-1.0), "arms.left.joints.left_0.jerk'"),
        (lambda d: d["arms"]["right"].pop("controller"), "'arms.right.controller' is missing. Add it"),
        (lambda d: d["arms"]["left"].pop("joints"), "'arms.left.joints' is missing"),
        (lambda d: d["arms"]["left"]["controller"].update(tpic="x"), "arms.left.controller.tpic' is unknown"),
        (lambda d: d["arms"]["right"]["joints"][0].update(name="left_0"), "joints are listed twice: left_0"),
        (lambda d: d["grippers"]["right"].update(joint="left_finger"), "joints of grippers are listed twice"),
        (lambda d: d["grippers"]["right"].update(joint="right_0"), "joints of grippers are listed twice: right_0"),
        (lambda d: d["grippers"]["right"].update(joint="right"), "an arm and a joint share a name: right"),
        (lambda d: d["grippers"]["left"].update(clsed=0.0), "grippers.left.clsed' is unknown"),
        (lambda d: d["grippers"]["left"].update(force=5.0), "grippers.left.force belongs to grippers.left.controller"),
        (
            lambda d: d["arms"]["right"]["controller"].update(topic="left_arm/commands"),
            "two controllers take commands from one topic: left_arm/commands",
        ),
        (
            lambda d: d["arms"]["right"]["controller"].update(topic="right/left_arm/commands"),
            "two controllers have one name in controller_manager: left_arm. Name each by name, or say",
        ),
        (
            lambda d: d["arms"]["right"]["controller"].update(type="joint_trajectory"),
            "controllers of one type, so that they stop in step. Found left: forward_command_controller, right: joint",
        ),
        (lambda d: d["action"].update(order=["arms.left"]), "action.order must name each of arms.left, arms.right"),
        (lambda d: d["action"].update(order=[*PARTS, "arms.left"]), "action.order must name each of"),
        (lambda d: d["action"].update(order=["arms.lft", *PARTS[1:]]), "once, found ['arms.lft'"),
        (lambda d: d["action"].update(sign=[1, 1]), "sign has 2 numbers. The arm has 5 joints"),
        (lambda d: d.update(state=[{"field": "gripper", "joints": ["thumb"]}]), "names gripper 'thumb'. The robot has"),
        (lambda d: d.update(state=[{"field": "joint_positions", "joints": ["x"]}]), "names joint 'x'"),
        (lambda d: d.update(tool={"offset": {"translation": [0, 0, 0.1]}}), "tool belongs to robots with one arm"),
        (
            lambda d: d.update(joints=[]),
            "'joints' is unknown. Valid here: name, description, prefix, prefix_controllers, arms, grippers",
        ),
        (lambda d: d.update(arms={}), "arms'"),
        (lambda d: d.update(arms=[1]), "arms'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], expected: str) -> None:
    with pytest.raises(RobotProfileError) as caught:
        load(tmp_path, change)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arms_with_a_manager_each_may_name_their_controllers_alike() -> None:
    def alike(data: dict[str, Any]) -> None:
        data["controller_manager"] = ""
        for side in ("left", "right"):
            data["arms"][side]["controller"]["topic"] = f"{side}/arm_controller/commands"

    assert pair(alike).managed_controllers == ()


def test_the_urdf_of_each_arm_starts_from_the_profile(tmp_path: Path) -> None:
    section = {"base_link": "base", "tool_link": "tip", "urdf": "arm.urdf"}
    robot = load(tmp_path, lambda data: data["arms"]["right"].update(kinematics=section))
    left, right = (each.kinematics for each in robot.arms)
    assert left is None
    assert right is not None
    assert right.urdf == str(tmp_path / "arm.urdf")


def test_the_state_has_the_numbers_of_both_arms_and_grippers() -> None:
    plain = StateComposer(pair())
    assert plain.names == ("left_0", "left_1", "right_0", "right_1", "right_2", "left_finger", "right_finger")
    positions = np.arange(5.0)
    np.testing.assert_array_equal(plain.compose(positions, None, [0.01, 0.02]), np.float32([0, 1, 2, 3, 4, 0.01, 0.02]))
    state = [
        {"field": "gripper", "joints": ["right_finger"], "form": "opening"},
        {"field": "joint_positions", "joints": ["right_0", "right_1", "right_2"]},
        {"field": "joint_positions", "joints": ["left_0", "left_1"]},
    ]
    chosen = StateComposer(pair(lambda data: data.update(state=state)))
    assert chosen.gripper_names == ("right_finger",)
    np.testing.assert_allclose(chosen.compose(positions, None, [0.02]), [0.25, 2, 3, 4, 0, 1])


def test_signs_and_offsets_go_to_the_arm_of_their_joints() -> None:
    robot = pair(lambda data: data["action"].update(sign=[1, -1, -1, 1, -1], offset=[0.0, 1.0, 2.0, 3.0, 4.0]))
    positions = np.array([[0.1, -0.2, 0.3, -0.4, 0.5]])
    layout = robot.action_layout()
    rows = layout.from_joints(positions, np.zeros((1, 2)), np.zeros(5))
    np.testing.assert_allclose(rows[0, [0, 1, 3, 4, 5]], [0.1, 1.2, 1.7, 2.6, 3.5])
    np.testing.assert_allclose(layout.to_joints(rows, np.zeros(5), 0.05)[0], positions)
    # A checkpoint for the robot says them arm by arm, and the robot takes them over.
    contract = PolicyContract.of(robot)
    assert [each.sign for each in contract.arms] == [(1, -1), (-1, 1, -1)]
    assert contract.seen_by(pair()).action.sign == (1, -1, -1, 1, -1)
    assert contract.adapt(pair()).action_layout().arms == layout.arms


def test_a_contract_of_two_arms_fits_its_robot_alone() -> None:
    contract = PolicyContract.of(pair())
    assert contract.differences(pair()) == []
    other = pair(lambda data: data["action"].update(order=[PARTS[0], *PARTS[2:0:-1], PARTS[3]]))
    assert [line.split(":")[0] for line in contract.differences(other)] == ["order of a row"]
    single = RobotProfile.model_validate(SHORT)
    assert any(line.startswith("joints:") for line in contract.differences(single))
    with pytest.raises(ContractError, match="drives 2 arms, and robot 'one' has 1"):
        contract.adapt(single)
    with pytest.raises(ContractError, match="drives 1 arms, and robot 'pair' has 2"):
        PolicyContract.of(single).adapt(pair())


def test_arms_that_count_differently_are_refused() -> None:
    contract = PolicyContract.of(pair())
    left = contract.arms[0].model_copy(update={"unit": "deg"})
    with pytest.raises(ContractError, match="differ in unit"):
        contract.model_copy(update={"arms": (left, contract.arms[1])}).seen_by(pair())


def test_a_limits_file_reaches_every_arm_and_gripper(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("scale: {velocity: 0.5}\njoints: {right_1: {jerk: 9.0}}\ngripper: {speed: 0.02}\n")
    tight = tightened(pair(), path)
    assert tight.motion_limits().velocity.tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert tight.motion_limits().jerk.tolist() == [50.0, 51.0, 150.0, 9.0, 152.0]
    assert [each.speed for each in tight.grippers] == [0.02, 0.02]


def test_all_controllers_play_with_the_lead_of_the_slowest() -> None:
    def trajectories(data: dict[str, Any]) -> None:
        for side, rate in (("left", 100.0), ("right", 50.0)):
            data["arms"][side]["controller"] |= {"type": "joint_trajectory", "update_rate": rate}

    assert pair(trajectories).trajectory_lead == 2.0 / 200.0 + 1.0 / 50.0


def test_aloha_has_fourteen_numbers_left_then_right() -> None:
    aloha = RobotProfile.load("aloha")
    assert (aloha.state_dim, aloha.action_dim) == (14, 14)
    assert aloha.action_layout().column_names == aloha.state_names
    assert [name.split("_")[0] for name in aloha.state_names] == ["left"] * 7 + ["right"] * 7
    assert (aloha.state_names[6], aloha.state_names[13]) == ("left_gripper", "right_gripper")
