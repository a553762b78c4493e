"""Many clients at a time: what one of them does harms no other."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

Steps = list[dict[str, Any]]
Start = Callable[..., Any]
Connect = Callable[[int], Any]


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def done() -> list[Any]:
    return []


@pytest.fixture
def held(start: Start, gated: Any, gate: threading.Event, done: list[Any]) -> Any:
    """A server that computes nothing before the gate is open."""
    yield start(lambda: gated(gate, done))
    gate.set()


def test_the_recorded_episode_over_the_wire(
    start: Start,
    client: Connect,
    session: Callable[..., Any],
    recorded: Steps,
    recorded_settings: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
) -> None:
    port = start(session, {"server": "hume", "contract": {"dt": 0.05}}).port
    clients = [client(port), client(port)]
    assert clients[0].metadata == {"server": "hume", "contract": {"dt": 0.05}}
    for each in clients:
        assert each.ask(recorded_settings) == {"status": "ok"}
    for step, sent in enumerate(recorded[:9]):
        for each in clients:
            np.testing.assert_allclose(each.ask(sent), arrays["actions"][step], atol=2e-5)


def test_clients_take_turns(held: Any, client: Connect, gate: threading.Event, done: list[Any]) -> None:
    """One sends twenty messages ahead. The other's single one is computed next."""
    flooding, other = client(held.port), client(held.port)
    for i in range(20):
        flooding.connection.send(msgpack.packb({"flood": i}))
    until(lambda: held.server.jobs == 1, "the first job")
    other.connection.send(msgpack.packb({"other": 0}))
    until(lambda: held.server.jobs == 2, "the other's job")
    gate.set()
    other.receive()
    assert [msgpack.unpackb(flooding.receive()) for _ in range(20)] == [{"flood": i} for i in range(20)]
    assert done[:3] == [{"flood": 0}, {"other": 0}, {"flood": 1}]


def test_what_is_ready_does_not_wait_for_the_thought_of_another(
    held: Any, client: Connect, gate: threading.Event, done: list[Any]
) -> None:
    thinking, other = client(held.port), client(held.port)
    thinking.connection.send(msgpack.packb({"think": 0}))
    until(lambda: held.server.jobs == 1, "the thought")
    assert [other.ask({"ready": True}) for _ in range(5)] == [True] * 5
    assert (done, held.server.jobs) == ([], 1)


def test_a_client_that_vanishes_is_not_computed_for(
    held: Any, client: Connect, raw: Any, gate: threading.Event, done: list[Any]
) -> None:
    first = client(held.port)
    first.connection.send(msgpack.packb({"first": 0}))
    until(lambda: held.server.jobs == 1, "the first job")
    gone = raw(held.port)
    gone.send_frame(msgpack.packb({"gone": 0}))
    until(lambda: held.server.jobs == 2, "the second job")
    gone.vanish()
    until(lambda: held.server.clients == 1, "the server noticing")
    gate.set()
    assert first.ask({"second": 0}) == {"first": 0}
    until(lambda: len(done) == 2, "all jobs")
    assert done == [{"first": 0}, {"second": 0}]


def test_a_client_that_vanishes_while_it_is_computed_for(
    held: Any, client: Connect, raw: Any, gate: threading.Event, done: list[Any]
) -> None:
    gone = raw(held.port)
    gone.send_frame(msgpack.packb({"gone": 0}))
    until(lambda: held.server.jobs == 1, "the job")
    gone.vanish()
    other = client(held.port)
    gate.set()
    assert other.ask({"a": 1}) == {"a": 1}
    until(lambda: held.server.clients == 1, "the server noticing")
    assert done[-1] == {"a": 1}


def test_a_client_that_takes_no_answer_is_dropped(
    start: Start, client: Connect, raw: Any, gated: Any, gate: threading.Event, done: list[Any]
) -> None:
    gate.set()
    large = msgpack.packb({"large": bytes(30_000_000)})
    running = start(lambda: gated(gate, done, large), send_timeout=0.5)
    slow = raw(running.port, 4096)
    slow.send_frame(msgpack.packb({"slow": 0}))
    until(lambda: done == [{"slow": 0}], "its job")
    other = client(running.port)
    assert len(other.ask({"a": 1})["large"]) == 30_000_000
    assert len(slow.read_to_the_end()) < 30_000_000
    until(lambda: running.server.clients == 1, "the server dropping it")


