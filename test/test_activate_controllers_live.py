"""System 1 makes the controllers of its profile active, and at its end those from before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState

from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.errors import ConfigError, ControllerError
from hume_core.robot import RobotProfile
from hume_ros.timers import steady_timer
from hume_sim.mock_controllers import MockController, forward_controller, trajectory_controller
from hume_sim.mock_manager import MockManager
from hume_system1 import controller_switcher
from hume_system1.control.control_settings import ControlSettings
from hume_system1.controller_switcher import ControllerSwitcher
from hume_system1.robot_settings import control_settings

services = pytest.importorskip("controller_manager_msgs.srv", reason="needs controller_manager_msgs")
Switch = services.SwitchController

pytestmark = pytest.mark.ros

PROFILE = RobotProfile.load("wx250s_sim")
ARM, HAND = PROFILE.managed_controllers
JOINTS = PROFILE.joint_names
CONTROL = control_settings(PROFILE, ControlSettings())


def controllers() -> list[MockController]:
    """Another controller has the arm's joints, and one more controls none of them."""
    return [
        forward_controller(ARM, JOINTS, 200, starts_active=False),
        forward_controller(HAND, [PROFILE.grippers[0].joint], 200),
        trajectory_controller("planned", JOINTS, 200),
        forward_controller("lift", ["lift_joint"], 200),
    ]


class Robot:
    """A manager and joint states, spun by a thread of their own. `speed` moves the first joint, rad/s."""

    def __init__(self) -> None:
        self.speed, self._place = 0.0, 0.0
        self._node = Node("robot", use_global_arguments=False)
        self.manager = MockManager(self._node, PROFILE.controller_manager, controllers())
        self._publisher = self._node.create_publisher(JointState, PROFILE.joint_states, 10)
        steady_timer(self._node, 0.01, self._publish)
        self._executor = SingleThreadedExecutor()
        for node in (self._node, *self.manager.nodes):
            self._executor.add_node(node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def _publish(self) -> None:
        self._place += 0.01 * self.speed
        message = JointState(name=list(JOINTS), position=[self._place, *[0.0] * (len(JOINTS) - 1)])
        message.velocity = [self.speed, *[0.0] * (len(JOINTS) - 1)]
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def active(self) -> set[str]:
        """Names of the active controllers."""
        return {name for name in self.manager.states.controllers if self.manager.states.is_active(name)}

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(2.0)
        self.manager.close()
        self._node.destroy_node()


BEFORE, DURING = {HAND, "planned", "lift"}, {HAND, ARM, "lift"}


@pytest.fixture
def robot(ros_domain: int) -> Iterator[Robot]:
    """A robot whose arm another controller has."""
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture
def switcher(observer: Any) -> Iterator[ControllerSwitcher]:
    """Of the profile. Its owner is a node that nobody spins meanwhile."""
    switcher = ControllerSwitcher(observer.node, PROFILE, CONTROL)
    yield switcher
    switcher.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded computer may answer late: what is expected to happen has time, as nothing else ends there."""
    monkeypatch.setattr(controller_switcher, "_START_TIMEOUT", 20.0)
    monkeypatch.setattr(controller_switcher, "_END_TIMEOUT", 20.0)


@pytest.mark.usefixtures("patient")
def test_controllers_change_and_come_back(robot: Robot, switcher: ControllerSwitcher) -> None:
    for _ in range(2):
        assert robot.active() == BEFORE
        switcher.take()
        assert robot.active() == DURING
        switcher.take()
        assert robot.active() == DURING
        switcher.give_back(clean=True)
    assert robot.active() == BEFORE
    switcher.give_back(clean=True)
    assert robot.active() == BEFORE


@pytest.mark.usefixtures("patient")
def test_they_stay_after_a_stop_and_where_somebody_else_has_switched(
    robot: Robot, switcher: ControllerSwitcher
) -> None:
    switcher.take()
    switcher.give_back(clean=False)
    assert robot.active() == DURING

    robot.manager.states.switch(["planned"], [ARM], strict=True)
    switcher.take()
    robot.manager.states.switch([], [ARM], strict=True)
    switcher.give_back(clean=True)
    assert robot.active() == DURING - {ARM}


def test_nothing_is_switched_while_the_arm_moves(
    robot: Robot, switcher: ControllerSwitcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller_switcher, "_START_TIMEOUT", 20.0)
    monkeypatch.setattr(ControllerSwitcher, "_await_standstill", _briefly(ControllerSwitcher._await_standstill))
    robot.speed = 0.2
    with pytest.raises(ControllerError, match=rf"did not stand still .* joint '{JOINTS[0]}' .* 0\.2 rad/s"):
        switcher.take()
    assert robot.active() == BEFORE

    robot.speed = 0.0
    switcher.take()
    robot.speed = -0.3
    switcher.give_back(clean=True)
    assert robot.active() == DURING


def _briefly(wait: Callable[[ControllerSwitcher, float], None]) -> Callable[[ControllerSwitcher, float], None]:
    return lambda switcher, timeout: wait(switcher, 3.0)


@pytest.mark.usefixtures("patient")
def test_a_manager_that_refuses_is_one_error(
    robot: Robot, switcher: ControllerSwitcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robot.manager.states, "switch", lambda *_: (False, "the hardware is off"))
    with pytest.raises(ControllerError) as error:
        switcher.take()
    text = str(error.value)
    assert f"'{ARM}' is inactive" in text
    assert f"'{JOINTS[0]}/position' is claimed by 'planned'" in text
    assert "It says: the hardware is off" in text
    command = f"switch_controllers --activate {ARM} --deactivate planned -c /{PROFILE.controller_manager.lstrip('/')}"
    assert text.endswith(command)
    assert robot.active() == BEFORE


def test_a_manager_that_is_not_there_is_named(switcher: ControllerSwitcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller_switcher, "_START_TIMEOUT", 0.5)
    with pytest.raises(ControllerError, match=r"controller_manager/list_controllers did not answer within 0\.5 s"):
        switcher.take()


def test_a_robot_without_manager_has_nothing_to_activate(observer: Any) -> None:
    alone = PROFILE.model_copy(update={"controller_manager": ""})
    with pytest.raises(ConfigError, match="activate_controllers is on, but robot 'wx250s_sim' has no controllers"):
        ControllerSwitcher(observer.node, alone, CONTROL)


def test_system1_starts_the_arms_controller_and_stops_it_at_its_end(observer: Any, start: Callable[..., Any]) -> None:
    def states() -> dict[str, str]:
        request = services.ListControllers.Request()
        answer = observer.call(services.ListControllers, "controller_manager/list_controllers", request)
        return {controller.name: controller.state for controller in answer.controller}

    start("hume_sim", "hume_mock", robot=PROFILE.name, camera_rate=20.0)
    request = Switch.Request(strictness=Switch.Request.BEST_EFFORT, deactivate_controllers=[ARM])
    assert observer.call(Switch, "controller_manager/switch_controller", request).ok
    assert states() == {ARM: "inactive", HAND: "active"}
    with Trial(LaunchOptions(seed=0, candidates=2, activate_controllers=True), nodes="robot") as trial:
        trial.start_task()
        assert states() == {ARM: "active", HAND: "active"}
        trial.stop()
        assert states() == {ARM: "inactive", HAND: "active"}
