"""The set of processes lives and dies together, and the arm comes to rest first."""

from __future__ import annotations

import signal

import pytest

from hume_tools.bench.endings import measure_ending

pytestmark = pytest.mark.ros


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_when_its_parent_ends_the_arm_rests_and_nothing_is_left(ros_domain: int, number: signal.Signals) -> None:
    """A closed terminal, and an end of which nobody can tell the others."""
    # Raises where a process was left, the stream was cut off in motion, or somebody printed a traceback.
    figures = measure_ending(number, moving=True)
    assert figures["standstill_ms"] > 0.0, "it moved when it was stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_end_during_the_start_leaves_nothing(ros_domain: int, number: signal.Signals) -> None:
    measure_ending(number, moving=False)
