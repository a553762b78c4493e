"""A line for people stays a line."""

from typing import Any

import pytest

from hume_core.texts import listed, shortened, shown


def test_texts_are_cut() -> None:
    assert shortened("elbow") == "elbow"
    assert shortened("x" * 10**6) == "x" * 200 + "..."
    assert shortened("abc", 2) == "ab..."


def test_lists_are_cut() -> None:
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c"], most=2) == "a, b, ..."
    assert len(listed(["x" * 10**5] * 10**4)) < 15_000


@pytest.mark.parametrize("value", [3, 1.5, "text", ["a", 2], {"a": 1}, None, True])
def test_small_values_are_shown_as_they_are(value: Any) -> None:
    assert shown(value) == repr(value)


def test_large_values_are_shown_in_a_line() -> None:
    nested: Any = []
    for _ in range(50):
        nested = [nested] * 50
    for value in ("x" * 10**6, list(range(10**5)), {str(k): k for k in range(10**4)}, 10**4000, nested):
        assert len(shown(value)) < 500
