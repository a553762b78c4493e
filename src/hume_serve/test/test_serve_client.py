"""What one client asks and is answered, without a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from numpy.typing import NDArray

from hume_serve.client import ClientSession, Reply
from hume_serve.infer_settings import InferSettings
from hume_serve.policy import CascadedPolicy
from hume_serve.wire import unpack
from hume_system1.model import System1
from hume_system2.model import System2

Make = Callable[..., ClientSession]
Pack = Callable[[Any], bytes]
Steps = list[dict[str, Any]]


def answer(session: ClientSession, message: bytes | str) -> Any:
    reply = session.answer(message)
    return reply.message if isinstance(reply.message, str) else unpack(reply.message)


def test_the_authors_order_of_calls_gives_their_rows(
    session: Make, pack: Pack, recorded: Steps, recorded_settings: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    client = session()
    for _ in range(2):  # the second init_infer begins a new episode
        assert answer(client, pack(recorded_settings)) == {"status": "ok"}
        for step, sent in enumerate(recorded[:10]):
            found = answer(client, pack(sent))
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, arrays["actions"][step], atol=2e-5)


def test_only_steps_that_begin_a_segment_are_work(
    session: Make, pack: Pack, recorded: Steps, recorded_settings: dict[str, Any]
) -> None:
    client = session()
    assert isinstance(client.read(pack({**recorded_settings, "replan_steps": 4})), Reply)
    for step, sent in enumerate(recorded[:9]):
        found = client.read(pack(sent))
        assert isinstance(found, Reply) == (step % 4 != 0)
        if not isinstance(found, Reply):
            assert isinstance(found().message, bytes)


@pytest.mark.parametrize("seed", [0, 12])
def test_without_init_each_call_stands_for_itself(
    session: Make, pack: Pack, recorded: Steps, system2: System2, system1: System1, seed: int, generator: Any
) -> None:
    """A call is `think` and `refine`, and the second call goes on with the noise of the first."""
    client = session(seed=seed, s2_candidates_num=2)
    source = generator(seed)
    for sent in recorded[:2]:
        single = {
            "observation/image": sent["observation.images.image"][0],
            "observation/wrist_image": sent["observation.images.wrist_image"][0],
            "observation/state": sent["observation.state"][0],
            "prompt": sent["task"][0],
        }
        found = answer(client, pack(single))
        seen = client._reader.read(single).observation
        thought = system2.think(seen, 2, generator=source)
        np.testing.assert_array_equal(found["actions"], system1.refine(seen, thought.chunk)[0].numpy())
        assert found["server_timing"]["infer_ms"] > 0


def test_a_batch_is_answered_with_a_batch(session: Make, pack: Pack, recorded: Steps) -> None:
    doubled = {
        name: value * 2 if name == "task" else np.concatenate([value] * 2) for name, value in recorded[1].items()
    }
    assert answer(session(s2_candidates_num=1), pack(doubled))["actions"].shape == (2, 8, 7)


@pytest.mark.parametrize(("candidates", "batch", "right"), [(6, 1, True), (3, 2, True), (7, 1, False), (4, 2, False)])
def test_one_thought_has_so_many_candidates_at_most(
    policy: CascadedPolicy, pack: Pack, recorded: Steps, candidates: int, batch: int, right: bool
) -> None:
    """As the server was started, and as init_infer asks."""
    sent = {
        name: value * batch if name == "task" else np.concatenate([value] * batch)
        for name, value in recorded[1].items()
    }
    for settings, init in ((InferSettings(s2_candidates_num=candidates), {}), (InferSettings(), {"device": "cpu"})):
        client = ClientSession(policy, settings, max_candidates=6)
        if init:
            assert answer(client, pack({**init, "s2_candidates_num": candidates})) == {"status": "ok"}
        found = answer(client, pack(sent))
        assert isinstance(found, str) != right
        if not right:
            assert found.startswith(f"ObservationError: {candidates} candidates for each of {batch} observations")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"device": "cuda", "replan_steps": 99}, "segment has 8 rows"),
        ({"device": "cuda", "s2_replan_steps": 24}, "chunk has 16"),
        ({"device": "cuda", "replan_step": 8}, "Did you mean"),
        ({"device": "cuda", "s2_candidates_num": "5"}, "s2_candidates_num"),
    ],
)
def test_a_wrong_init_is_answered_as_the_authors_client_reads_it(
    session: Make, pack: Pack, recorded: Steps, content: dict[str, Any], what: str
) -> None:
    client = session(s2_candidates_num=1)
    reply = client.answer(pack(content))
    assert isinstance(reply.message, bytes)
    found = unpack(reply.message)
    assert found["status"] == "error"
    assert what in found["message"]
    assert reply.close is None
    assert set(answer(client, pack(recorded[1]))) == {"actions", "server_timing"}


@pytest.mark.parametrize(
    ("message", "what", "close"),
    [
        ("text", "MessageError: the message is a text", True),
        (b"\xc1", "MessageError: the message is no valid msgpack", True),
        (msgpack.packb([1, 2]), "MessageError: the message holds [1, 2]", True),
        (msgpack.packb({}), "ObservationError: the instruction is missing", False),
        (msgpack.packb({"prompt": "go"}), "ObservationError: observation field 'observation.state' is missing", False),
    ],
)
def test_errors_are_texts_that_name_their_kind(session: Make, message: bytes | str, what: str, close: bool) -> None:
    reply = session().answer(message)
    assert isinstance(reply.message, str)
    assert reply.message.startswith(what)
    assert reply.close == (1008 if close else None)


def test_what_the_models_refuse_is_told_and_the_client_may_go_on(session: Make, pack: Pack, recorded: Steps) -> None:
    client = session(s2_candidates_num=3)
    wrong = [
        {**recorded[0], "noise": recorded[0]["noise"][:2]},
        {name: value for name, value in recorded[0].items() if "image" not in name},
        {**recorded[0], "task": ["\x00"]},
    ]
    for sent, what in zip(wrong, ("noise has shape", "camera 'image' is missing", "control character"), strict=True):
        found = answer(client, pack(sent))
        assert found.startswith("ObservationError")
        assert what in found
    assert answer(client, pack(recorded[0]))["actions"].shape == (1, 8, 7)


def test_no_traceback_is_sent(pack: Pack, recorded: Steps, policy: CascadedPolicy, caplog: Any) -> None:
    class Broken(CascadedPolicy):
        def think(self, *args: Any) -> Any:
            raise RuntimeError("secret /path/of/the/server")

    client = ClientSession(Broken(policy._system2, None), InferSettings())
    reply = client.answer(pack(recorded[0]))
    assert isinstance(reply.message, str)
    assert reply.message.startswith("InternalError")
    assert reply.close == 1011
    assert not {"Traceback", "secret"} & set(reply.message.replace(":", " ").split())
    assert "secret" in caplog.text


def test_clients_do_not_share_anything(session: Make, pack: Pack, recorded: Steps, recorded_settings: Any) -> None:
    """Two clients that take turns get what each gets alone."""
    begin = {**recorded_settings, "seed": 5}
    sent = [{name: value for name, value in step.items() if name != "noise"} for step in recorded[:9]]
    alone = session()
    answer(alone, pack(begin))
    expected = [answer(alone, pack(step)) for step in sent]
    first, second = session(), session()
    answer(first, pack(begin))
    found: list[list[Any]] = [[], []]
    for step in range(len(sent) + 3):
        if step == 3:
            answer(second, pack(begin))
        for client, start, rows in ((first, 0, found[0]), (second, 3, found[1])):
            if start <= step < start + len(sent):
                rows.append(answer(client, pack(sent[step - start])))
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], expected)
