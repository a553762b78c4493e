"""Who listens to commands, and who else gives them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_ros.publishers import NAMELESS, Publisher
from hume_system1 import commander_watch
from hume_system1.commander_watch import (
    DISCOVERY,
    REPEATED_DISCOVERY,
    CommanderWatch,
    Guarded,
    NamelessPublishers,
    foreign,
)
from hume_system1.controller_watch import away

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"


@pytest.mark.parametrize(
    ("robot", "names"),
    [
        ("wx250s_sim", ["arm_controller", "gripper_controller"]),
        ("franka_fr3", ["fr3_arm_controller"]),
        ("ur5e", ["forward_position_controller", "robotiq_gripper_controller"]),
        ("xarm7", ["xarm7_traj_controller"]),
    ],
)
def test_the_controllers_of_a_robot(robot: str, names: list[str]) -> None:
    """A gripper whose driver is no controller has none."""
    assert RobotProfile.load(ROBOTS / f"{robot}.yaml").managed_controllers == tuple(names)


def test_a_robot_without_manager_has_no_controllers_to_watch() -> None:
    profile = RobotProfile.load(ROBOTS / "so101.yaml")
    assert profile.model_copy(update={"controller_manager": ""}).managed_controllers == ()


@pytest.mark.parametrize(
    ("states", "unheard", "text"),
    [
        (None, [], ""),
        (None, ["/arm/commands"], "nobody subscribes to /arm/commands"),
        ({"arm": "active", "hand": "active", "other": "inactive"}, [], ""),
        ({"arm": "inactive", "hand": "active"}, [], "arm is inactive"),
        ({"hand": "unconfigured"}, [], "arm is not loaded, hand is unconfigured"),
        ({}, ["/a"], "nobody subscribes to /a, arm is not loaded, hand is not loaded"),
    ],
)
def test_what_is_away_is_named_with_the_reason(states: dict[str, str] | None, unheard: list[str], text: str) -> None:
    assert away(["arm", "hand"], states, unheard) == text


COMMANDS = Guarded("arm/commands", ("/left/hume_system1",), ours=True)
CHUNKS = Guarded("hume/action_chunk", ("/left/hume_system2",))
OWN, SYSTEM2, OTHER = "/left/hume_system1", "/left/hume_system2", "/teleop"


@pytest.mark.parametrize(
    ("commands", "chunks", "before", "text"),
    [
        ([], [], True, ""),
        ([OWN], [SYSTEM2], False, ""),
        # An old process of System 2 stays in the graph for a while.
        ([OWN], [SYSTEM2, SYSTEM2], False, ""),
        ([OWN], [], True, f"a second {OWN} publishes on arm/commands"),
        ([OWN, OWN], [], False, f"a second {OWN} publishes on arm/commands"),
        ([OWN, OTHER], [SYSTEM2], False, f"{OTHER} publishes on arm/commands"),
        ([OTHER, OTHER, OWN], [], False, f"{OTHER} publishes on arm/commands"),
        ([OWN], ["/right/hume_system2"], False, "/right/hume_system2 publishes on hume/action_chunk"),
        ([OTHER], [OTHER], True, f"{OTHER} publishes on arm/commands, {OTHER} publishes on hume/action_chunk"),
    ],
)
def test_foreign_commanders_are_named(commands: list[str], chunks: list[str], before: bool, text: str) -> None:
    publishers = {"arm/commands": commands, "hume/action_chunk": chunks}
    assert foreign([COMMANDS, CHUNKS], publishers, before) == text


STRANGER, NEW, NAMED = Publisher(NAMELESS, (1,)), Publisher(NAMELESS, (2,)), Publisher(OTHER, (3,))


def test_a_publisher_that_gets_its_name_late_is_no_stranger() -> None:
    """Fast DDS repeats a lost name after three seconds; a node that is started again must not be a fault."""
    watch = NamelessPublishers()
    assert watch.without_young({"a": [NEW, NAMED]}, 100.0) == {"a": [NAMED]}
    assert watch.without_young({"a": [NEW, NAMED]}, 103.2) == {"a": [NAMED]}
    named = Publisher(SYSTEM2, NEW.gid)
    assert watch.without_young({"a": [named, NAMED]}, 103.4) == {"a": [named, NAMED]}


def test_a_publisher_that_stays_nameless_is_a_stranger() -> None:
    watch = NamelessPublishers()
    assert watch.without_young({"a": [STRANGER]}, 0.0) == {"a": []}
    assert watch.without_young({"a": [STRANGER, NEW], "b": []}, 11.9) == {"a": [], "b": []}
    assert watch.without_young({"a": [STRANGER, NEW], "b": []}, 12.1) == {"a": [STRANGER], "b": []}


def test_a_publisher_that_went_and_came_begins_anew() -> None:
    watch = NamelessPublishers()
    watch.without_young({"a": [NEW]}, 0.0)
    watch.without_young({"a": []}, 5.0)
    assert watch.without_young({"a": [NEW]}, 8.0) == {"a": []}


class LateGraph:
    """Stands for a node whose graph learns of a publisher, and loses it, at certain times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, node: str, comes: float, goes: float = float("inf")) -> None:
        self.now, self._node, self._comes, self._goes = 0.0, node, comes, goes
        monkeypatch.setattr(commander_watch.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(commander_watch.time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def resolve_topic_name(self, topic: str) -> str:
        return topic

    def get_publishers_info_by_topic(self, topic: str) -> list[SimpleNamespace]:
        there = self._comes <= self.now < self._goes
        return [SimpleNamespace(node_name=self._node, node_namespace="/", endpoint_gid=[1])] if there else []


@pytest.mark.parametrize(("node", "comes"), [("hume_system1", 3.1), ("teleop", 3.1), ("teleop", 0.0)])
def test_who_is_announced_late_is_refused_before_the_first_command(
    node: str, comes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost announcement is repeated after three seconds, and a quick configuration ends before."""
    graph = LateGraph(monkeypatch, node, comes)
    watch = CommanderWatch(graph, [Guarded("commands", ("/hume_system1",), ours=True)])
    if comes > DISCOVERY:
        watch.refuse_others(DISCOVERY)
        graph.now = 1.0
    with pytest.raises(HumeError, match=f"/{node} publishes on commands"):
        watch.refuse_others(REPEATED_DISCOVERY)


@pytest.mark.parametrize(("configured", "waited"), [(1.0, 3.0), (3.9, 0.1), (20.0, 0.0)])
def test_the_wait_for_others_counts_from_the_beginning(
    configured: float, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = LateGraph(monkeypatch, "nobody", comes=float("inf"))
    watch = CommanderWatch(graph, [Guarded("commands", ("/hume_system1",), ours=True)])
    graph.now = configured
    watch.refuse_others(REPEATED_DISCOVERY)
    assert graph.now - configured == pytest.approx(waited, abs=0.11)


def test_a_predecessor_that_leaves_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = LateGraph(monkeypatch, "hume_system1", comes=0.0, goes=9.0)
    CommanderWatch(graph, [Guarded("commands", ("/hume_system1",), ours=True)]).refuse_others(DISCOVERY)
    assert graph.now >= 9.0
