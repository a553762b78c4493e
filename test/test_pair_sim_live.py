"""Two arms at the simulated table: both move, a fault of one stops both within limits, by either kind of controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import EpisodeState, System1Status
from hume_msgs.srv import ResetScene
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import SetBool

from hume_bench.fault_trials import published_ratios
from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.robot import RobotProfile, find_profile
from hume_ros import qos
from hume_ros.conversions import known_joint_values
from hume_system1.control.states import Mode
from hume_training.default_checkpoint import random_checkpoint

pytestmark = pytest.mark.ros

PAIR = RobotProfile.load("wx250s_pair_sim")
LIMITS = PAIR.motion_limits()
LEFT, RIGHT = PAIR.joint_slices
MOVED = 0.005  # rad
RELATIVE = 1e-9
# A machine that stands still for 0.3 s would end the task before the test causes its fault.
SLACK = {"hume_system1": {"joint_state_age": 2.0, "heartbeat_age": 10.0, "clock_frozen": 5.0, "clock_jump": 10.0}}


class Measured:
    """Joint states and images as they come."""

    def __init__(self, trial: Trial) -> None:
        self.states: list[JointState] = []
        self.images: dict[str, Image] = {}
        trial.node.create_subscription(JointState, PAIR.joint_states, self.states.append, qos.JOINT_STATES)
        for key, camera in PAIR.cameras.items():
            trial.node.create_subscription(Image, camera.topic, lambda image, k=key: self.images.update({k: image}), 2)

    def way(self, joints: slice) -> float:
        """How far the joints of an arm have gone so far, rad."""
        rows = np.array([known_joint_values(state, PAIR.joint_names[joints]) for state in self.states])
        return float(np.ptp(rows[np.isfinite(rows).all(axis=1)], axis=0).max())

    def names(self) -> set[str]:
        """Joints of the newest state."""
        return set(self.states[-1].name)


def wait_for_both(trial: Trial, measured: Measured) -> None:
    """Until both arms have moved, are moving, and every camera has shown something."""
    trial.start_task("lift the red cube")
    trial.wait(lambda: len(measured.images) == len(PAIR.cameras), 30.0, "images of every camera")
    trial.wait(lambda: all(measured.way(arm) > MOVED for arm in (LEFT, RIGHT)), 60.0, "both arms moving")
    trial.wait(trial.moves, 30.0, "motion")


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("left_pause_joint_states", ("joint states",)),
        ("right_pause_joint_states", ("joint states",)),
        ("right_lie_joint_states", ("differ too much", "contradict")),
    ],
)
def test_a_fault_of_one_arm_is_a_controlled_stop_of_both(ros_domain: int, fault: str, reasons: tuple[str, ...]) -> None:
    side = fault.partition("_")[0]
    other = {"left": "right", "right": "left"}[side]
    # A made checkpoint keeps the arms near home, so that nothing but the fault stops them.
    options = LaunchOptions(robot=PAIR.name, checkpoint=str(random_checkpoint(PAIR)), seed=0, candidates=3)
    with Trial(options, SLACK | {"hume_sim": {"lie_offset": 0.6}}) as trial:
        measured = Measured(trial)
        wait_for_both(trial, measured)
        assert measured.names() == {*PAIR.joint_names, *PAIR.gripper_names}
        assert trial.call(SetBool, f"sim/faults/{fault}", SetBool.Request(data=True)).success
        trial.wait(lambda: trial.is_mode(System1Status.FAULT), 20.0, "the fault")
        trial.wait(lambda: bool(trial.status.standing_still), 5.0, "both arms standing still")
        reason = str(trial.status.reason)
        assert any(words in reason for words in reasons), reason
        silent = "pause" in fault
        assert (f"{side}_" in reason) == silent, "only silence says whose joints it is"
        assert f"{other}_" not in reason
        assert {name.partition("_")[0] for name in measured.names()} == ({other} if silent else {side, other})
        # It is a person who lets them go on.
        trial.call(SetBool, f"sim/faults/{fault}", SetBool.Request(data=False))
        trial.spin(1.0)
        assert trial.is_mode(System1Status.FAULT)
        assert trial.status.standing_still
        recording = trial.stop()
    for arm in (LEFT, RIGHT):
        assert np.ptp(recording.positions[:, arm], axis=0).max() > MOVED
    assert recording.modes[-1] is Mode.FAULT
    assert not recording.velocities[-1].any()
    ratios = published_ratios(recording, LIMITS)
    assert 0.0 < ratios.worst <= 1.0 + RELATIVE
    assert ratios.outside == 0.0


def test_both_arms_play_trajectories_on_simulated_time(ros_domain: int, tmp_path: Path) -> None:
    path = tmp_path / f"{PAIR.name}.yaml"
    text = find_profile(PAIR.name).read_text(encoding="utf-8").replace("forward_command_", "joint_trajectory_")
    path.write_text(text.replace("_arm_controller/commands", "_arm_controller/joint_trajectory"), encoding="utf-8")
    episodes: list[Any] = []
    options = LaunchOptions(robot=str(path), seed=0, candidates=3, use_sim_time=True)
    with Trial(options, SLACK) as trial:
        measured = Measured(trial)
        trial.node.create_subscription(EpisodeState, "sim/episode", episodes.append, qos.LATCHED)
        wait_for_both(trial, measured)
        assert trial.call(ResetScene, "sim/reset", ResetScene.Request(seed=11, task="lift blue")).success
        trial.wait(lambda: episodes and episodes[-1].seed == 11, 20.0, "the new scene")
        assert episodes[-1].task == "lift blue"
        ratios = published_ratios(trial.stop(), LIMITS)
    assert 0.0 < ratios.worst <= 1.0 + RELATIVE
