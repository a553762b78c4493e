"""Compares the models with numbers that the released implementation computed: ``hume parity FOLDER``."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console

from hume_core.console import say
from hume_core.durations import MEASURED
from hume_core.engine_names import AUTO, EAGER, ONNX
from hume_core.engines import EngineError
from hume_core.errors import HumeError
from hume_tools.parity.episode import check_episode
from hume_tools.parity.half import check_half
from hume_tools.parity.inference import check_inference
from hume_tools.parity.recording import Recording, load_recording
from hume_tools.parity.report import Report
from hume_tools.parity.training import check_training

FLOAT32_FILE = "io.npz"
BFLOAT16_FILE = "io_bf16.npz"
_SMALL, _SMALL_SIZE = 7, 3
"""What a small checkpoint takes, s, and its size, MB."""


def run_parity(folder: Path, engine: str = EAGER) -> int:
    """Print the largest absolute and relative error per array.

    The relative error of an array is its largest absolute error divided by the largest magnitude recorded in
    it. Integers, masks and chosen indices must be equal. A single number near 0, which has no scale of its
    own, also passes with an absolute error up to 1e-5.

    Args:
        folder: checkpoint folder with ``io.npz`` and, if bfloat16 was recorded too, ``io_bf16.npz``.
        engine: what runs whole thoughts and segments. Their parts are always compared with eager operations.

    Returns:
        0 where every array is within 1e-4 relative. 1 where one is not. 2 where the folder cannot be read, or the
        engine cannot run it.
    """
    console = Console()
    say(_expected(folder))
    try:
        reports = compare(Path(folder), engine)
    except HumeError as error:
        console.print(f"[red]{error}[/]")
        return 2
    for title, report in reports.items():
        report.print(console, title)
        failed = [item.name for item in report.comparisons if not item.passed]
        verdict = f"[red]{len(failed)} failed: {', '.join(failed)}[/]" if failed else "[green]all passed[/]"
        console.print(f"{title}, engine {engine}: {len(report.comparisons)} arrays, {verdict}")
    return 0 if all(report.passed for report in reports.values()) else 1


def _expected(folder: Path) -> str:
    """How long it takes, as far as that is known: every array is computed once on the processor."""
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6
    return f"{_SMALL} seconds for a checkpoint of {_SMALL_SIZE} MB ({MEASURED}). This one has {size:.0f} MB"


def compare(folder: Path, engine: str = EAGER) -> dict[str, Report]:
    """Reports by title. See ``run_parity``.

    Raises:
        HumeError: the folder cannot be read, or the engine cannot run it.
    """
    recording = load_recording(folder, FLOAT32_FILE, torch.float32, engine)
    report = Report(recording.arrays)
    check_inference(recording, report)
    check_episode(recording, report)
    check_training(recording, report)
    _check_engine(recording, engine)
    reports = {"float32": report}
    # ONNX Runtime computes in float32 alone.
    if (folder / BFLOAT16_FILE).is_file() and engine != ONNX:
        half = load_recording(folder, BFLOAT16_FILE, torch.bfloat16, engine)
        reports["bfloat16"] = check_half(half, recording.arrays)
    return reports


def _check_engine(recording: Recording, engine: str) -> None:
    for policy in (recording.system1, recording.system2):
        if engine not in (AUTO, policy.engine.name):
            raise EngineError(f"engine '{engine}' did not run the models. The warning above says why")
