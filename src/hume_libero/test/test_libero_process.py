"""The pipe to LIBERO's process: what is sent comes back, and a process that ends or refuses is an error of one line."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from hume_core.errors import SimulationError
from hume_libero.framing import Channel, FramingError, packed, unpacked
from hume_libero.process import LiberoProcess

PACKAGE = Path(__file__).parents[1]
FAKE = Path(__file__).parents[3] / "test" / "support" / "fake_libero.py"


def command(program: str) -> list[str]:
    """A Python that knows this one package and the folder of the fake."""
    start = f"import sys; sys.path[:0] = [{str(PACKAGE)!r}, {str(FAKE.parent)!r}]\n"
    return [sys.executable, "-I", "-c", start + program]


SERVE = "import runpy; runpy.run_path(sys.path[1] + '/fake_libero.py', run_name='__main__')"


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "int64", "bool"])
def test_arrays_come_back_as_they_were(dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    found = unpacked(packed({"a": array, "rest": [1, 2.5, "text", None, True]}))
    assert found["a"].dtype == array.dtype
    np.testing.assert_array_equal(found["a"], array)
    assert found["rest"] == [1, 2.5, "text", None, True]


def test_an_array_that_is_not_contiguous_comes_back_too() -> None:
    array = np.arange(12.0).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(unpacked(packed(array)), array)


@pytest.mark.parametrize("value", [object(), np.array([object()]), np.array(["text"])])
def test_other_things_are_not_sent(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        packed(value)


@pytest.mark.parametrize("body", [b"\xc1", b"\x92\x01", packed(np.zeros(2)).replace(b"float64", b"object6")])
def test_damaged_bytes_are_no_message(body: bytes) -> None:
    with pytest.raises(FramingError):
        unpacked(body)


def test_a_length_that_nobody_sends_is_refused() -> None:
    source, sink = os.pipe()
    os.write(sink, struct.pack(">I", 2**31))
    with pytest.raises(FramingError, match="the longest is"):
        Channel(source, sink).receive()
    os.close(source)
    os.close(sink)


def test_silence_ends_the_wait() -> None:
    source, sink = os.pipe()
    with pytest.raises(FramingError, match="no answer"):
        Channel(source, sink, timeout=0.01).receive()
    os.close(source)
    os.close(sink)


def test_a_process_answers_and_ends() -> None:
    with LiberoProcess(command=command(SERVE)) as process:
        assert process.versions == {"fake": "1"}
        assert [task["name"] for task in process.ask("tasks", suite="libero_goal")] == ["task_0", "task_1"]
        assert process.ask("open", suite="libero_goal", task=1, seed=0, picture_size=8)["states"] == 3
        drawn = process.ask("picture", camera="agentview", positions=np.zeros(7))
        assert (drawn.shape, drawn.dtype) == ((8, 8, 3), np.uint8)
        inner = process._process
    assert inner.returncode is not None


def test_a_refusal_names_the_reason_and_the_process_goes_on() -> None:
    with LiberoProcess(command=command(SERVE)) as process:
        with pytest.raises(SimulationError, match="LIBERO refuses 'tasks': ValueError: suite 'kitchen' is unknown"):
            process.ask("tasks", suite="kitchen")
        assert process.ask("tasks", suite="libero_10")


def test_a_process_that_ends_at_once_is_an_error_with_its_last_line() -> None:
    program = "import sys; sys.exit('no module named libero')"
    with pytest.raises(SimulationError, match=r"does not answer: the other side has ended.*no module named libero"):
        LiberoProcess(command=command(program))


def test_another_protocol_is_refused() -> None:
    program = (
        "from hume_libero.child.program import serve\nfrom hume_libero.framing import Channel\n"
        "serve(Channel(0, 1), {'hello': lambda: {'protocol': 99, 'versions': {}}})"
    )
    with pytest.raises(SimulationError, match="protocol 99"):
        LiberoProcess(command=command(program))
