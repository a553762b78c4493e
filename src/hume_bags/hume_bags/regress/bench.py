"""How much faster than real time sessions are stepped."""

from __future__ import annotations

from pathlib import Path

from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.run import regress
from hume_core.durations import FirstUnits
from hume_core.json_report import write_json


def run_bench(bag: Path, checkpoint: str, json_file: Path | None, repeats: int) -> int:
    """Step a session several times and print the realtime factor of the fastest run."""
    rest, results = FirstUnits(repeats, "runs"), []
    for _ in range(repeats):
        results.append(regress(RegressOptions(bag, checkpoint=checkpoint)))
        rest.done()
    best = max(results, key=lambda result: result.realtime_factor)
    found = {
        "session_s": best.duration,
        "wall_time_s": best.wall_time,
        "processor_time_s": best.processor_time,
        "processor_time_per_session_second": best.processor_time / best.duration,
        "realtime_factor": best.realtime_factor,
        "realtime_factors": [result.realtime_factor for result in results],
        "segments": len(best.stream.segments),
        "thoughts": len(best.stream.thoughts),
    }
    print(
        f"{best.duration:.1f} s of session in {best.wall_time:.2f} s: realtime factor {best.realtime_factor:.2f} "
        f"({best.processor_time:.2f} s of processor time, best of {repeats})"
    )
    if json_file is not None:
        write_json(json_file, found)
    return 0
