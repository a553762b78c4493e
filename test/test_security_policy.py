"""The SROS2 policy allows what the nodes of the live graph do, and nothing they do not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.node_spec import enclave
from hume_bringup.security import permissions, policy
from hume_bringup.supervisor import Supervisor
from hume_core.robot import RobotProfile, known_profiles

SHIPPED = Path(__file__).parents[1] / "src" / "hume_bringup" / "config" / "sros2" / "wx250s_sim.policy.xml"
NODES = ("hume_sim", "hume_system1", "hume_system1_denoiser", "hume_system2")
PROFILE = RobotProfile.load("wx250s_sim")


def allowed(text: str, node: str, kind: str, right: str) -> set[str]:
    """Fully qualified names that a policy grants a node."""
    profile = next(item for item in ET.fromstring(text).iter("profile") if item.get("node") == node)
    prefix = f"{profile.get('ns', '')}/".replace("//", "/")
    names = [str(e.text) for section in profile.findall(kind) if section.get(right) == "ALLOW" for e in section]
    return {name if name.startswith("/") else prefix + name for name in names}


def with_actions(text: str, node: str) -> tuple[set[str], set[str]]:
    """Publishers and services that a node's actions add."""
    actions = allowed(text, node, "actions", "execute")
    topics = {f"{action}/_action/{part}" for action in actions for part in ("feedback", "status")}
    services = {f"{action}/_action/{part}" for action in actions for part in ("cancel_goal", "get_result", "send_goal")}
    return topics, services


@pytest.fixture(scope="module")
def live(observer: Any, checkpoint: Path) -> Iterator[dict[str, dict[str, set[str]]]]:
    """Names by node and kind, once the stack is up."""
    options = LaunchOptions(checkpoint=str(checkpoint), use_sim_time=True, namespace="left")
    node = observer.node

    def names(kind: str, of: str) -> set[str]:
        return {name for name, _ in getattr(node, f"get_{kind}_names_and_types_by_node")(of, "/left")}

    def complete() -> bool:
        known = {name for name, _ in node.get_node_names_and_namespaces()}
        if not set(NODES) <= known or any(name.endswith("_probe") for name in known):
            return False
        ready = "/left/hume/system2/heartbeat" in names("publisher", "hume_system2")
        return ready and "/left/hume/status" in names("publisher", "hume_system1")

    with Supervisor(graph("sim", replace(options))):
        observer.until(complete, 120.0, "every node being configured")
        observer.spin(1.0)
        yield {of: {k: names(k, of) for k in ("publisher", "subscriber", "service", "client")} for of in NODES}


@pytest.mark.ros
@pytest.mark.parametrize("node", NODES)
def test_the_policy_is_exactly_what_the_node_does(live: dict[str, dict[str, set[str]]], node: str) -> None:
    text = policy(PROFILE, "left")
    topics, services = with_actions(text, node)
    found = live[node]
    assert allowed(text, node, "topics", "publish") | topics == found["publisher"]
    # Without the messages of ros2_control nobody listens to its manager.
    silent = set() if find_spec("controller_manager_msgs") else {"/left/controller_manager/activity"}
    assert allowed(text, node, "topics", "subscribe") - silent == found["subscriber"]
    # Native distributions differ in which standard services a node offers.
    optional = {f"/left/{node}/{name}" for name in ("get_type_description", "get_transition_graph")}
    assert (allowed(text, node, "services", "reply") | services) - optional == found["service"] - optional
    assert allowed(text, node, "services", "request") == found["client"] == set()


def test_the_shipped_policy_is_up_to_date() -> None:
    assert SHIPPED.read_text() == policy(PROFILE), "run: python -m hume_bringup.security > the shipped file"


@pytest.mark.parametrize("robot", known_profiles())
def test_every_robot_gets_a_valid_policy(robot: str) -> None:
    profile = RobotProfile.load(robot)
    root = ET.fromstring(policy(profile))
    assert (root.tag, root.get("version")) == ("policy", "0.2.0")
    paths = [str(item.get("path")) for item in root.iter("enclave")]
    assert paths == [enclave(item.node) for item in permissions(profile)]
    for section in root.iter("profile"):
        assert {child.tag for child in section} <= {"topics", "services", "actions"}
        for child in section:
            assert len(child.attrib) == 1
            assert set(child.attrib.values()) == {"ALLOW"}
            assert all("*" not in str(element.text) for element in child), "a wildcard is no least privilege"


@pytest.mark.parametrize("robot", known_profiles())
def test_only_system1_commands_the_arm(robot: str) -> None:
    profile = RobotProfile.load(robot)
    text = policy(profile)
    for arm in profile.arms:
        topic = "/" + arm.controller.topic.lstrip("/")
        may = [item.node for item in permissions(profile) if topic in allowed(text, item.node, "topics", "publish")]
        assert may == ["hume_system1"]


def test_processes_run_in_their_enclaves() -> None:
    for spec in graph("sim", LaunchOptions(checkpoint="/model")):
        arguments = spec.ros_arguments()
        assert arguments[arguments.index("--enclave") + 1] == enclave(spec.name)
    from hume_system1.denoiser_process import _ENCLAVE

    assert enclave("hume_system1_denoiser") == _ENCLAVE
