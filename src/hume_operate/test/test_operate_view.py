"""What `hume status` shows, without a graph."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
pytest.importorskip("hume_msgs.msg", reason="needs the built workspace (hume_msgs)")

from rich.console import Console

from hume_core.json_report import json_text
from hume_core.labels import Label
from hume_operate.snapshot import Snapshot, first_grippers
from hume_operate.status_view import KEYS, curve, line, view
from hume_operate.watching import KeyActions, draw_view

SHOT = Snapshot(
    mode="running", reason="", instruction="lift the red cube", epoch=3, standing_still=False, system2="active",
    rates={"commands": 200.0, "segments": 41.5, "thoughts": 3.9}, ages={"chunk": 0.2, "image": 0.01},
    think_duration=0.21, observation_to_command=0.05, value=-1.5, values=[-3.0, -2.0, -1.5], limited=["elbow"],
    max_velocity_ratio=0.4, gripper=0.5, rejected={"old epoch": 2}, unreachable="",
)  # fmt: skip
UNKNOWN = replace(
    SHOT, mode="estop", reason="emergency stop", instruction="", value=math.nan, values=[], limited=[],
    ages={"chunk": math.inf, "image": math.inf}, think_duration=math.inf, gripper=math.nan, rejected={},
)  # fmt: skip


def shown(snapshot: Snapshot, **more: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(view(snapshot, **more))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("mode", ["running", "idle", "hold", "fault", "estop", "inactive", "silent"])
def test_mode_and_reason_come_first(mode: str) -> None:
    text = shown(replace(SHOT, mode=mode, reason="because of this"))
    assert f"{mode.upper()}   because of this" in text.splitlines()[1]


def test_everything_is_shown() -> None:
    text = shown(SHOT, notice="emergency stop sent", keys=True)
    for part in ("lift the red cube", "commands 200.0", "image 0.01", "elbow", "2 old epoch", "emergency stop sent"):
        assert part in text
    assert KEYS.split("   ")[0] in text


@pytest.mark.parametrize("snapshot", [SHOT, UNKNOWN])
def test_what_is_not_known_is_neither_nan_nor_infinite(snapshot: Snapshot) -> None:
    assert "nan" not in shown(snapshot) + line(snapshot)
    assert "inf" not in shown(snapshot) + line(snapshot)
    content = json.loads(json_text(snapshot.as_json()), parse_constant=lambda name: pytest.fail(name))
    assert content["value"] == (None if snapshot is UNKNOWN else -1.5)


@pytest.mark.parametrize("snapshot", [SHOT, UNKNOWN])
def test_the_picture_has_the_view_and_needs_no_network(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "new" / "status.svg"
    draw_view(snapshot, path)
    text = path.read_text(encoding="utf-8")
    assert snapshot.mode.upper() in text
    assert "font-face" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")


def test_nearly_zero_has_no_sign() -> None:
    assert "-0.00" not in shown(replace(SHOT, gripper=-0.001))


def test_all_grippers_are_shown() -> None:
    assert "0.25, -, 1.00" in shown(replace(SHOT, gripper=[0.25, math.nan, 1.0]))


@pytest.mark.parametrize(
    ("numbers", "horizon", "expected"),
    [([], 3, 7.0), ([0.5, 0.6], 2, 0.5), ([0.1, 0.2, 0.3, 0.4], 2, [0.1, 0.2]), ([0.5], 0, 0.5), ([0.5], 3, 7.0)],
)
def test_the_first_row_tells_of_every_gripper(numbers: list[float], horizon: int, expected: Any) -> None:
    message: Any = SimpleNamespace(gripper=numbers, horizon=horizon)
    assert first_grippers(message, 7.0) == expected


def test_without_a_task_it_says_how_to_give_one() -> None:
    assert 'hume task "TEXT"' in shown(UNKNOWN)
    assert 'hume task "TEXT"' in line(UNKNOWN)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], ""), ([math.nan], ""), ([2.0], "▁"), ([0.0, 7.0], "▁█"), ([1.0, math.nan, 0.0], "█ ▁"), ([5.0, 5.0], "▁▁")],
)
def test_the_curve_spans_its_own_values(values: list[float], expected: str) -> None:
    assert curve(values) == expected


class FakeClient:
    """Notes what is sent."""

    def __init__(self, recorded: bool) -> None:
        self.sent: list[str] = []
        self._recorded = recorded

    def stop_sender(self) -> Any:
        return lambda: self.sent.append("stop")

    def label_sender(self) -> Any:
        def send(label: Label) -> str:
            if not self._recorded:
                return "nobody listens"
            self.sent.append(label.value)
            return ""

        return send


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        (" ", ["stop"]),
        ("s", ["success"]),
        ("f", ["failure"]),
        ("d", ["discard"]),
        ("x\x1b[D", []),
        ("  ", ["stop"] * 2),
    ],
)
def test_what_the_keys_do(keys: str, sent: list[str]) -> None:
    client: Any = FakeClient(recorded=True)
    actions = KeyActions(client)
    for key in keys:
        actions.press(key)
    assert client.sent == sent
    assert bool(actions.notice) == bool(sent)


def test_a_label_that_nobody_records_is_said() -> None:
    client: Any = FakeClient(recorded=False)
    actions = KeyActions(client)
    actions.press("s")
    assert (client.sent, actions.notice) == ([], "nobody listens")


def test_a_refused_goal_says_why() -> None:
    from hume_operate.task import REFUSED, TaskEnd

    assert str(TaskEnd("wave", REFUSED, "the instruction is empty")) == "refused: the instruction is empty"
    assert not TaskEnd("wave", "timeout", "max_duration of 3 s is over", chunks=4).done
    assert TaskEnd("wave", "done", "").done


def test_every_outcome_of_the_action_has_a_name() -> None:
    from hume_msgs.action import ExecuteTask

    from hume_operate.task import OUTCOMES
    from hume_system2.tasks import TaskOutcome

    assert {getattr(ExecuteTask.Result, outcome.name): outcome.value for outcome in TaskOutcome} == OUTCOMES