@pytest.mark.parametrize("sent", [0, 1, 500])
def test_a_client_that_says_nothing_whole_is_dropped(
    start: Start, client: Connect, raw: Any, gated: Any, gate: threading.Event, done: list[Any], sent: int
) -> None:
    gate.set()
    port = start(lambda: gated(gate, done), idle_timeout=1.0).port
    drip = raw(port)
    if sent:
        drip.send_frame(bytes(sent), announced=1000)
    assert client(port).ask({"a": 1}) == {"a": 1}
    # The close frame: policy violation, 1008.
    assert (1008).to_bytes(2, "big") in drip.read_to_the_end()
    assert done == [{"a": 1}]


def test_a_message_that_is_too_large_ends_its_connection_only(
    start: Start, client: Connect, gated: Any, gate: threading.Event, done: list[Any]
) -> None:
    gate.set()
    port = start(lambda: gated(gate, done), max_message=0.5).port
    other, large = client(port), client(port)
    with pytest.raises(ConnectionClosed) as closed:
        large.ask({"a": bytes(600_000)})
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert other.ask({"a": 1}) == {"a": 1}
    assert done == [{"a": 1}]


def test_a_large_message_in_small_fragments_is_too_large_too(
    start: Start, client: Connect, gated: Any, gate: threading.Event, done: list[Any]
) -> None:
    gate.set()
    port = start(lambda: gated(gate, done), max_message=0.5).port
    large = client(port)
    with pytest.raises(ConnectionClosed):
        large.connection.send(bytes(1000) for _ in range(100_000))
    assert done == []


@pytest.mark.parametrize("junk", [b"\xff" * 200, b"\x82\xff" + b"\xff" * 8, b"\x82\x05hello"])
def test_bytes_that_are_no_frames_end_their_connection_only(
    start: Start, client: Connect, raw: Any, gated: Any, gate: threading.Event, done: list[Any], junk: bytes
) -> None:
    gate.set()
    port = start(lambda: gated(gate, done)).port
    other, broken = client(port), raw(port)
    broken.socket.sendall(junk)
    broken.read_to_the_end()
    assert other.ask({"a": 1}) == {"a": 1}


def test_malformed_messages_are_told_and_end_their_connection(
    start: Start, client: Connect, session: Callable[..., Any]
) -> None:
    port = start(session).port
    other = client(port)
    for junk in (b"\xc1", b"", b"\x91" * 3000, "text"):
        broken = client(port)
        assert broken.ask(junk).startswith("MessageError: the message is")
        with pytest.raises(ConnectionClosed):
            broken.receive()
    assert other.ask({"prompt": "go"}).startswith("ObservationError")
    assert other.ask({"device": "cuda"}) == {"status": "ok"}


def test_one_client_too_many_is_turned_away(
    start: Start, client: Connect, gated: Any, gate: threading.Event, done: list[Any]
) -> None:
    gate.set()
    running = start(lambda: gated(gate, done), max_clients=2)
    first, second = client(running.port), client(running.port)
    for _ in range(3):
        with pytest.raises(ConnectionClosed, match="2 clients already"):
            client(running.port)
    assert second.ask({"a": 1}) == {"a": 1}
    first.close()
    until(lambda: running.server.clients == 1, "the place becoming free")
    assert client(running.port).ask({"b": 1}) == {"b": 1}


def test_a_web_page_cannot_connect(start: Start, gated: Any, gate: threading.Event, done: list[Any]) -> None:
    port = start(lambda: gated(gate, done)).port
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://127.0.0.1:{port}", origin=Origin("http://example.org")),
    ):
        pass


def test_it_says_that_it_is_there(start: Start, gated: Any, gate: threading.Event, done: list[Any]) -> None:
    port = start(lambda: gated(gate, done)).port
    request = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    request.request("GET", "/healthz")
    assert (request.getresponse().status, port > 0) == (200, True)
    request.close()
