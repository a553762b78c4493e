"""Messages on the wire: arrays as openpi writes them, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
import pytest

from hume_serve.wire import MessageError, pack, unpack

Pack = Callable[[Any], bytes]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.linspace(-1, 1, 7, dtype=np.float32),
        np.array(2.5),
        np.zeros((0, 3), np.float64),
        np.array([True, False]),
        np.arange(4, dtype=">i4"),
        np.arange(3, dtype=np.float16),
    ],
)
def test_arrays_come_through(pack: Pack, array: Any) -> None:
    found = unpack(pack({"a": array}))["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.writeable


def test_numbers_of_numpy_are_those_of_python(pack: Pack) -> None:
    found = unpack(pack({"a": np.float64(0.25), "b": np.int64(-3), "c": np.bool_(True)}))
    assert found == {"a": 0.25, "b": -3, "c": True}
    assert [type(value) for value in found.values()] == [float, int, bool]


def test_what_is_sent_is_read_again() -> None:
    content = {"actions": np.ones((2, 7), np.float32), "more": {"infer_ms": 1.5, "names": ["a", None]}}
    found = unpack(pack(content))
    np.testing.assert_array_equal(found["actions"], content["actions"])
    assert found["more"] == content["more"]


@pytest.mark.parametrize("value", [object(), np.array(["a"]), np.array([1j]), np.array([None]), {1, 2}])
def test_nothing_else_is_sent(value: Any) -> None:
    with pytest.raises(TypeError):
        pack({"a": value})


def array(**changes: Any) -> dict[bytes, Any]:
    fields = {"__ndarray__": True, "data": bytes(8), "dtype": "<f4", "shape": [2]} | changes
    return {name.encode(): value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (array(dtype="|O"), "type"),
        (array(dtype="<U2"), "type"),
        (array(dtype="(1000000,)f8"), "type"),
        (array(dtype="f8,f8"), "type"),
        (array(dtype="<c8"), "type"),
        (array(dtype=7), "type"),
        (array(dtype=None), "type"),
        (array(shape=[3]), "8 bytes"),
        (array(shape=[-2]), "shape"),
        (array(shape=[2.0]), "shape"),
        (array(shape=[True, 2]), "shape"),
        (array(shape=[1] * 9), "shape"),
        (array(shape=[2**31 - 1] * 8), "8 bytes"),
        (array(shape="2"), "shape"),
        (array(shape=None), "shape"),
        (array(data="text"), "data"),
        (array(data=None), "data"),
        ({b"__npgeneric__": True, b"data": "1", b"dtype": "<i8"}, "number"),
        ({b"__npgeneric__": True, b"data": 300, b"dtype": "|u1"}, "number"),
        ({b"__npgeneric__": True, b"data": float("nan"), b"dtype": "<i8"}, "number"),
        ([[[]] * 60] * 60, "maps and lists"),
    ],
)
def test_wrong_arrays_are_refused(content: Any, what: str) -> None:
    with pytest.raises(MessageError, match=what):
        unpack(msgpack.packb({"a": content}))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"\x81",
        b"\x91" * 4000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xdf\x00\x10\x00\x00",
        b"\x81\xa1\xff\x01",
        b"\x81\x01\x01",
        b"\x81\x90\x01",
        msgpack.packb({"a": "x" * 5000}),
        msgpack.packb({"a": [0] * 65}),
        msgpack.packb({str(i): 0 for i in range(65)}),
        msgpack.packb({"a": msgpack.ExtType(5, b"x")}),
        msgpack.packb({"a": 1}) + b"\x01",
        pickle.dumps({"a": 1}),
    ],
)
def test_other_bytes_are_refused(message: bytes) -> None:
    with pytest.raises(MessageError):
        unpack(message)


class Marked:
    """Unpickling it would be noticed."""

    seen = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _mark, ()


def _mark() -> int:
    Marked.seen += 1
    return 0


@pytest.mark.parametrize("dtype", ["|O", "O", "|V8", "object"])
def test_nothing_is_unpickled(dtype: str) -> None:
    content = array(dtype=dtype, data=pickle.dumps(Marked()), shape=[1])
    with pytest.raises(MessageError):
        unpack(msgpack.packb({"a": content}))
    assert Marked.seen == 0


def test_random_bytes_give_typed_errors_only() -> None:
    random = np.random.default_rng(0)
    whole = msgpack.packb({"observation.state": array(), "task": ["a"], "b": {"c": 1.0}})
    for _ in range(3000):
        message = bytearray(whole)
        for place in random.integers(0, len(message), random.integers(1, 6)):
            message[place] = random.integers(256)
        with suppress(MessageError):
            unpack(bytes(message[: random.integers(1, len(message) + 1)]))
