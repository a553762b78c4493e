"""Faults that a test can switch on and off while the simulator runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.node import Node
from std_srvs.srv import SetBool

from hume_sim.arm import ArmNames
from hume_sim.fault_names import faults_of


class Faults:
    """One switch per fault, each behind a service `sim/faults/<name>`.

    - `pause_cameras`: no images and no camera info.
    - `pause_joint_states`: no joint states.
    - `lie_joint_states`: reported arm positions are off by a constant.
    - `freeze_clock`: /clock stops.

    Args:
        node: has the services.
        arms: at the table.
    """

    def __init__(self, node: Node, arms: Sequence[ArmNames]) -> None:
        self._is_on = dict.fromkeys(faults_of(arms), False)
        for name in self._is_on:
            node.create_service(SetBool, f"sim/faults/{name}", self._setter(node, name))

    def is_on(self, name: str) -> bool:
        """Whether a fault is there, of everything."""
        return self._is_on[name]

    def is_on_for(self, arm: ArmNames, name: str) -> bool:
        """Whether a fault is there for an arm: for all, or for this one by itself."""
        return self._is_on[name] or self._is_on.get(arm.prefix + name, False)

    def _setter(self, node: Node, name: str) -> Callable[[SetBool.Request, SetBool.Response], SetBool.Response]:
        def respond(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
            self._is_on[name] = bool(request.data)
            response.success, response.message = True, f"{name} is {'on' if request.data else 'off'}"
            node.get_logger().warning(f"fault {response.message}")
            return response

        return respond
