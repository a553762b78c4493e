"""bfloat16: looser rules, since the order of additions alone moves its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hume_tools.parity.episode import check_episode
from hume_tools.parity.inference import THOUGHTS, check_thought
from hume_tools.parity.recording import Recording
from hume_tools.parity.report import Array, Comparison, Report

ACTION_LIMIT = 2e-2


def check_half(recording: Recording, float32: dict[str, Array]) -> Report:
    """Actions within 2e-2 of the recorded ones. The chosen index equal where the values clearly differ.

    Args:
        recording: models in bfloat16 and what was recorded in bfloat16.
        float32: what was recorded in float32.
    """
    groups = [name for name in THOUGHTS if recording.has(f"{name}/noise")]
    rules = {f"{name}/index": _index_rule(recording.arrays, float32, name) for name in groups}
    everything = Report(recording.arrays, strict=False, rules=rules)
    first = recording.observation("in/obs0/", state=recording.arrays["in/obs0/observation.state"])
    second = recording.later_observation()
    for name in groups:
        check_thought(recording, everything, name, first, second)
    check_episode(recording, everything)
    judged = [_judge(item, recording.arrays, float32) for item in everything.comparisons]
    return Report(recording.arrays, strict=False, comparisons=judged)


def _index_rule(half: dict[str, Array], float32: dict[str, Array], name: str) -> Callable[[Array, Array], bool]:
    clear = clearly_best(float32[f"{name}/q_values"], half[f"{name}/q_values"])
    return lambda found, expected: bool((found == expected)[clear].all())


def _judge(item: Comparison, arrays: dict[str, Array], float32: dict[str, Array]) -> Comparison:
    if item.name == "infer/actions" and not _thoughts_clear(arrays, float32):
        return item
    if item.name.endswith("s1_action") or item.name == "infer/actions":
        return replace(item, passed=item.absolute <= ACTION_LIMIT, note="limit 2e-2 absolute")
    if item.name.endswith("euler_steps"):
        return replace(item, passed=item.absolute == 0.0)
    if item.name.endswith("/index"):
        return replace(item, note="where values clearly differ")
    return item


def _thoughts_clear(arrays: dict[str, Array], float32: dict[str, Array]) -> bool:
    return bool(clearly_best(float32["infer/chosen_q"], arrays["infer/chosen_q"]).all())


def clearly_best(float32: Array, half: Array) -> Array:
    """Where the best value leads by more than what bfloat16 changes (B,).

    Args:
        float32: values (B, N).
        half: the same in bfloat16.
    """
    best = np.sort(float32, axis=1)
    error = np.abs(half - float32).max(axis=1)
    return best[:, -1] - best[:, -2] > error if best.shape[1] > 1 else np.ones(len(best), dtype=bool)
