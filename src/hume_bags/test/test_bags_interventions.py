"""Takeovers in a recording become the column `intervention` of the dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hume_msgs.msg import System1Status

from hume_bags.export import ExportOptions, run_export
from hume_bags.interventions import Interventions
from hume_bags.reader import BagReader
from hume_ros.conversions import set_stamp
from hume_system1.control.states import Mode, Reason, State

START, RUNNING = 1000.0, ""
Record = Callable[..., Any]


def held(reason: Reason) -> str:
    """What the status of System 1 says when it holds the arm."""
    return str(State(Mode.HOLD, reason))


def recorded(session: Any, statuses: list[tuple[float, str]]) -> None:
    """A goal of two seconds, and what System 1 said meanwhile."""
    session.sensors(3.0)
    session.goal(0.5, 2.5)
    if statuses:
        session.add("/hume/status", "hume_msgs/msg/System1Status")
    for time, reason in statuses:
        status = System1Status(mode=System1Status.HOLD, mode_name="HOLD", reason=reason)
        set_stamp(status.header.stamp, START + time)
        session.write("/hume/status", status, START + time + 0.01)
    session.writer.close()


@pytest.mark.parametrize(
    ("statuses", "taken"),
    [
        ([(0.1, RUNNING), (1.0, held(Reason.TAKEOVER)), (1.5, RUNNING)], (1.0, 1.5)),
        ([(1.5, RUNNING), (1.0, held(Reason.TAKEOVER)), (0.1, held(Reason.DISABLED))], (1.0, 1.5)),
        ([(1.8, held(Reason.TAKEOVER))], (1.8, 9.0)),
        ([(0.1, held(Reason.DISABLED)), (1.0, held(Reason.NEW_EPOCH))], (9.0, 9.0)),
    ],
)
@pytest.mark.parametrize("namespace", ["", "left"])
def test_frames_of_a_takeover_are_marked(
    statuses: list[tuple[float, str]], taken: tuple[float, float], namespace: str, record: Record, tmp_path: Path
) -> None:
    recorded(record(tmp_path / "bag", namespace=namespace), statuses)
    options = ExportOptions((tmp_path / "bag",), tmp_path / "data", namespace=namespace, images=True)
    assert run_export(options) == 0
    found = pq.read_table(tmp_path / "data/data/chunk-000/file-000.parquet")["intervention"].to_numpy()
    times = 0.5 + 0.05 * np.arange(len(found))
    np.testing.assert_array_equal(found, (times >= taken[0] - 1e-6) & (times < taken[1] - 1e-6))
    entry = json.loads((tmp_path / "data/meta/info.json").read_text())["features"]["intervention"]
    assert (entry["dtype"], entry["shape"]) == ("bool", [1])


def test_a_recording_without_the_status_says_nothing_of_takeovers(record: Record, tmp_path: Path) -> None:
    recorded(record(tmp_path / "bag"), [])
    assert not Interventions(BagReader(tmp_path / "bag")).at(START + np.arange(4.0)).any()
    assert run_export(ExportOptions((tmp_path / "bag",), tmp_path / "data")) == 0
    assert "intervention" not in json.loads((tmp_path / "data/meta/info.json").read_text())["features"]
