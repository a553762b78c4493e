"""A recorded closed-loop episode: System 2 and System 1 at their own rates, batch of one."""

from __future__ import annotations

import json
from collections import deque

import numpy as np
import torch

from hume_core import Observation
from hume_tools.parity.recording import IMAGES, Recording
from hume_tools.parity.report import Array, Report


def check_episode(recording: Recording, report: Report) -> None:
    """Everything under infer."""
    if not recording.has("infer/config_json", "infer/noise", "infer/observation.state"):
        return
    settings = json.loads(str(recording.arrays["infer/config_json"]))
    actions, calls, values = replay(recording, settings)
    report.add("infer/actions", actions)
    report.add("infer/s2_calls", calls)
    report.add("infer/chosen_q", values)


def replay(recording: Recording, settings: dict[str, float]) -> tuple[Array, Array, Array]:
    """Actions (steps, 1, a), System 2 runs per step (steps,) and values (thoughts, N)."""
    arrays, config = recording.arrays, recording.system1.config
    candidates = int(settings["s2_candidates_num"])
    noise = arrays["infer/noise"]
    states = arrays["infer/observation.state"]
    history: deque[Array] = deque(maxlen=config.s1_his_state_size)
    calls = np.zeros(len(states), dtype=np.int64)
    actions: list[Array] = []
    values: list[Array] = []
    chunk = segment = torch.empty(0)
    for step, state in enumerate(states):
        history.extend(_recorded_states(state, 1 if history else config.s1_his_state_size))
        since_thought = step % int(settings["s2_replan_steps"])
        since_segment = step % int(settings["replan_steps"])
        if since_segment == 0:
            observation = _observation(recording, step, history)
            if since_thought == 0:
                draws = noise[len(values) * candidates :][:candidates]
                search = (candidates, _range(settings, "time"), _range(settings, "noise"))
                recording.system2.prepare(observation, *search)
                recording.system1.prepare(observation)
                thought = recording.system2.think(observation, *search, draws)
                chunk = thought.chunk
                values.append(thought.values[0].numpy())
                calls[step] = candidates
            segment = recording.system1.refine(observation, chunk, since_thought / config.s2_chunk_size)
        action = segment[:, since_segment].clone()
        if settings.get("post_process_action"):
            action[..., -1] = 2.0 * (1.0 - action[..., -1]) - 1.0
        actions.append(action.numpy())
    return np.stack(actions), calls, np.stack(values)


def _recorded_states(state: Array, copies: int) -> list[Array]:
    """New states (1, s) of one step: a recorded history (1, T, s) as it is, else copies of the newest."""
    return list(state.swapaxes(0, 1)) if state.ndim == 3 else [state] * copies


def _range(settings: dict[str, float], name: str) -> tuple[float, float]:
    return settings[f"{name}_temp_lower_bound"], settings[f"{name}_temp_upper_bound"]


def _observation(recording: Recording, step: int, history: deque[Array]) -> Observation:
    arrays = recording.arrays
    frame = int(arrays["infer/image_index"][step])
    names = {key: f"infer/{IMAGES}{key}" for key in recording.system1.config.camera_keys}
    images = {key: arrays[name][frame] for key, name in names.items() if name in arrays}
    task = [str(text) for text in arrays["infer/task"]]
    return Observation(images, np.stack(list(history), axis=1), task)
