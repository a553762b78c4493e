"""Faults that a test can switch on and off while the simulator runs."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import SetBool

FAULTS = ("pause_cameras", "pause_joint_states", "lie_joint_states", "freeze_clock")


class Faults:
    """One switch per fault, each behind a service `sim/faults/<name>`.

    Attributes:
        pause_cameras: no images and no camera info.
        pause_joint_states: no joint states.
        lie_joint_states: reported arm positions are off by a constant.
        freeze_clock: /clock stops.
    """

    def __init__(self, node: Node) -> None:
        self.pause_cameras = self.pause_joint_states = self.lie_joint_states = self.freeze_clock = False
        for name in FAULTS:
            node.create_service(SetBool, f"sim/faults/{name}", self._setter(node, name))

    def _setter(self, node: Node, name: str) -> Callable[[SetBool.Request, SetBool.Response], SetBool.Response]:
        def respond(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
            setattr(self, name, request.data)
            response.success, response.message = True, f"{name} is {'on' if request.data else 'off'}"
            node.get_logger().warning(f"fault {response.message}")
            return response

        return respond
