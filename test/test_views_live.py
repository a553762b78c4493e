"""The markers of a running stack: only while somebody looks, in any namespace, for any robot."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from hume_bags.topics import resolved
from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.security import permissions
from hume_bringup.supervisor import Supervisor
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model
from hume_ros import qos
from hume_training.default_checkpoint import default_checkpoint
from hume_views.foxglove import foxglove_layout
from hume_views.shown import Shown

pytestmark = pytest.mark.ros

TASK = "lift the red cube"


class Markers:
    """What arrives on `hume/markers`, the newest message of each kind."""

    def __init__(self, node: Any, topic: str) -> None:
        self.newest: dict[str, list[Any]] = {}
        self._node = node
        self._subscription = node.create_subscription(MarkerArray, topic, self._take, qos.STATUS)

    def _take(self, message: MarkerArray) -> None:
        for name in {marker.ns for marker in message.markers}:
            self.newest[name] = [marker for marker in message.markers if marker.ns == name]

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)


def topics_of(node: Any, name: str, namespace: str) -> set[str]:
    """What a node subscribes to."""
    try:
        return {topic for topic, _ in node.get_subscriber_names_and_types_by_node(name, namespace)}
    except Exception:  # rclpy's own error for a node that is not there
        return set()


@pytest.mark.timeout(280)
@pytest.mark.parametrize(("robot", "namespace"), [("so101", "left"), ("franka_fr3", "")])
def test_somebody_who_looks_sees_the_candidates(observer: Any, robot: str, namespace: str) -> None:
    options = LaunchOptions(
        robot=robot, namespace=namespace, task=TASK, candidates=3, seed=1, markers=True,
        checkpoint=str(default_checkpoint(robot)),
    )  # fmt: skip
    profile, space = RobotProfile.load(robot), f"/{namespace}"
    shown = Shown(profile, namespace)
    with Supervisor(graph("mock", options)):
        thoughts = shown.topic("hume/thought")
        node = observer.node
        observer.until(lambda: node.count_publishers(shown.topic("hume/markers")), 120.0, "the node")
        observer.until(lambda: node.count_publishers(thoughts), 120.0, "System 2")
        # Nobody looks.
        observer.spin(1.0)
        assert node.count_subscribers(thoughts) == 0
        assert topics_of(node, "hume_markers", space) <= {"/parameter_events"}
        markers = Markers(node, shown.topic("hume/markers"))
        wanted = {"candidates", "chosen", "value", "measured", "commanded", "deviation", "status"}
        observer.until(lambda: wanted <= markers.newest.keys(), 120.0, "every kind of marker")
        candidates = markers.newest["candidates"]
        assert [marker.id for marker in candidates] == [0, 1, 2]
        section = profile.kinematics
        assert section is not None
        assert {marker.header.frame_id for marker in candidates} == {section.base_link}
        observer.until(lambda: TASK in markers.newest["status"][0].text, 30.0, "the instruction")
        _check_measured(observer, profile, shown, markers)
        _check_rights(node, shown)
        names = {name for name, _ in node.get_topic_names_and_types()}
        layout = foxglove_layout(replace(shown))
        for topic in (
            *shown.cameras.values(),
            *map(shown.topic, ("hume/status", "hume/markers", "hume/joints/measured")),
        ):
            assert topic in layout
            assert topic in names
        markers.close()
        observer.until(lambda: node.count_subscribers(thoughts) == 0, 20.0, "rest once nobody looks")


def _check_measured(observer: Any, profile: RobotProfile, shown: Shown, markers: Markers) -> None:
    """The measured tool is where the measured joints bring it."""
    states: list[JointState] = []
    subscription = observer.node.create_subscription(
        JointState, shown.topic("hume/joints/measured"), states.append, qos.STATUS
    )
    arm = load_arm_model(profile)

    def agree() -> bool:
        if not states:
            return False
        assert tuple(states[-1].name) == profile.joint_names
        place = markers.newest["measured"][0].points[-1]
        tool = arm.forward(np.array(states[-1].position)).position
        return float(np.linalg.norm(tool - [place.x, place.y, place.z])) < 0.01

    observer.until(agree, 30.0, "the tool being where the joints bring it")
    observer.node.destroy_subscription(subscription)


def _check_rights(node: Any, shown: Shown) -> None:
    """The policy of the node is what it listens to, itself and beside itself."""
    (rights,) = (item for item in permissions(shown.profile) if item.node == "hume_markers")
    space = f"/{shown.namespace}"
    found = topics_of(node, "hume_markers", space) | topics_of(node, "hume_markers_samples", space)
    allowed = {resolved(name, shown.namespace) for name in rights.subscribe}
    assert found - {"/parameter_events"} == allowed - {"/clock"}


@pytest.mark.timeout(280)
def test_the_live_view_shows_what_a_bag_would(observer: Any, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun is optional")
    file, robot = tmp_path / "live.rrd", "so101"
    options = LaunchOptions(
        robot=robot, namespace="left", task=TASK, candidates=2, seed=1, rerun=str(file),
        checkpoint=str(default_checkpoint(robot)),
    )  # fmt: skip
    with Supervisor(graph("mock", options)):
        node = observer.node
        observer.until(lambda: node.count_subscribers("/left/hume/thought"), 120.0, "the view listening to thoughts")
        observer.until(lambda: node.count_publishers("/left/hume/segment"), 120.0, "System 1")
        observer.spin(8.0)
    command = [sys.executable, "-m", "rerun", "rrd", "print", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = set(re.findall(r"/[\w/.]+", printed.stdout + printed.stderr))
    joint = RobotProfile.load(robot).joint_names[0]
    assert {f"/left/joints/{joint}/{what}" for what in ("commanded", "measured", "segment")} <= found
    assert {"/left/thought/candidates", "/left/thought/chosen", "/left/tool/measured", "/left/status/mode"} <= found
    cameras = {f"/left/{camera.topic}" for camera in RobotProfile.load(robot).cameras.values()}
    assert cameras | {"/left/instruction", f"/left/limiter/{joint}"} <= found


def test_a_robot_without_kinematics_is_said_once(start: Callable[..., Any], observer: Any, tmp_path: Path) -> None:
    text = Path(str(_profile_path("so101"))).read_text(encoding="utf-8")
    head, _, rest = text.partition("kinematics:")
    lines = rest.splitlines(keepends=True)
    after = next(k for k, line in enumerate(lines[1:], 1) if line.strip() and not line.startswith((" ", "#")))
    path = tmp_path / "plain.yaml"
    path.write_text(head + "".join(lines[after:]), encoding="utf-8")
    assert RobotProfile.load(path).kinematics is None
    process = start("hume_views", "marker_node", robot=path)
    observer.until(lambda: "no section kinematics" in process.output, 30.0, "the warning")
    markers = Markers(observer.node, "/hume/markers")
    observer.spin(1.0)
    assert process.alive
    assert process.output.count("no section kinematics") == 1
    assert not markers.newest
    markers.close()


def _profile_path(name: str) -> Path:
    from hume_core.robot import find_profile

    return find_profile(name)
