"""Makes the profile's controllers active before System 1 commands them, and those that were active before at its end.

Source of the calls: the services of ros2_control's `controller_manager`, as its `spawner` uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState

from hume_core.errors import ConfigError, ControllerError
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.service_calls import call_until_answered
from hume_system1.control.continuous import ContinuousJoints
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.joint_states import JointStates
from hume_system1.control.plausibility import Plausibility
from hume_system1.controller_plan import ControllerSwitch, ListedController, refusal, switch_to
from hume_system1.inputs import joint_state_event

_START_TIMEOUT = 5.0  # s for each answer, and until the arm is seen to stand still
_END_TIMEOUT = 0.6  # s: `hume up` gives its processes two seconds to end
_SWITCH_TIMEOUT = 5  # s that the manager may take, as its spawner allows
_STILL = 0.2  # s for which the arm has to stand still: where it turns round it does so for a moment too
_SPIN = 0.02  # s


class ControllerSwitcher:
    """Switches the controllers of one robot. Spin thread only: it waits for the manager's answers.

    Where it waits, the node that owns it is inside a callback. So the questions are those of a node of its own.

    Args:
        node: owner.
        profile: which controllers, and whose joints have to stand still.
        control: when a joint counts as still, and how many joint states have to say so.

    Raises:
        ConfigError: the profile names no controllers under a manager, or `controller_manager_msgs` is not installed.
    """

    def __init__(self, node: Node, profile: RobotProfile, control: ControlSettings) -> None:
        if not profile.managed_controllers:
            raise ConfigError(
                f"activate_controllers is on, but robot '{profile.name}' has no controllers under a manager. "
                "Name them in the robot profile, or leave activate_controllers off"
            )
        try:
            from controller_manager_msgs import srv
        except ImportError:
            raise ConfigError(
                "activate_controllers needs controller_manager_msgs, which is not installed: "
                "apt install ros-$ROS_DISTRO-controller-manager-msgs"
            ) from None
        self._profile, self._control, self._logger = profile, control, node.get_logger()
        self._manager = node.resolve_service_name(profile.controller_manager)
        self._joint_states = node.resolve_topic_name(profile.joint_states)
        self._srv = srv
        self._node = Node(
            f"{node.get_name()}_controllers",
            namespace=node.get_namespace(),
            context=node.context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(self._node)
        self._list: Any = self._node.create_client(srv.ListControllers, f"{self._manager}/list_controllers")
        self._switch: Any = self._node.create_client(srv.SwitchController, f"{self._manager}/switch_controller")
        self._made = ControllerSwitch()

    def take(self) -> None:
        """Make the profile's controllers active. An arm that moves is waited for.

        Raises:
            ControllerError: the manager does not answer or refuses, or the arm does not stand still.
        """
        profile = self._profile
        joints = [*profile.joint_names, *(gripper.joint for gripper in profile.grippers if gripper.joint)]
        switch = switch_to(profile.managed_controllers, joints, self._listed(_START_TIMEOUT), self._manager)
        if not switch:
            self._logger.info("the controllers of the robot profile are active already")
            return
        self._await_standstill(_START_TIMEOUT)
        # Before the answer: a manager that switches too late for this node is told to switch back too.
        self._made = switch
        self._make(switch, _START_TIMEOUT)
        self._logger.info(f"controllers switched: {_described(switch)}")

    def give_back(self, clean: bool) -> None:
        """Make active what was active before `take`. Says in the log where it does not.

        Args:
            clean: System 1 was not stopped by a fault or an emergency stop, and its command is at rest.
        """
        made, self._made = self._made, ControllerSwitch()
        if not made:
            return
        back = made.back()
        try:
            if not clean:
                raise ControllerError("System 1 did not end at rest, or was stopped by a fault or an emergency stop")
            if not made.is_done(self._listed(_END_TIMEOUT)):
                self._logger.info("the controllers stay as they are: somebody else has switched them meanwhile")
                return
            self._await_standstill(_END_TIMEOUT)
            self._make(back, _END_TIMEOUT)
        except ControllerError as error:
            self._logger.warning(f"the controllers are not switched back ({_described(back)}): {error}")
            return
        self._logger.info(f"controllers switched back: {_described(back)}")

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=0.5)
        self._node.destroy_node()

    def _spin(self) -> None:
        self._executor.spin_once(timeout_sec=_SPIN)

    def _listed(self, timeout: float) -> list[ListedController]:
        answer = self._call(self._list, self._srv.ListControllers.Request(), timeout)
        return [
            ListedController(
                each.name, each.state, tuple(each.claimed_interfaces), tuple(each.required_command_interfaces)
            )
            for each in answer.controller
        ]

    def _make(self, switch: ControllerSwitch, timeout: float) -> None:
        request = self._srv.SwitchController.Request(
            activate_controllers=list(switch.activate),
            deactivate_controllers=list(switch.deactivate),
            strictness=self._srv.SwitchController.Request.STRICT,
            activate_asap=True,
        )
        request.timeout.sec = _SWITCH_TIMEOUT
        answer = self._call(self._switch, request, timeout)
        # The states decide: a request that was repeated because its answer got lost is refused the second time.
        listed = self._listed(timeout)
        if not switch.is_done(listed):
            raise refusal(switch, listed, getattr(answer, "message", ""), self._manager)

    def _call(self, client: Any, request: Any, timeout: float) -> Any:
        answer = None
        if client.wait_for_service(timeout_sec=timeout):
            answer = call_until_answered(client, request, self._spin, timeout)
        if answer is None:
            raise ControllerError(
                f"{client.srv_name} did not answer within {timeout:g} s. Start the robot's driver first, or switch the "
                "controllers by hand and leave activate_controllers off"
            )
        return answer

    def _await_standstill(self, timeout: float) -> None:
        """Wait until joint states say that the arm is still: it must not change hands while it moves."""
        arm = self._measured()
        subscription = self._node.create_subscription(
            JointState, self._joint_states, self._taker(arm), qos.JOINT_STATES
        )
        now = still_since = time.monotonic()
        deadline = now + timeout
        try:
            while now < deadline:
                self._spin()
                now = time.monotonic()
                if not self._is_still(arm, now):
                    still_since = now
                elif now - still_since >= _STILL:
                    return
        finally:
            self._node.destroy_subscription(subscription)
        raise ControllerError(_not_still(arm, self._profile.joint_names, timeout))

    def _is_still(self, arm: JointStates, now: float) -> bool:
        control = self._control
        fresh = now - arm.received <= control.joint_state_age and arm.agreeing >= control.start_states
        return fresh and arm.slower_than(control.still_velocity)

    def _measured(self) -> JointStates:
        limits, control = self._profile.motion_limits(), self._control
        continuous = ContinuousJoints(limits)
        return JointStates(limits.names, (), control.future, Plausibility(limits, control), continuous)

    def _taker(self, arm: JointStates) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            event = joint_state_event(message)
            # By arrival: the stamps are for the control core to judge.
            arm.take(event, event.received, event.stamp)

        return take


def _described(switch: ControllerSwitch) -> str:
    parts = [f"{', '.join(names)} {state}" for names, state in _states(switch) if names]
    return ", ".join(parts)


def _states(switch: ControllerSwitch) -> tuple[tuple[tuple[str, ...], str], ...]:
    return (switch.activate, "active"), (switch.deactivate, "inactive")


def _not_still(arm: JointStates, names: tuple[str, ...], timeout: float) -> str:
    """Why an arm is not known to stand still, and what to do."""
    if arm.problem():
        return f"it is not known whether the arm stands still: {arm.problem()}. Start the robot's driver first"
    speeds = [abs(speed) for speed in arm.velocity]
    fastest = max(range(len(speeds)), key=speeds.__getitem__)
    return (
        f"the arm did not stand still within {timeout:g} s: joint '{names[fastest]}' was measured last at "
        f"{speeds[fastest]:.2g} rad/s. Controllers are switched only at standstill. Bring it to rest, then start again"
    )
