"""What is said of how long episodes take, before they begin."""

from __future__ import annotations

import pytest

from hume_training.evaluation.expected_time import expect_episodes


@pytest.mark.parametrize(
    ("count", "limit", "workers", "alone", "text"),
    [
        (300, 15.0, 1, False, "at most about 45 minutes: 300 episodes of 9 s"),
        (300, 15.0, 3, False, "at most about 15 minutes: 300 episodes of 9 s, 3 at a time"),
        (20, 10.0, 1, True, "at most about 5 minutes: 20 episodes of 15 s"),
    ],
)
def test_the_longest_time_is_named_with_what_it_rests_on(
    count: int, limit: float, workers: int, alone: bool, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expect_episodes(count, limit, workers, 20, alone)
    told = capsys.readouterr().err
    assert text in told
    assert "with the policy that ships" in told


def test_nothing_is_said_where_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    expect_episodes(0, 15.0, 1, 20).done()
    assert capsys.readouterr().err == ""
