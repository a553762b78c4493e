"""The log of a server that somebody floods."""

from __future__ import annotations

import logging

from hume_serve.log_throttle import LogThrottle


def test_a_period_has_so_many_lines_and_the_next_says_what_was_left_out() -> None:
    now = [0.0]
    throttle = LogThrottle(most=3, period=10.0, clock=lambda: now[0])
    written: list[str] = []

    def log(text: str) -> None:
        record = logging.LogRecord("hume_serve", logging.INFO, "", 0, "%s", (text,), None)
        if throttle.filter(record):
            written.append(record.getMessage())

    for i in range(7):
        log(f"a{i}")
    now[0] = 10.5
    log("b")
    now[0] = 25.0
    log("c")
    assert written == ["a0", "a1", "a2", "b (4 lines before this one were left out)", "c"]
