"""What was seen of a running robot. No ROS here: the listeners fill it in, the rules judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hume_core.controller_commands import interface_joint


@dataclass
class Source:
    """A topic that the policy reads.

    Attributes:
        topic: as in the profile.
        wanted_type: message type by the profile.
        published_types: types it is published with.
        arrivals: when messages came, s on the steady clock.
        ages: arrival minus stamp, s on the ROS clock. Negative: the publisher's clock is ahead.
        problem: why its newest message cannot be used. Empty: it can.
        qos_problems: node that publishes it -> why the stack cannot receive from it.
        publishers: names of the nodes that publish it, one for each publisher.
        unstamped: messages without a time stamp.
        elsewhere: topics of the same type and last name that somebody publishes, where nobody publishes this one.
    """

    topic: str
    wanted_type: str
    published_types: set[str] = field(default_factory=set)
    arrivals: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    problem: str = ""
    qos_problems: dict[str, str] = field(default_factory=dict)
    publishers: list[str] = field(default_factory=list)
    unstamped: int = 0
    elsewhere: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Messages per second. 0 with fewer than two."""
        if len(self.arrivals) < 2:
            return 0.0
        return (len(self.arrivals) - 1) / max(1e-6, self.arrivals[-1] - self.arrivals[0])


@dataclass(frozen=True)
class Endpoint:
    """A node that listens to a command topic, or publishes a stop.

    Attributes:
        node: its name, without namespace.
        type: message type.
        qos_problem: why messages do not pass between it and System 1. Empty: they do.
    """

    node: str
    type: str
    qos_problem: str = ""


@dataclass(frozen=True)
class Controller:
    """A controller that `controller_manager` lists.

    Attributes:
        name: without namespace.
        type: class name.
        state: unconfigured, inactive, active or finalized.
        update_rate: Hz. 0: it was not told.
        claimed: command interfaces it has now, `JOINT/INTERFACE`. None unless active.
        required: command interfaces it wants, in its own order. None while unconfigured.
        chained: another controller commands it, so it takes no messages.
        parameters: of its node, as far as the rules need them. None: they could not be read.
    """

    name: str
    type: str
    state: str
    update_rate: int = 0
    claimed: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    chained: bool = False
    parameters: Mapping[str, Any] | None = None

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The command interfaces it has or would have."""
        return self.required or self.claimed


@dataclass
class Manager:
    """The node that manages the controllers.

    Attributes:
        name: full name of the node.
        controllers: what it lists. None where it did not answer.
        note: why it did not.
        update_rate: Hz. 0: it was not told.
    """

    name: str
    controllers: list[Controller] | None = None
    note: str = ""
    update_rate: int = 0

    def find(self, name: str) -> Controller | None:
        """The controller of that name, if it is loaded."""
        return next((controller for controller in self.controllers or () if controller.name == name), None)

    def node_name(self, controller: str) -> str:
        """Full name of a controller's node: it is in the manager's namespace."""
        return f"{self.name.rpartition('/')[0]}/{controller}"

    def joint(self, interface: str) -> str:
        """The joint of a command interface, also where it leads through another controller of a chain."""
        return interface_joint(interface, [controller.name for controller in self.controllers or ()])


@dataclass
class Graph:
    """Everything that was seen.

    Attributes:
        joint_states: the topic of joint states.
        cameras: camera key -> its topic.
        joint_positions: joint name -> newest position, rad or m.
        joint_publishers: joint name -> who publishes it, as far as that is known.
        no_velocity: joints whose velocity is not a number.
        listeners: command topic -> who listens.
        commanders: command topic -> nodes that publish on it.
        actions: action of the profile -> types that servers offer it with.
        stops: topic by which the arm may be stopped -> who publishes on it.
        manager: of the controllers. None: the profile says that there is none.
        description: text of the topic robot_description. Empty: none came.
        repeated: topic of the stack -> node that publishes on it from several processes -> from how many.
        where: domain, discovery range and namespace, in words.
    """

    joint_states: Source
    cameras: dict[str, Source]
    joint_positions: dict[str, float] = field(default_factory=dict)
    joint_publishers: dict[str, set[str]] = field(default_factory=dict)
    no_velocity: set[str] = field(default_factory=set)
    listeners: dict[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    commanders: dict[str, frozenset[str]] = field(default_factory=dict)
    actions: dict[str, frozenset[str]] = field(default_factory=dict)
    stops: dict[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    manager: Manager | None = None
    description: str = ""
    repeated: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    where: str = "this domain"
