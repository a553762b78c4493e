"""The bench of stops ends every motion that it began, by every kind of stop."""

from __future__ import annotations

import pytest
from rich.progress import Progress

from hume_bench.stops import BEFORE, LIVE, measure_stops

pytestmark = pytest.mark.ros


@pytest.mark.usefixtures("ros_domain")
@pytest.mark.timeout(900)
def test_every_stop_of_the_bench_ends_in_standstill() -> None:
    live = [LIVE[0], LIVE[-1]]
    with Progress(disable=True) as progress:
        rows = measure_stops(progress, live, BEFORE[:1])
    assert len(rows) == len(live) + 1 + 3
    assert [row["error"] for row in rows.values() if "error" in row] == []
    moved = {name: row["standstill_ms"] for name, row in rows.items() if name != BEFORE[0].name}
    assert min(moved.values()) > 0.0, moved
    assert rows[BEFORE[0].name]["standstill_ms"] == 0.0
