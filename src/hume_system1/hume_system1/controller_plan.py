"""Which controllers are stopped and started so that the robot takes System 1's commands, and back. No ROS."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hume_core.controller_commands import (
    configure_controller,
    interface_joint,
    load_controller,
    switch_controllers,
)
from hume_core.errors import ControllerError

_ACTIVE, _INACTIVE = "active", "inactive"


@dataclass(frozen=True)
class ListedController:
    """A controller as its manager lists it.

    Attributes:
        name: without namespace.
        state: lifecycle state, such as `active`.
        claimed: command interfaces that it has now, `JOINT/INTERFACE`.
        required: command interfaces that it claims while it is active.
    """

    name: str
    state: str
    claimed: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class ControllerSwitch:
    """Names of the controllers to stop and to start at once. False: there is nothing to do."""

    activate: tuple[str, ...] = ()
    deactivate: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.activate or self.deactivate)

    def back(self) -> ControllerSwitch:
        """The opposite."""
        return ControllerSwitch(self.deactivate, self.activate)

    def is_done(self, listed: Sequence[ListedController]) -> bool:
        """Whether the controllers are as they are after this switch."""
        active = {controller.name for controller in listed if controller.state == _ACTIVE}
        return active.issuperset(self.activate) and active.isdisjoint(self.deactivate)


def switch_to(
    names: Sequence[str], joints: Collection[str], listed: Sequence[ListedController], manager: str
) -> ControllerSwitch:
    """What makes the controllers of a robot profile active.

    Others stop where they command one of the joints, by whatever interface. The rest stays as it is.

    Args:
        names: controllers of the profile.
        joints: of the profile, arms and grippers, for controllers that do not tell theirs.
        listed: what the manager lists.
        manager: full name of its node, for the commands in an error.

    Raises:
        ControllerError: a controller of the profile is not loaded, or is not configured.
    """
    known = {controller.name: controller for controller in listed}
    start = [name for name in names if name not in known or known[name].state != _ACTIVE]
    for name in start:
        _check_startable(name, known, manager)
    own = {interface_joint(each, known) for name in start for each in known[name].required} or set(joints)
    stop = [
        controller.name
        for controller in listed
        if start and controller.name not in names and controller.state == _ACTIVE and _joints(controller, known) & own
    ]
    return ControllerSwitch(tuple(start), tuple(stop))


def refusal(switch: ControllerSwitch, listed: Sequence[ListedController], reason: str, manager: str) -> ControllerError:
    """The error where the manager has not made a switch.

    Args:
        switch: what it was asked for.
        listed: what it lists after that.
        reason: what it said. Empty: nothing.
        manager: full name of its node.
    """
    known = {controller.name: controller for controller in listed}
    owners = {interface: controller.name for controller in listed for interface in controller.claimed}
    problems, stop = [], list(switch.deactivate)
    for name in switch.activate:
        controller = known.get(name)
        if controller is not None and controller.state == _ACTIVE:
            continue
        taken = [each for each in controller.required if each in owners] if controller is not None else []
        problem = f"controller '{name}' is {controller.state if controller is not None else 'not loaded'}"
        if taken:
            problem += f", and its interface '{taken[0]}' is claimed by '{owners[taken[0]]}'"
            stop += [owners[each] for each in taken if owners[each] not in stop]
        problems.append(problem)
    problems += [f"controller '{name}' is still active" for name in switch.deactivate if _is_active(known.get(name))]
    said = f". It says: {reason.strip().rstrip('.')}" if reason.strip() else ""
    return ControllerError(
        f"{manager} does not switch the controllers: {', '.join(problems)}{said}. "
        f"Type: {switch_controllers(manager, switch.activate, stop)}"
    )


def _check_startable(name: str, known: dict[str, ListedController], manager: str) -> None:
    if name not in known:
        raise ControllerError(
            f"controller '{name}' of the robot profile is not loaded by {manager}. "
            f"Loaded: {', '.join(known) or 'none'}. Type: {load_controller(manager, name, inactive=True)}"
        )
    state = known[name].state
    if state != _INACTIVE:
        raise ControllerError(
            f"controller '{name}' of the robot profile is {state}. Valid: active or inactive. "
            f"Type: {configure_controller(manager, name)}"
        )


def _is_active(controller: ListedController | None) -> bool:
    return controller is not None and controller.state == _ACTIVE


def _joints(controller: ListedController, known: Collection[str]) -> set[str]:
    return {interface_joint(interface, known) for interface in controller.claimed}
