"""Part of ``hume bench model``: every engine on the shipped checkpoint, and what the arithmetic alone would take."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from hume_bench.timing import Timing, measure_turns
from hume_core import Observation
from hume_core.engine_names import EAGER, ONNX
from hume_core.engines import Graph
from hume_core.engines.graph_cache import FOLDER
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.default_checkpoint import default_checkpoint

ENGINES = (EAGER, ONNX)
CANDIDATES = 16
SYSTEM1, SYSTEM2 = "system1_shipped_ms", f"system2_shipped_n{CANDIDATES}_ms"
_CAMERA = (96, 96)
_PRODUCT = 1024
"""Rows and columns of the matrices whose product gives the limit."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineFigures:
    """What was measured, in one run.

    Attributes:
        timings: engine -> figure -> its calls.
        limits: figure -> ms that its matrix products take at the speed of a large one.
        product_gflops: that speed, on one thread, float32.
    """

    timings: Mapping[str, Mapping[str, Timing]]
    limits: Mapping[str, float]
    product_gflops: float

    def to_dict(self) -> dict[str, Any]:
        """Content of the JSON file: `engines` and `limits`."""
        engines = {
            engine: {name: 1e3 * min(timing.seconds) for name, timing in figures.items()}
            | {name.removesuffix("_ms") + "_median_ms": timing.median_ms for name, timing in figures.items()}
            for engine, figures in self.timings.items()
        }
        return {"engines": engines, "limits": {**self.limits, "product_float32_gflops": self.product_gflops}}


def bench_engines(console: Console, repeats: int = 40, engines: Sequence[str] = ENGINES) -> EngineFigures:
    """Time segments and thoughts of the shipped checkpoint with every engine, in turns.

    Args:
        console: told what an engine does first.
        repeats: turns.
        engines: names of those to measure.
    """
    calls: dict[tuple[str, str], Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as name:
        # A copy, so that nothing is left behind.
        folder = shutil.copytree(default_checkpoint(), Path(name) / "checkpoint", ignore=lambda *_: [FOLDER])
        for engine in engines:
            console.print(f"preparing engine {engine}")
            calls |= _calls(folder, engine)
        timings = dict(zip(calls, measure_turns(list(calls.values()), repeats), strict=True))
        product = _product_speed()
        limits = _limits(folder, product)
    by_engine: dict[str, dict[str, Timing]] = {engine: {} for engine in engines}
    for (engine, figure), timing in timings.items():
        by_engine[engine][figure] = timing
    return EngineFigures(by_engine, limits, product / 1e9)


def _calls(folder: Path, engine: str) -> dict[tuple[str, str], Callable[[], object]]:
    """What is timed of an engine. One that fell back is left out."""
    system1, system2 = System1.from_pretrained(folder, engine=engine), System2.from_pretrained(folder, engine=engine)
    system1.warm_up(log=_LOG)
    system2.warm_up(CANDIDATES, log=_LOG)
    if (system1.engine.name, system2.engine.name) != (engine, engine):
        return {}
    observation = _observation(system2)
    random, config = torch.Generator().manual_seed(0), system2.config
    chunk = torch.randn(1, config.s2_chunk_size, config.max_action_dim, generator=random)
    noise = torch.randn(CANDIDATES, 1, config.s2_chunk_size, config.max_action_dim, generator=random)
    moved = torch.zeros(1, config.action_dim)
    return {
        (engine, SYSTEM1): lambda: system1.refine(observation, chunk, 0.25, moved=moved),
        (engine, SYSTEM2): lambda: system2.think(observation, CANDIDATES, noise=noise),
    }


def _observation(policy: System2) -> Observation:
    random, config = np.random.default_rng(0), policy.config
    images = {key: random.integers(0, 256, (1, *_CAMERA, 3), dtype=np.uint8) for key in config.camera_keys}
    state = np.zeros((1, config.s1_his_state_size, config.state_dim), dtype=np.float32)
    return Observation(images, state, ["stack the yellow cube on the green cube"])


def _product_speed(seconds: float = 1.0) -> float:
    """Operations per second of a large matrix product, the fastest of all that fit into the time."""
    one, other = (torch.randn(_PRODUCT, _PRODUCT) for _ in range(2))
    fastest, end = float("inf"), time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.process_time()
        one @ other
        fastest = min(fastest, time.process_time() - begin)
    return 2.0 * _PRODUCT**3 / fastest


def _limits(folder: Path, speed: float) -> dict[str, float]:
    system1, system2 = System1.from_pretrained(folder), System2.from_pretrained(folder)
    observation = _observation(system2)
    segment = sum(_operations(graph) for graph in system1.graphs(observation).values())
    thought = sum(_operations(graph) for graph in system2.graphs(observation, CANDIDATES).values())
    return {SYSTEM1: 1e3 * segment / speed, SYSTEM2: 1e3 * thought / speed}


def _operations(graph: Graph) -> int:
    # With gradients allowed all products go through PyTorch's ordinary operations, which are the ones that count.
    inputs = [tensor.clone() for tensor in graph.inputs.values()]
    with FlopCounterMode(display=False) as counter:
        graph.module(*inputs)
    return int(counter.get_total_flops())


def print_engines(console: Console, figures: EngineFigures) -> None:
    """A table: engines against the limit."""
    table = Table(title="shipped checkpoint, processor time: fastest (median), ms")
    names = {SYSTEM1: "System 1, a segment", SYSTEM2: f"System 2, N = {CANDIDATES}"}
    for column in ("", *figures.timings, f"limit at {figures.product_gflops:.0f} GFLOP/s"):
        table.add_column(column, justify="right" if column else "left")
    for figure, title in names.items():
        cells = [
            f"{1e3 * min(found[figure].seconds):.2f} ({found[figure].median_ms:.2f})" if figure in found else "-"
            for found in figures.timings.values()
        ]
        table.add_row(title, *cells, f"{figures.limits[figure]:.2f}")
    console.print(table)
