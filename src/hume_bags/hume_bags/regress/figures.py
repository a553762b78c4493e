"""Figures of a run, for every form of the report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.regress.compare_commands import state_names
from hume_bags.regress.stream import CommandStream


def limiter_shares(stream: CommandStream) -> dict[str, float]:
    """Joint -> part of the ticks in which its reference could not be followed."""
    bits = stream.commands["limited"]
    return {
        name: float(((bits >> np.uint64(i)) & np.uint64(1)).mean()) if len(bits) else 0.0
        for i, name in enumerate(stream.joints)
    }


def state_shares(stream: CommandStream) -> dict[str, float]:
    """'mode: reason' -> part of the ticks."""
    names, counts = np.unique(state_names(stream), return_counts=True)
    return {str(name): float(count) / len(stream.commands) for name, count in zip(names, counts, strict=True)}


def chosen_values(stream: CommandStream) -> NDArray[np.float64]:
    """Value of the chosen candidate of each thought."""
    rows = stream.thoughts
    chosen: NDArray[np.float64] = rows["values"][np.arange(len(rows)), rows["index"].astype(np.int64)]
    return chosen


def figures(stream: CommandStream) -> dict[str, Any]:
    """Counts, rates and medians of a run."""
    commands, thoughts, segments = stream.commands, stream.thoughts, stream.segments
    duration = float(commands["time"][-1]) * 1e-9
    return {
        "duration_s": duration,
        "ticks": len(commands),
        "thoughts": len(thoughts),
        "segments": len(segments),
        "system2_hz": len(thoughts) / duration,
        "system1_hz": len(segments) / duration,
        "think_latency_s": _median((thoughts["end"] - thoughts["start"]) * 1e-9),
        "denoise_latency_s": _median((segments["end"] - segments["start"]) * 1e-9),
        "observation_to_segment_s": _median((segments["end"] - segments["observation"]) * 1e-9),
        "mean_value": float(chosen_values(stream).mean()) if len(thoughts) else None,
        "states": state_shares(stream),
        "limiter_activity": limiter_shares(stream),
        "largest_distance_to_recorded_arm": float(commands["tracking"].max(initial=0.0)),
    }


def _median(values: NDArray[np.float64]) -> float | None:
    return round(float(np.median(values)), 6) if len(values) else None
