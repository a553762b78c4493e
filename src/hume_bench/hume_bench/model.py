"""``hume bench model``: the shipped models against the straightforward schedule, in one run."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from hume_bench.engines import ENGINES, EngineFigures, bench_engines, print_engines
from hume_bench.plot import plot_model
from hume_bench.reference import straightforward_refine, straightforward_think
from hume_bench.timing import BUDGET, Timing, measure_pair
from hume_core import Observation
from hume_core.console import say
from hume_core.durations import Units, duration
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.initialize import DEFAULT_CORPUS, random_policies, write_tokenizer
from hume_training.presets import find_preset, preset_config

CANDIDATES = (1, 2, 5, 8, 16)
EQUAL_LIMIT = 1e-4


class BenchError(HumeError):
    """Both schedules disagree, so their times cannot be compared."""


@dataclass(frozen=True)
class Size:
    """One size to measure.

    Attributes:
        name: in the results.
        preset: sizes of the parts. Released System 1 sizes come with "medium".
        image: height and width of the camera images, pixels.
        systems: which systems are measured.
        repeats: calls per schedule at most.
    """

    name: str
    preset: str
    image: tuple[int, int]
    systems: tuple[str, ...]
    repeats: int


SIZES = (
    Size("small", "small", (96, 96), ("system2", "system1"), 30),
    Size("medium", "medium", (224, 224), ("system2",), 3),
    Size("full", "medium", (224, 224), ("system1",), 3),
)


@dataclass(frozen=True)
class ModelTimes:
    """Times of both schedules for one case. ``difference`` is relative to the largest output."""

    system: str
    size: str
    candidates: int
    straightforward: Timing
    shipped: Timing
    difference: float

    @property
    def ratio(self) -> float:
        """How many times faster the shipped schedule is: median over the turns, each measured side by side."""
        return _median_ratio(self.straightforward, self.shipped)

    @property
    def key(self) -> str:
        """Name in ``ratios``."""
        suffix = f"_n{self.candidates}" if self.system == "system2" else ""
        return f"{self.system}_{self.size}{suffix}"


def run_bench(
    json_path: Path | None,
    sizes: Sequence[Size] = SIZES,
    candidates: Sequence[int] = CANDIDATES,
    repeats: int | None = None,
    plot: Path | None = None,
    engines: Sequence[str] = ENGINES,
) -> int:
    """Measure on one thread, print a table, write JSON and a plot where asked.

    One thread and processor time keep the figures comparable on a machine that other processes use too.

    Args:
        json_path: where the figures go. None writes none.
        sizes: what to measure.
        candidates: values of N.
        repeats: calls per schedule at most, instead of each size's own.
        plot: .svg or .png file for the plot. None draws none.
        engines: those that run the shipped checkpoint.

    Returns:
        0. A disagreement of the schedules raises.

    Raises:
        BenchError: the schedules do not give equal numbers.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = measure(Console(), sizes, candidates, repeats)
        figures = bench_engines(Console(), 40 if repeats is None else repeats, engines)
        report(Console(), results, figures, json_path, plot)
    finally:
        torch.set_num_threads(before)
    return 0


def measure(
    console: Console, sizes: Sequence[Size], candidates: Sequence[int], repeats: int | None
) -> list[ModelTimes]:
    """Measure every case with a progress bar. See ``run_bench``."""
    results: list[ModelTimes] = []
    total = sum(len(candidates) if "system2" in size.systems else 0 for size in sizes)
    total += sum("system1" in size.systems for size in sizes)
    say(f"at most {duration(total * BUDGET)}: {Units(total, 'cases', BUDGET)}, and somewhat more on a slow machine")
    with Progress(console=console) as progress, tempfile.TemporaryDirectory() as folder:
        task = progress.add_task("measuring", total=total)
        for size in sizes:
            system2, system1 = _policies(size, Path(folder))
            observation = _observation(size, system2)
            turns = size.repeats if repeats is None else repeats
            for n in candidates if "system2" in size.systems else ():
                progress.update(task, description=f"System 2 {size.name}, N = {n}")
                results.append(bench_system2(system2, observation, size.name, n, turns))
                progress.advance(task)
            if "system1" in size.systems:
                progress.update(task, description=f"System 1 {size.name}")
                results.append(bench_system1(system1, observation, size.name, turns))
                progress.advance(task)
    return results


def report(
    console: Console,
    results: Sequence[ModelTimes],
    figures: EngineFigures,
    json_path: Path | None,
    plot: Path | None,
) -> None:
    """Print tables. Write JSON and plot where a path is given."""
    _print(console, results)
    print_engines(console, figures)
    content = summary(results) | figures.to_dict()
    if json_path is not None:
        write_json(json_path, content)
    if plot is not None:
        plot_model(content, plot)


