"""Whether the running controllers are those that the profile needs, and are set as it needs them."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from hume_core.node_settings import STREAM_RATE
from hume_core.robot import RobotProfile
from hume_tools.doctor.fixes import load_command, set_and_restart, start_command, yaml_line
from hume_tools.doctor.graph import Controller, Graph, Manager
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.interfaces import judge_interfaces
from hume_tools.doctor.roles import Role, roles
from hume_tools.doctor.trajectory import judge_trajectory


def judge_controllers(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    """Findings on the manager and on each controller that the profile names."""
    manager = graph.manager
    if manager is None:
        yield Finding("controller_manager", True, "the profile says that there is none")
        return
    if manager.controllers is None:
        fix = 'start it, or set controllers.controller_manager to "" in the profile of a robot that has none'
        yield Finding("controller_manager", False, manager.note, fix, optional=True)
        return
    for role in roles(profile):
        controller = manager.find(role.name)
        if controller is None:
            yield _not_loaded(role, manager, profile.prefix if profile.prefix_controllers else "")
            continue
        yield _state(role, controller, manager)
        yield from judge_interfaces(role, controller, manager)
        if not role.is_action:
            yield _update_rate(role, controller, manager, profile)
        if role.is_trajectory:
            yield from judge_trajectory(role, controller, manager, profile)


def _not_loaded(role: Role, manager: Manager, prefix: str) -> Finding:
    loaded = ", ".join(controller.name for controller in manager.controllers or ()) or "none"
    fix = f"{load_command(manager, role.name, role.joints)}. Or correct {role.section} in the profile"
    if prefix and manager.find(role.name.removeprefix(prefix)) is not None:
        fix = f"this driver's controllers have no prefix '{prefix}'. Choose prefix_controllers:=false at launch"
    return Finding(role.what, False, f"{role.name} is not loaded. Loaded: {loaded}", fix)


def _state(role: Role, controller: Controller, manager: Manager) -> Finding:
    found = f"{controller.name} is {controller.state}, {controller.type}"
    if role.classes and not any(word in controller.type for word in role.classes):
        fix = f"type {role.kind} needs {' or '.join(role.classes)}. Correct {role.section} in the profile"
        return Finding(role.what, False, found, fix)
    if controller.state != "active":
        return Finding(role.what, False, found, start_command(manager, controller, role.joints))
    if controller.chained:
        fix = f"name the first controller of the chain in {role.section}, or stop the one before {controller.name}"
        return Finding(role.what, False, f"{found}, but another controller commands it: it takes no messages", fix)
    return Finding(role.what, True, found)


def _update_rate(role: Role, controller: Controller, manager: Manager, profile: RobotProfile) -> Finding:
    what, stream = f"{role.what}: update rate", profile.rates.stream
    own = (controller.parameters or {}).get("update_rate") or 0
    rate = controller.update_rate or own or manager.update_rate
    if rate <= 0:
        fix = f"it must be at least rates.stream, {stream:g} Hz: {yaml_line(manager.name, update_rate=ceil(stream))}"
        return Finding(what, False, f"{controller.name} does not tell its update rate", fix, optional=True)
    # The manager's rate is the most that a controller can have.
    slow = manager.name if manager.update_rate < stream else manager.node_name(controller.name)
    fix = set_and_restart(slow, update_rate=ceil(stream))
    if rate >= (STREAM_RATE.low or 0.0):
        fix += f". Or set rates.stream to {rate} in the profile"
    found = f"{rate} Hz, commands come at {stream:g} Hz"
    if rate < stream:
        return Finding(what, False, f"{found}: some are never used", fix)
    promises = {arm.controller_field: arm.controller.update_rate for arm in profile.arms}
    promised = promises.get(role.section)
    if promised is not None and rate < promised:
        fix = f"set update_rate: {rate} in {role.section} of the profile"
        return Finding(what, False, f"{found}, timed for the {promised:g} Hz of the profile", fix)
    return Finding(what, True, found)
