"""What the description of the nodes starts for people who look: rviz, Foxglove, rerun and the markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hume_bringup.description import NodeSpec, OnExit, graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.viewers import rerun_target
from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile, find_profile

LAUNCH = Path(__file__).parents[1] / "launch"


def by_name(name: str, **options: Any) -> dict[str, NodeSpec]:
    return {spec.name: spec for spec in graph(name, LaunchOptions(checkpoint="/model", **options))}


def test_viz_starts_rviz_by_default() -> None:
    assert list(by_name("viz")) == ["rviz2", "hume_markers"]
    assert list(by_name("viz", rviz=False, foxglove=True)) == ["foxglove_bridge", "hume_markers"]
    assert list(by_name("viz", rviz=False, foxglove=True, markers=False)) == ["foxglove_bridge"]


@pytest.mark.parametrize("name", ["sim", "robot", "mock", "viz"])
def test_the_markers_know_robot_and_checkpoint(name: str) -> None:
    assert "hume_markers" not in by_name(name, rviz=False)
    found = by_name(name, robot="wx250s_sim", rviz=False, markers=True, namespace="left", contract="libero_goal")
    spec = found["hume_markers"]
    assert (spec.package, spec.namespace, spec.on_exit) == ("hume_views", "left", OnExit.IGNORE)
    parameters = dict(spec.parameters)
    assert parameters.pop("robot") == str(find_profile("wx250s_sim"))
    assert parameters == {"use_sim_time": False, "checkpoint": "/model", "contract": "libero_goal"}


def test_a_contract_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.json").touch()
    monkeypatch.chdir(tmp_path)
    found = by_name("robot", rviz=False, markers=True, contract="mine.json")
    for name in ("hume_markers", "hume_system1", "hume_system2"):
        assert found[name].parameters["contract"] == str(tmp_path / "mine.json")


def test_the_markers_know_the_checkpoint_that_was_not_named() -> None:
    found = {spec.name: spec for spec in graph("mock", LaunchOptions(robot="so101", markers=True))}
    assert found["hume_markers"].parameters["checkpoint"] == found["hume_system2"].parameters["checkpoint"]


@pytest.mark.parametrize("robot", ["ur5e", "so101"])
def test_rviz_is_configured_for_the_robot(robot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arguments = by_name("viz", robot=robot, namespace="left")["rviz2"].arguments
    text = Path(arguments[arguments.index("-d") + 1]).read_text(encoding="utf-8")
    cameras = RobotProfile.load(robot).cameras.values()
    assert all(f"/left/{camera.topic}" in text for camera in cameras)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("false", ""), ("off", ""), ("true", "window"), ("On", "window"), ("serve", "serve")],
)
def test_rerun_is_shown_where_it_is_wanted(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hume_bringup.viewers.find_spec", lambda name: object())
    assert rerun_target(text) == expected


def test_rerun_writes_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hume_bringup.viewers.find_spec", lambda name: object())
    spec = by_name("sim", rerun="out/lift.rrd")["hume_rerun"]
    assert spec.parameters["to"] == str(Path("out/lift.rrd").resolve())


@pytest.mark.parametrize("text", ["yes", "lift.bag", "browser"])
def test_a_wrong_place_for_rerun_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=f"'rerun' is '{text}'. Valid: true, false, serve, or a file that ends in"):
        by_name("sim", rerun=text)


def test_rerun_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hume_bringup.viewers.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -r setup/requirements-rerun\.txt"):
        by_name("sim", rerun="true")


def test_foxglove_listens_on_this_machine_only() -> None:
    assert by_name("viz", foxglove=True)["foxglove_bridge"].parameters["address"] == "127.0.0.1"