def _policies(size: Size, folder: Path) -> tuple[System2, System1]:
    preset = find_preset(size.preset)
    write_tokenizer(folder, DEFAULT_CORPUS, preset.vocabulary)
    config = preset_config(preset, ("image", "wrist_image"), state_dim=7, action_dim=7)
    return random_policies(config, preset.value, folder, seed=0)


def _observation(size: Size, system2: System2) -> Observation:
    random = np.random.default_rng(0)
    shape = (1, *size.image, 3)
    images = {key: random.integers(0, 256, shape, dtype=np.uint8) for key in system2.config.camera_keys}
    return Observation(images, np.zeros((1, 1, 7), dtype=np.float32), [DEFAULT_CORPUS[0]])


def bench_system2(system2: System2, observation: Observation, size: str, n: int, repeats: int) -> ModelTimes:
    """Measure a thought of N candidates, after checking that both schedules agree."""
    config = system2.config
    generator = torch.Generator().manual_seed(n)
    noise = torch.randn(n, 1, config.s2_chunk_size, config.max_action_dim, generator=generator)

    def shipped() -> tuple[Tensor, Tensor]:
        thought = system2.think(observation, n, noise=noise)
        return thought.candidates, thought.values

    def straightforward() -> tuple[Tensor, Tensor]:
        return straightforward_think(system2, observation, noise)

    return _result("system2", size, n, straightforward, shipped, repeats)


def bench_system1(system1: System1, observation: Observation, size: str, repeats: int) -> ModelTimes:
    """Measure a segment, after checking that both schedules agree."""
    config = system1.config
    chunk = torch.randn(1, config.s2_chunk_size, config.max_action_dim, generator=torch.Generator().manual_seed(0))

    def shipped() -> tuple[Tensor, ...]:
        segment, stamps = system1.segment(chunk, 0.25, 1)
        return (system1.denoise(observation, segment, stamps),)

    def straightforward() -> tuple[Tensor, ...]:
        return (straightforward_refine(system1, observation, chunk, 0.25),)

    return _result("system1", size, 1, straightforward, shipped, repeats)


def _median_ratio(slow: Timing, fast: Timing) -> float:
    return median(one / other for one, other in zip(slow.seconds, fast.seconds, strict=True))


def _result(
    system: str,
    size: str,
    n: int,
    straightforward: Callable[[], tuple[Tensor, ...]],
    shipped: Callable[[], tuple[Tensor, ...]],
    repeats: int,
) -> ModelTimes:
    pairs = zip(straightforward(), shipped(), strict=True)
    difference = max(float((one - other).abs().max() / one.abs().max()) for one, other in pairs)
    if not difference <= EQUAL_LIMIT:
        raise BenchError(f"{system} {size} N={n}: the schedules differ by {difference:.1e}, more than {EQUAL_LIMIT}")
    slow, fast = measure_pair(straightforward, shipped, repeats)
    return ModelTimes(system, size, n, slow, fast, difference)


def _print(console: Console, results: Sequence[ModelTimes]) -> None:
    table = Table(title=f"float32, {torch.get_num_threads()} thread, processor time: median (fastest - slowest)")
    for name in ("system", "size", "N", "straightforward, ms", "shipped, ms", "ratio", "difference", "peak, MB"):
        table.add_column(name, justify="left" if name in ("system", "size") else "right")
    for item in results:
        table.add_row(
            item.system,
            item.size,
            str(item.candidates),
            _spread(item.straightforward),
            _spread(item.shipped),
            f"{item.ratio:.2f}",
            f"{item.difference:.0e}",
            f"{item.shipped.peak_memory_mb:.0f}",
        )
    console.print(table)


def _spread(timing: Timing) -> str:
    low, high = 1e3 * min(timing.seconds), 1e3 * max(timing.seconds)
    return f"{timing.median_ms:.1f} ({low:.1f} - {high:.1f})"


def summary(results: Sequence[ModelTimes]) -> dict[str, Any]:
    """Content of the JSON file. ``candidate_cost`` is shipped time at N = 5 over that at N = 1."""
    shipped = {item.key: item.shipped.median_ms for item in results}
    cost = {
        key.removesuffix("_n5"): value / shipped[f"{key.removesuffix('_n5')}_n1"]
        for key, value in shipped.items()
        if key.endswith("_n5") and f"{key.removesuffix('_n5')}_n1" in shipped
    }
    return {
        "ratios": {item.key: item.ratio for item in results},
        "candidate_cost_n5_over_n1": cost,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "torch": torch.__version__,
        "machine": platform.machine(),
        "results": [
            {
                "system": item.system,
                "size": item.size,
                "candidates": item.candidates,
                "straightforward": item.straightforward.to_dict(),
                "shipped": item.shipped.to_dict(),
                "ratio": item.ratio,
                "largest_relative_difference": item.difference,
            }
            for item in results
        ],
    }
