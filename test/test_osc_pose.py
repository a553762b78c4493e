"""A constant row through the whole stack moves the tool as robosuite's OSC_POSE moved it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.action_spaces import EeDelta
from hume_core.kinematics import Kinematics, Pose
from hume_core.observation import Observation
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_ros.observation_buffer import JOINT_STATES
from hume_session import Latencies, LatencyModel, Listener, PolicyFacts, Session, SessionOptions
from hume_session.engine import answered
from hume_session.schedule import NS
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.segment_planner import SegmentRequest
from hume_system2.thinker import ThoughtResult

ROOT = Path(__file__).parents[1]
RECORDED = np.load(ROOT / "test" / "fixtures" / "robosuite" / "osc_pose.npz")
BEGIN, MS = 1_700_000_000 * NS, NS // 1000
DT, STEPS, HORIZON, SEGMENT = 0.05, 20, 16, 8
SETTLED = 1.0
"""After the stack has begun to move the arm, the row starts, s."""


class ConstantRow:
    """Stands for both systems: rest until a time, then one row.

    Args:
        row: (7,) raw action.
        now: time since the session began, s.
    """

    chunk_size, segment_size, origin, sees_images = HORIZON, SEGMENT, "anchor", False

    def __init__(self, row: NDArray[np.float64]) -> None:
        self._row = row.astype(np.float32)
        self.stamps: list[float] = []
        self.thoughts = 0
        self.now: Callable[[], float] = lambda: 0.0

    def think(self, observation: Observation, in_progress: Any = None) -> Future[ThoughtResult]:
        self.thoughts += 1
        times = self.now() + DT * np.arange(HORIZON)
        chunk = np.where(times[:, None] < SETTLED - 1e-6, np.float32(0.0), self._row)
        one = np.ones(1, np.float32)
        return answered(ThoughtResult(chunk, chunk[None], one, 0 * one, one, 0.0))

    def refine(self, request: SegmentRequest) -> Future[NDArray[np.float64]]:
        self.stamps.append(request.progress)
        return answered(self.segment(request.observation, request.chunk.rows, request.progress, request.moved))

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        start = int(stamp * HORIZON)
        return self.unnormalise(rows[start : start + SEGMENT])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, :7].astype(np.float64)


@pytest.fixture(scope="module")
def panda() -> RobotProfile:
    profile = named_contract("libero_goal").adapt(RobotProfile.load("franka_panda"))
    return profile.model_copy(update={"cameras": {}})


@pytest.fixture(scope="module")
def kinematics(panda: RobotProfile) -> Kinematics:
    return load_kinematics(panda)


def joint_state(profile: RobotProfile, time: int, arm: NDArray[np.float64]) -> Any:
    names = [*profile.joint_names, "panda_finger_joint1"]
    stamp = SimpleNamespace(sec=time // NS, nanosec=time % NS)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp), name=names, position=[*arm.tolist(), 0.04], velocity=[], effort=[]
    )


class Commands(Listener):
    """Keeps the commanded joints of the ticks at the beginning of the row and after each of its steps."""

    def __init__(self) -> None:
        self.joints: list[NDArray[np.float64]] = []

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        if len(self.joints) <= STEPS and time == round((SETTLED + DT * len(self.joints)) * NS):
            self.joints.append(command.position.copy())


def play(
    profile: RobotProfile, kinematics: Kinematics, policy: ConstantRow, start: NDArray[np.float64], faster: float = 1.0
) -> list[NDArray[np.float64]]:
    """Joints (7,), rad, at the beginning of the row and after each of 20 steps.

    Args:
        profile: the Panda.
        kinematics: its.
        policy: both systems.
        start: joints (7,) at the beginning, rad.
        faster: how many times the accelerations of the profile the arm may take.
    """
    latency = LatencyModel(Latencies.constant(0.04), Latencies.constant(0.01))
    options = SessionOptions(kinematics=kinematics, limit_scales={"acceleration": faster, "jerk": faster})
    commands = Commands()
    session = Session(profile, PolicyFacts((), 1, policy, "fake"), policy, latency, options, commands)
    policy.now = lambda: session.schedule.elapsed / NS
    arm, now = start.copy(), BEGIN
    session.begin(now)
    session.receive(JOINT_STATES, joint_state(profile, now, arm))
    session.assign("go")
    while len(commands.joints) <= STEPS:
        now += 5 * MS
        for _ in session.command_until(now):
            raise AssertionError("everything is answered at once")
        command = session.commands.command
        if command.publish:
            arm = command.position.copy()
        session.receive(JOINT_STATES, joint_state(profile, now, arm))
    return commands.joints


def steps(poses: list[Pose]) -> NDArray[np.float64]:
    """(k, 6) translation and rotation vector of each step."""
    return np.stack([before.error_to(after) for before, after in pairwise(poses)])


def relative_errors(
    kinematics: Kinematics, offset: Pose, row: NDArray[np.float64], found: Any, wanted: Any
) -> NDArray[np.float64]:
    """(k, 1 or 2) how far steps are from those wanted, by their length: of what the row asks for of both."""
    ours, theirs = (steps([kinematics.forward(q).followed_by(offset) for q in path]) for path in (found, wanted))
    parts = [part for part in (slice(0, 3), slice(3, 6)) if row[part].any()]
    lengths = [np.linalg.norm(theirs[:, part], axis=1) for part in parts]
    away = [np.linalg.norm((ours - theirs)[:, part], axis=1) for part in parts]
    return np.stack(away, axis=1) / np.stack(lengths, axis=1)


RUNS = [(start, row) for start in range(2) for row in range(len(RECORDED["rows"]))]


@pytest.mark.parametrize(("start", "number"), RUNS, ids=lambda value: str(value))
def test_the_response_alone_gives_every_recorded_motion(
    panda: RobotProfile, kinematics: Kinematics, start: int, number: int
) -> None:
    """To 2 % of each step. Inverse kinematics and control core are left out."""
    row, joints = RECORDED["rows"][number][:6], RECORDED["joints"][start, number]
    space = panda.action_space
    assert isinstance(space, EeDelta)
    assert panda.tool is not None
    offset = panda.tool.offset.pose()
    tracker = space.conventions.response.tracker(kinematics.model, offset, DT)
    state = tracker.begin(kinematics.forward(joints[0]).followed_by(offset), joints[0], np.zeros(7))
    found, goal = [joints[0]], state.pose
    for _ in range(STEPS):
        wanted = space.target(row, state.pose)
        goal = wanted if row[3:].any() else Pose(wanted.position, goal.rotation)
        state = tracker.advance(state, goal)
        assert state.arm is not None
        found.append(state.arm.positions)
    errors = relative_errors(kinematics, offset, row, found, joints)
    assert errors.max() < 0.02, errors.round(4).tolist()


@pytest.mark.parametrize(("start", "number"), RUNS[::5], ids=lambda value: str(value))
def test_a_constant_row_moves_the_tool_as_the_controller_of_the_demonstrations_does(
    panda: RobotProfile, kinematics: Kinematics, start: int, number: int
) -> None:
    """At full command that controller accelerates joints faster than the profile lets a real Panda."""
    row, joints = RECORDED["rows"][number], RECORDED["joints"][start, number]
    policy = ConstantRow(np.array([*row[:6], 1.0]))
    found = play(panda, kinematics, policy, joints[0], faster=10.0)
    assert panda.tool is not None
    errors = relative_errors(kinematics, panda.tool.offset.pose(), row, found, joints)
    assert errors.max() < 0.1, errors.round(3).tolist()


@pytest.mark.parametrize("number", [1, 13, 16])
def test_within_the_accelerations_of_the_profile_so_does_a_moderate_row(
    panda: RobotProfile, kinematics: Kinematics, number: int
) -> None:
    row, joints = RECORDED["rows"][number], RECORDED["joints"][0, number]
    found = play(panda, kinematics, ConstantRow(np.array([*row[:6], 1.0])), joints[0])
    assert panda.tool is not None
    errors = relative_errors(kinematics, panda.tool.offset.pose(), row, found, joints)
    assert errors.max() < 0.1, errors.round(3).tolist()


def test_system1_starts_at_the_stamps_it_was_trained_on(panda: RobotProfile, kinematics: Kinematics) -> None:
    """System 2 every 12 rows: chunks are used past their middle, and the motion goes on between two segments."""
    slow = panda.model_copy(update={"rates": panda.rates.model_copy(update={"system2": 1.0 / 0.6})})
    row, joints = RECORDED["rows"][4], RECORDED["joints"][0, 4]
    policy = ConstantRow(np.array([*row[:6], 1.0]))
    found = play(slow, kinematics, policy, joints[0])
    assert panda.tool is not None
    errors = relative_errors(kinematics, panda.tool.offset.pose(), row, found, joints)
    assert errors.max() < 0.1, errors.round(3).tolist()
    assert set(policy.stamps) == {0.0, 0.5}
    # Once per stamp and thought, and again while the answer is under way. At 60 Hz anywhere else.
    assert len(policy.stamps) <= 4 * policy.thoughts < 30


def test_without_the_response_whole_rows_add_up_to_about_four_times_as_far(
    panda: RobotProfile, kinematics: Kinematics
) -> None:
    row, joints = RECORDED["rows"][1], RECORDED["joints"][0, 1]
    exact = panda.with_action(reference="previous_row", response="exact")
    found = play(exact, kinematics, ConstantRow(np.array([*row[:6], 1.0])), joints[0])
    way, wanted = (
        np.linalg.norm(kinematics.forward(path[-1]).position - kinematics.forward(path[0]).position)
        for path in (found, joints)
    )
    assert 3.5 < way / wanted < 5.0
