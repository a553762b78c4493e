"""Two arms on one clock: each controller gets its own joints of one tick, and a fault stops all of them in step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from control_rig import Rig
from hypothesis import given, settings
from hypothesis import strategies as st

from hume_core.limits import MotionLimits
from hume_core.robot import RobotProfile
from hume_system1.commander_watch import guarded_topics
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.control.states import Reason
from hume_system1.robot_settings import control_settings, gripper_settings
from hume_system1.sinks import make_sinks

ALOHA = RobotProfile.load(Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "aloha.yaml")
N = len(ALOHA.joints)


def forwarded() -> RobotProfile:
    """The same arms and grippers under forward_command_controllers."""
    data = ALOHA.model_dump(mode="json")
    for side in ("left", "right"):
        data["arms"][side]["controller"] = {"type": "forward_command", "topic": f"{side}_arm/commands"}
        data["grippers"][side]["controller"] = {"type": "position", "topic": f"{side}_gripper/commands"}
    return RobotProfile.model_validate(data)


def core_of(profile: RobotProfile, limits: MotionLimits | None = None) -> ControlCore:
    settings = control_settings(profile, ControlSettings())
    return ControlCore(limits or profile.motion_limits(), settings, gripper_settings(profile))


class Topic:
    """Keeps what is published."""

    def __init__(self, topic: str) -> None:
        self.topic_name, self.sent = topic, []  # type: str, list[Any]

    def publish(self, message: Any) -> None:
        self.sent.append(message)

    def get_subscription_count(self) -> int:
        return 0


class FakeNode:
    """Has publishers and a clock that stands still."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}

    def create_publisher(self, kind: Any, topic: str, quality: Any) -> Topic:
        return self.topics.setdefault(topic, Topic(topic))

    def get_namespace(self) -> str:
        return "/"

    def get_fully_qualified_name(self) -> str:
        return "/hume_system1"

    def get_clock(self) -> Any:
        return self

    def now(self) -> Any:
        return self

    nanoseconds = 5_000_000_000


@pytest.mark.parametrize("profile", [ALOHA, forwarded()], ids=["trajectories", "positions"])
def test_each_controller_gets_its_own_joints_of_one_tick(profile: RobotProfile) -> None:
    node: Any = FakeNode()
    core = core_of(profile)
    sinks = make_sinks(node, profile, core, dry_run=False)
    assert list(node.topics) == [controller.topic for controller in profile.controllers]
    assert [sink.unheard() for sink in sinks] == list(node.topics)
    rig = Rig(core, profile.home)
    rig.activate()
    command = rig.tick(0.01)
    command.position[:] = np.arange(N)
    command.grippers[:] = (0.02, 0.05)
    for joint, place in zip(core.limiter.joints, range(N), strict=True):
        joint.p = float(place)
    for sink in sinks:
        sink.send(command)
    wanted = {0: range(6), 1: range(6, 12), 2: [0.02], 3: [0.05]}
    for k, topic in enumerate(node.topics.values()):
        (message,) = topic.sent
        if hasattr(message, "points"):
            names = [*(arm.joint_names for arm in profile.arms), *((name,) for name in profile.gripper_names)]
            assert tuple(message.joint_names) == names[k]
            assert any(list(point.positions) == pytest.approx(list(wanted[k])) for point in message.points)
        else:
            assert list(message.data) == list(wanted[k])


def test_a_dry_run_sends_to_nobody() -> None:
    assert make_sinks(FakeNode(), ALOHA, core_of(ALOHA), dry_run=True) == []  # type: ignore[arg-type]


def test_every_command_topic_is_ours_alone_and_every_controller_watched() -> None:
    ours = [item.topic for item in guarded_topics(FakeNode(), ALOHA) if item.ours]  # type: ignore[arg-type]
    assert ours == [controller.topic for controller in ALOHA.controllers]
    assert len(ours) == 4
    assert set(ALOHA.managed_controllers) == {
        f"{side}_{kind}_controller" for side in ("left", "right") for kind in ("arm", "gripper")
    }


