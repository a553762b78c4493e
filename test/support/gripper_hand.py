"""A gripper's sink under a stream of commands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.msg import Log
from sensor_msgs.msg import JointState

from hume_core.robot import Gripper
from hume_ros.timers import steady_timer
from hume_system1 import gripper_client
from hume_system1.control.command import Command
from hume_system1.control.states import Mode
from hume_system1.gripper_client import goal_message
from hume_system1.gripper_sinks import GripperActionSink

TIMEOUT = 40.0  # s
_WARN = 30


@dataclass
class Robot:
    """A profile as a file, and what of it the tests use."""

    path: Path
    action: str
    joint_states: str
    gripper: Gripper


class Hand:
    """A sink under a stream of commands, and what the stand-in says about the gripper.

    Attributes:
        command: sent to the sink 100 times a second. Its time is kept up while `streaming`.
        position: newest measured one, nan before the first.
        goals: positions of the goals sent.
        warnings: of the node.
    """

    def __init__(self, observer: Any, robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.observer, self.gripper = observer, robot.gripper
        self.command, self.streaming = Command(1, 1), True
        self.command.mode = Mode.RUNNING
        self.position = float("nan")
        self.goals: list[Any] = []
        self.warnings: list[str] = []
        node = observer.node
        stopped = lambda: self.command.mode is Mode.ESTOP  # noqa: E731
        self.sink = GripperActionSink(node, robot.action, robot.gripper, lambda: self.position, stopped)
        monkeypatch.setattr(gripper_client, "goal_message", self._note_goal)
        self._subscriptions = [
            node.create_subscription(JointState, robot.joint_states, self._on_joints, 10),
            node.create_subscription(Log, "/rosout", self._on_log, 100),
        ]
        self._timer = steady_timer(node, 0.01, self._stream)

    def want(self, position: float) -> None:
        self.command.gripper_targets[0] = position

    def arrives(self, position: float) -> None:
        self.observer.until(lambda: abs(self.position - position) < 1e-6, TIMEOUT, f"gripper at {position}")

    def close(self) -> None:
        self.sink.close()
        self.streaming = False
        self.observer.node.destroy_timer(self._timer)
        for subscription in self._subscriptions:
            self.observer.node.destroy_subscription(subscription)
        # The executor lets go of the client at its next turn. Only then may the next one have another type.
        self.observer.spin(0.2)

    def _note_goal(self, *args: Any) -> Any:
        self.goals.append(goal_message(*args))
        return self.goals[-1]

    def _stream(self) -> None:
        if self.streaming:
            self.command.time = time.monotonic()
            self.sink.send(self.command)

    def _on_joints(self, message: JointState) -> None:
        if self.gripper.joint in message.name:
            self.position = message.position[message.name.index(self.gripper.joint)]

    def _on_log(self, message: Log) -> None:
        if message.name == self.observer.node.get_name() and message.level >= _WARN:
            self.warnings.append(message.msg)
