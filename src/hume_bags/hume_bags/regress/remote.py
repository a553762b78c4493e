"""Inference in processes of its own, so that the two systems and the stepping do not share an interpreter's lock.

A process is forked once the weights are loaded: it has them without a copy. Arrays travel as safetensors bytes.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from operator import is_
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save

from hume_bags.regress.policy import RecordedPolicy, Thinks
from hume_core.errors import HumeError, ObservationError
from hume_core.observation import Observation
from hume_session.determinism import deterministic_algorithms
from hume_system1.segment_planner import Refiner
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import ThoughtResult

Arrays = dict[str, Any]
_REFUSED, _FAILED = "refused", "failed"
_IMAGE = "image:"
_ROWS, _MOVED = "in progress: rows", "in progress: moved"
_PROCESSES = 2


class Worker:
    """A forked process that answers arrays with arrays.

    Args:
        answer: called in the process. Raises ObservationError for input that it cannot use.
    """

    def __init__(self, answer: Callable[[Arrays], Arrays]) -> None:
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._connection, answer), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, arrays: Arrays) -> Arrays:
        """Send arrays, wait for the answer.

        Raises:
            ObservationError: the process refused the input.
            HumeError: it failed or died.
        """
        try:
            self._connection.send_bytes(save({name: np.ascontiguousarray(x) for name, x in arrays.items()}))
            answer = load(self._connection.recv_bytes())
        except (OSError, EOFError) as error:
            raise HumeError("an inference process ended while it was needed. Is there enough memory?") from error
        if _REFUSED in answer:
            raise ObservationError(_text(answer[_REFUSED]))
        if _FAILED in answer:
            raise HumeError(f"inference failed: {_text(answer[_FAILED])}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()


def _serve(connection: Connection, other_end: Connection, answer: Callable[[Arrays], Arrays]) -> None:
    other_end.close()
    torch.set_num_threads(1)
    with deterministic_algorithms():
        while True:
            try:
                arrays = load(connection.recv_bytes())
            except (EOFError, OSError, KeyboardInterrupt):
                return
            connection.send_bytes(save(_answer(answer, arrays)))


def _answer(answer: Callable[[Arrays], Arrays], arrays: Arrays) -> Arrays:
    try:
        return {name: np.ascontiguousarray(x) for name, x in answer(arrays).items()}
    except ObservationError as error:
        return {_REFUSED: _bytes(str(error))}
    except Exception as error:  # the parent says it
        return {_FAILED: _bytes(f"{type(error).__name__}: {error}")}


class RemoteThinker:
    """System 2 in another process."""

    def __init__(self, thinker: Thinks) -> None:
        self._worker = Worker(lambda arrays: _thought_arrays(thinker.think(_observation(arrays), _in_progress(arrays))))

    def enter_thread(self) -> None:
        """See `Thinks`."""

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> ThoughtResult:
        """See `Thinks`."""
        rest = {} if in_progress is None else {_ROWS: in_progress.rows, _MOVED: in_progress.moved}
        answer = self._worker.ask(_observation_arrays(observation) | rest)
        duration = float(answer.pop("duration")[0])
        return ThoughtResult(duration=duration, **answer)

    def close(self) -> None:
        """End the process."""
        self._worker.close()


class _RefinerProcess:
    """A process with System 1, and the images it was last sent."""

    def __init__(self, refiner: Refiner) -> None:
        self.worker = Worker(_RefinerAnswers(refiner))
        self.lock = threading.Lock()
        self.assigned: tuple[Any, ...] = ()
        self._sent: tuple[Any, ...] = ()

    def ask(self, observation: Observation, images: tuple[Any, ...], rest: Arrays) -> Arrays:
        """Refine. Images are sent only when they are new."""
        with self.lock:
            arrays = _observation_arrays(observation, images=not _same(images, self._sent))
            answer = self.worker.ask({**arrays, **rest})
            self._sent = images
            return answer


class RemoteRefiner:
    """System 1 in other processes. Segments on the same images go to the same one, which encodes them once."""

    def __init__(self, refiner: Refiner, processes: int) -> None:
        self.chunk_size, self.segment_size, self.origin = refiner.chunk_size, refiner.segment_size, refiner.origin
        self.sees_images = refiner.sees_images
        self._refiner = refiner
        self._choice = threading.Lock()
        self._processes = [_RefinerProcess(refiner) for _ in range(processes)]

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], progress: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Refiner`. From several threads at a time."""
        images = tuple(observation.images.values())
        rest = {"rows": rows, "progress": np.array([progress]), "moved": moved}
        answer = self._choose(images).ask(observation, images, rest)
        return np.asarray(answer["actions"], dtype=np.float64)

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `Refiner`."""
        return self._refiner.unnormalise(rows)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.worker.close()

    def _choose(self, images: tuple[Any, ...]) -> _RefinerProcess:
        with self._choice:
            for process in self._processes:
                if _same(images, process.assigned):
                    return process
            self._processes.append(self._processes.pop(0))
            self._processes[-1].assigned = images
            return self._processes[-1]


class _RefinerAnswers:
    """Keeps the images of the last call, as the refiner recognises them by identity."""

    def __init__(self, refiner: Refiner) -> None:
        self._refiner = refiner
        self._images: dict[str, Any] = {}

    def __call__(self, arrays: Arrays) -> Arrays:
        observation = _observation(arrays, self._images)
        self._images = dict(observation.images)
        progress = float(arrays["progress"][0])
        return {"actions": self._refiner.segment(observation, arrays["rows"], progress, arrays["moved"])}


@contextmanager
def in_processes(policy: RecordedPolicy) -> Iterator[RecordedPolicy]:
    """The policy with each system in a process of its own."""
    thinker = RemoteThinker(policy.thinker)
    try:
        refiner = RemoteRefiner(policy.refiner, _PROCESSES)
        try:
            yield replace(policy, thinker=thinker, refiner=refiner, parallel_segments=2 * _PROCESSES)
        finally:
            refiner.close()
    finally:
        thinker.close()


def _same(images: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(images) == len(others) and all(map(is_, images, others))


def _observation_arrays(observation: Observation, images: bool = True) -> Arrays:
    pixels = {f"{_IMAGE}{key}": image for key, image in observation.images.items()} if images else {}
    return {**pixels, "state": observation.state, "task": _bytes(observation.task[0])}


def _observation(arrays: Arrays, otherwise: dict[str, Any] | None = None) -> Observation:
    found = {name.removeprefix(_IMAGE): x for name, x in arrays.items() if name.startswith(_IMAGE)}
    # safetensors sorts by type and name. Cameras keep the order of the policy all the same: it looks them up by key.
    return Observation(found or otherwise or {}, arrays["state"], [_text(arrays["task"])])


def _in_progress(arrays: Arrays) -> MotionInProgress | None:
    return MotionInProgress(arrays[_ROWS], arrays[_MOVED]) if _ROWS in arrays else None


def _thought_arrays(result: ThoughtResult) -> Arrays:
    return {
        "chunk": result.chunk,
        "candidates": result.candidates,
        "values": result.values,
        "noise_levels": result.noise_levels,
        "weights": result.weights,
        "duration": np.array([result.duration]),
    }


def _bytes(text: str) -> NDArray[np.uint8]:
    # One blank more, because empty arrays cannot be sent.
    return np.frombuffer((text + " ").encode(), dtype=np.uint8)


def _text(data: NDArray[np.uint8]) -> str:
    return bytes(data).decode()[:-1]
