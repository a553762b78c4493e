"""Whether a controller's command interfaces are the positions of the profile's joints, in the order of commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hume_tools.doctor.fixes import set_and_restart
from hume_tools.doctor.graph import Controller, Manager
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.roles import Role

_POSITION = "position"
_MISREAD = {"velocity": "velocities, rad/s", "effort": "torques, Nm", "acceleration": "accelerations, rad/s^2"}


def judge_interfaces(role: Role, controller: Controller, manager: Manager) -> Iterator[Finding]:
    """Joints and kind of the interfaces. Nothing where the controller tells neither."""
    interfaces = _interfaces(controller)
    if not interfaces:
        fix = f"it tells them once it is configured: ros2 control set_controller_state {controller.name} inactive"
        found = f"{controller.name} does not tell its command interfaces"
        yield Finding(f"{role.what}: joints", False, found, f"{fix} -c {manager.name}", optional=True)
        return
    yield _joints(role, controller, manager, interfaces)
    if not role.is_action:
        yield _kind(role, controller, manager, interfaces)


def _interfaces(controller: Controller) -> tuple[str, ...]:
    """Command interfaces in the controller's order, without the one that sets the robot's speed."""
    parameters = controller.parameters or {}
    speed = parameters.get("speed_scaling.command_interface")
    listed = tuple(interface for interface in controller.interfaces if interface != speed)
    if listed:
        return listed
    kinds = parameters.get("command_interfaces") or [parameters.get("interface_name") or _POSITION]
    return tuple(f"{joint}/{kind}" for joint in parameters.get("joints") or () for kind in kinds)


def _joints(role: Role, controller: Controller, manager: Manager, interfaces: Sequence[str]) -> Finding:
    parameters = controller.parameters or {}
    taken = list(dict.fromkeys(manager.joint(interface) for interface in interfaces))
    # A trajectory must name all joints of the parameter, even those that are only watched.
    named = taken if role.is_action else list(parameters.get("joints") or taken)
    missing = [joint for joint in role.joints if joint not in taken]
    extra = [joint for joint in dict.fromkeys((*taken, *named)) if joint not in role.joints]
    if role.is_action or (role.is_trajectory and parameters.get("allow_partial_joints_goal")):
        extra = []
    problems = [f"missing: {', '.join(missing)}"] if missing else []
    problems += [f"not in the profile: {', '.join(extra)}"] if extra else []
    if not problems and not role.is_trajectory and not role.is_action and named != list(role.joints):
        problems = ["in another order than the profile: commands would go to wrong joints"]
    found = f"{controller.name} takes {', '.join(named)}"
    fix = set_and_restart(manager.node_name(controller.name), joints=list(role.joints))
    if role.is_action:
        fix = set_and_restart(manager.node_name(controller.name), joint=role.joints[0])
    fix += f". Or correct the joints, or {role.section}, in the profile"
    return Finding(f"{role.what}: joints", not problems, "; ".join([found, *problems]), fix)


def _kind(role: Role, controller: Controller, manager: Manager, interfaces: Sequence[str]) -> Finding:
    of_joint: dict[str, set[str]] = {}
    for interface in interfaces:
        of_joint.setdefault(manager.joint(interface), set()).add(interface.rpartition("/")[2])
    good = all(kinds == {_POSITION} or (role.is_trajectory and _POSITION in kinds) for kinds in of_joint.values())
    kinds = sorted(set().union(*of_joint.values()))
    found = f"{controller.name} commands {', '.join(kinds)}"
    wanted: dict[str, Any] = (
        {"command_interfaces": [_POSITION]} if role.is_trajectory else {"interface_name": _POSITION}
    )
    fix = set_and_restart(manager.node_name(controller.name), **wanted)
    return Finding(f"{role.what}: interface", good, found if good else f"{found}: {_reason(role, kinds)}", fix)


def _reason(role: Role, kinds: Sequence[str]) -> str:
    if role.is_trajectory:
        return "the arm would follow only as well as the gains of the controller, which are 0 unless they are set"
    misread = [_MISREAD.get(kind, kind) for kind in kinds if kind != _POSITION]
    return f"it would take the positions that are sent for {' and '.join(misread)}"
