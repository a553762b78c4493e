"""Controllers that go away and come back, and others who command the arm, on a live graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import System1Status
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_training.default_checkpoint import default_checkpoint

services = pytest.importorskip("controller_manager_msgs.srv", reason="needs controller_manager_msgs")
Switch = services.SwitchController

pytestmark = pytest.mark.ros

PROFILE = RobotProfile.load("wx250s_sim")
ARM = PROFILE.arm.controller
STILL = 1e-6  # rad


class Robot:
    """The mock robot, its controllers, and what was said to it."""

    def __init__(self, trial: Trial, begin: Callable[[], Any]) -> None:
        self.trial, self.begin, self.process = trial, begin, begin()
        self.commands: list[Any] = []
        self.measured: list[Any] = []
        node = trial.node
        node.create_subscription(Float64MultiArray, ARM.topic, lambda m: self.commands.append(list(m.data)), 200)
        node.create_subscription(JointState, PROFILE.joint_states, self._note, qos.SENSOR)

    def _note(self, message: JointState) -> None:
        self.measured.append(message.position[: len(PROFILE.joints)])

    def switch(self, active: bool) -> None:
        """Start or stop the arm's controller."""
        names = [ARM.controller_name]
        request = Switch.Request(strictness=Switch.Request.STRICT)
        request.activate_controllers, request.deactivate_controllers = (names, []) if active else ([], names)
        assert self.trial.call(Switch, "controller_manager/switch_controller", request).ok

    def restart(self) -> None:
        """The robot's process is killed and comes back with the arm at home."""
        self.process.crash()
        self.trial.wait(lambda: self.trial.is_mode(System1Status.FAULT), 10.0, "a fault")
        self.measured.clear()
        self.process = self.begin()
        self.trial.wait(lambda: len(self.measured) > 20, 30.0, "joint states")

    def reset(self) -> None:
        """Leave FAULT or ESTOP, and go on."""
        self.trial.call(Trigger, "hume_system1/reset", Trigger.Request())
        self.trial.send_goal("lift the red cube")
        self.trial.wait(self.trial.moves, 60.0, "motion")

    def says_nothing_for(self, seconds: float) -> None:
        """No command comes, and the arm does not move."""
        self.commands.clear()
        self.measured.clear()
        self.trial.spin(seconds)
        assert not self.commands
        assert np.ptp(np.array(self.measured), axis=0).max() <= STILL
        self.place = np.array(self.measured[-1])

    def starts_where_the_arm_is(self) -> None:
        """The first command since nothing was said asks for the position that was measured then."""
        self.trial.wait(lambda: self.commands, 20.0, "a command")
        assert np.abs(np.array(self.commands[0]) - self.place).max() < 1e-3


@pytest.fixture(params=[True, False], ids=["limited", "unlimited"])
def robot(request: pytest.FixtureRequest, ros_domain: int, start: Callable[..., Any]) -> Iterator[Robot]:
    """The stack on a mock robot with a manager, by both settings of its `enforce_command_limits`."""

    def begin() -> Any:
        options = {"robot": PROFILE.name, "camera_rate": 20.0, "enforce_command_limits": request.param}
        return start("hume_sim", "hume_mock", **options)

    with Trial(LaunchOptions(seed=0, candidates=2), nodes="robot") as trial:
        yield Robot(trial, begin)


def test_controllers_that_come_back_meet_their_arm_where_it_stands(robot: Robot) -> None:
    trial = robot.trial
    trial.start_task()
    robot.switch(active=False)
    trial.wait(lambda: f"{ARM.controller_name} is inactive" in trial.status.reason, 5.0, "the reason")
    assert trial.is_mode(System1Status.HOLD)
    robot.says_nothing_for(1.0)
    robot.switch(active=True)
    robot.starts_where_the_arm_is()
    trial.wait(trial.moves, 20.0, "motion")

    trial.call(Trigger, "hume_system1/estop", Trigger.Request())
    trial.wait(lambda: trial.is_mode(System1Status.ESTOP) and trial.status.standing_still, 5.0, "emergency stop")
    trial.spin(0.3)
    robot.switch(active=False)
    robot.says_nothing_for(0.5)
    robot.switch(active=True)
    robot.says_nothing_for(0.5)
    robot.reset()

    robot.restart()
    robot.says_nothing_for(1.0)
    np.testing.assert_allclose(robot.place, PROFILE.home, atol=STILL)
    trial.call(Trigger, "hume_system1/reset", Trigger.Request())
    trial.send_goal("lift the red cube")
    robot.starts_where_the_arm_is()
    trial.wait(trial.moves, 60.0, "motion")


def test_a_second_commander_is_a_fault_with_its_name_and_a_second_system1_is_refused(
    robot: Robot, start: Callable[..., Any]
) -> None:
    trial = robot.trial
    trial.start_task()
    options = {"robot": PROFILE.name, "checkpoint": default_checkpoint(PROFILE.name)}
    second = start("hume_system1", "system1_node", **options, autostart=True, exit_on_failure=True)
    trial.wait(lambda: not second.alive, 60.0, "the refusal of a second System 1")
    assert "somebody else commands this robot" in second.output
    assert "/hume_system1" in second.output
    assert "Traceback" not in second.output
    assert "publishes on" not in trial.status.reason

    # A third process that starts may starve the simulator for a moment.
    trial.wait(trial.moves, 60.0, "motion")
    publisher = trial.node.create_publisher(Float64MultiArray, ARM.topic, 1)
    trial.wait(lambda: trial.is_mode(System1Status.FAULT), 5.0, "a fault")
    assert f"/hume_trial publishes on {ARM.topic}" in trial.status.reason
    trial.node.destroy_publisher(publisher)
    trial.wait(lambda: trial.status.standing_still, 5.0, "standstill")
    robot.reset()