def test_every_gripper_has_its_own_ends_and_speed() -> None:
    data = ALOHA.model_dump(mode="json")
    data["grippers"]["right"] |= {"closed": 0.1, "open": 0.0, "speed": 0.5}
    left, right = gripper_settings(RobotProfile.model_validate(data))
    assert (left.joint, left.closed, left.open, left.rate) == ("left_gripper", 0.01844, 0.058, 0.08)
    assert (right.joint, right.closed, right.open, right.rate) == ("right_gripper", 0.1, 0.0, 0.5)


def different(left: float, right: float, jerk: float) -> MotionLimits:
    """Limits of both arms, each at its own share of the profile's."""
    limits = ALOHA.motion_limits()
    share = np.repeat([left, right], 6)
    return MotionLimits(
        limits.names, limits.lower, limits.upper, limits.velocity * share, limits.acceleration * share,
        limits.jerk * share * np.repeat([1.0, jerk], 6), limits.tracking,
    )  # fmt: skip


def rig_of(limits: MotionLimits) -> Rig:
    rig = Rig(core_of(forwarded(), limits), ALOHA.home)
    rig.activate()
    return rig


def motion(rig: Rig, amplitude: Any, frequency: float) -> list[Any]:
    """A chunk, and a segment of it about home: each joint at its own phase."""
    chunk = rig.chunk(rows=np.zeros((10, 14), np.float32), action_space=ALOHA.action_layout().action_space)
    times = rig.ros - 0.03 + 0.02 * np.arange(20)
    phase = 2.0 * np.pi * frequency * times[:, None] + np.arange(N)
    rows = np.array(ALOHA.home) + amplitude * np.sin(phase)
    grippers = np.tile(0.5 + 0.5 * np.sin(times)[:, None], (1, 2))
    return [chunk, rig.segment(positions=rows, grippers=grippers)]


def follow(rig: Rig, seconds: float, amplitude: Any, frequency: float) -> None:
    """Chunks and segments every fourth tick."""
    for k in range(round(seconds / 0.01)):
        rig.tick(0.01, *(motion(rig, amplitude, frequency) if k % 4 == 0 else []))


SHARES = st.floats(0.02, 1.0)


@settings(max_examples=12)
@given(
    left=SHARES, right=SHARES, jerk=st.floats(0.05, 5.0), amplitude=st.floats(0.05, 0.25), frequency=st.floats(0.1, 1.5)
)
def test_limits_of_both_arms_hold_whatever_each_may_do(
    left: float, right: float, jerk: float, amplitude: float, frequency: float
) -> None:
    rig = rig_of(different(left, right, jerk))
    follow(rig, 0.5, amplitude * np.repeat([left, right], 6), frequency)
    assert "running" in rig.modes
    assert rig.speed() > 0.0
    rig.core.estop()
    rig.run(0.4, 0.01)
    rig.assert_within_limits()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("shares", [(1.0, 1.0), (1.0, 0.1), (0.2, 0.7)])
def test_an_arm_that_is_no_longer_heard_of_stops_both_in_one_tick(side: str, shares: tuple[float, float]) -> None:
    rig = rig_of(different(*shares, 1.0))
    follow(rig, 1.0, 0.2, 0.4)
    lost = [name for name in ALOHA.joint_names if name.startswith(side)]
    heard = [k for k, name in enumerate(ALOHA.joint_names) if name not in lost]
    rig.sensors = False
    speeds: list[np.ndarray] = []
    for k in range(300):
        state = rig.joint_state(
            names=tuple(ALOHA.joint_names[j] for j in heard),
            position=tuple(rig.measured[j] for j in heard),
            velocity=(0.0,) * len(heard),
        )
        command = rig.tick(0.01, state, *(motion(rig, 0.2, 0.4) if k % 4 == 0 else []))
        speeds.append(np.abs(command.velocity))
    modes = rig.modes[-300:]
    fault = modes.index("fault")
    assert 0.2 < 0.01 * fault < 0.5
    assert set(modes[:fault]) == {"running"}
    assert rig.core.state.reason is Reason.JOINT_STATES_LOST
    assert all(name in rig.core.intake.detail for name in lost)
    for arm in ALOHA.joint_slices:
        assert speeds[fault - 1][arm].max() > 0.0
        assert speeds[-1][arm].max() == 0.0
        # Neither arm is led on for a tick longer than the other.
        assert np.abs(np.diff([speed[arm] for speed in speeds[fault - 1 : fault + 2]], axis=0)).max() > 0.0
    rig.assert_within_limits()
