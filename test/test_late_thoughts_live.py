"""A System 2 that cannot keep its rate takes fewer candidates and says so. One that may not takes all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from hume_msgs.msg import Thought

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_core.robot import find_profile

pytestmark = pytest.mark.ros

CANDIDATES = 64
"""So many that a thought takes longer than the shortest period that a profile can ask for, on any computer."""
RATE = 50.0


@pytest.fixture(params=[True, False])
def adapts(request: pytest.FixtureRequest) -> bool:
    """Whether System 2 may take fewer."""
    return bool(request.param)


@pytest.fixture
def stack(ros_domain: int, checkpoint: Path, tmp_path: Path, adapts: bool) -> Iterator[Supervisor]:
    """The mock robot and both systems, with a standing task."""
    content = yaml.safe_load(find_profile("wx250s_sim").read_text(encoding="utf-8"))
    content["rates"]["system2"] = RATE
    profile = tmp_path / "hasty.yaml"
    profile.write_text(yaml.safe_dump(content), encoding="utf-8")
    options = LaunchOptions(
        robot=str(profile), checkpoint=str(checkpoint), seed=0, candidates=CANDIDATES, task="lift the red cube"
    )
    specs = [
        replace(spec, parameters={**spec.parameters, "fewer_when_late": adapts})
        if spec.name == "hume_system2"
        else spec
        for spec in graph("mock", options)
    ]
    with Supervisor(specs) as supervisor:
        yield supervisor


def test_late_thoughts_take_fewer_candidates_and_say_why(stack: Supervisor, observer: Any, adapts: bool) -> None:
    thoughts: list[Thought] = []
    said: list[dict[str, str]] = []

    def on_diagnostics(message: DiagnosticArray) -> None:
        said.extend(
            {item.key: item.value for item in status.values}
            for status in message.status
            if status.name == "/hume_system2"
        )

    observer.node.create_subscription(Thought, "hume/thought", thoughts.append, 10)
    observer.node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)
    observer.until(lambda: thoughts, 120.0, "a thought")
    if adapts:
        observer.until(lambda: thoughts[-1].num_candidates < CANDIDATES, 60.0, "a thought with fewer candidates")
        observer.until(lambda: said and said[-1].get("fewer candidates because"), 10.0, "diagnostics that say why")
        assert "rates.system2" in said[-1]["fewer candidates because"]
        assert said[-1]["candidates"].endswith(f" of {CANDIDATES}")
    else:
        observer.spin(8.0)
        assert {thought.num_candidates for thought in thoughts} == {CANDIDATES}
