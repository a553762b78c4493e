"""Goals are sent whether or not they can be published."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hume_ros.introspection import publish_goals


class Logger:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.mark.parametrize("failure", [None, RuntimeError("not allowed")])
def test_a_client_that_cannot_publish_its_goals_is_a_line_in_the_log(failure: RuntimeError | None) -> None:
    logger, configured = Logger(), []

    def configure(*arguments: Any) -> None:
        configured.append(arguments)
        if failure is not None:
            raise failure

    node: Any = SimpleNamespace(get_logger=lambda: logger, get_clock=lambda: "clock")
    publish_goals(node, SimpleNamespace(configure_introspection=configure))
    assert configured[0][0] == "clock"
    assert logger.warnings == (
        [] if failure is None else ["recordings will not hold the goals that are sent: not allowed"]
    )


def test_a_ros_that_knows_no_introspection_is_left_alone() -> None:
    node: Any = SimpleNamespace()
    publish_goals(node, SimpleNamespace())
