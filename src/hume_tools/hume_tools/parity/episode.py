"""A recorded closed-loop episode: System 2 and System 1 at their own rates, batch of one."""

from __future__ import annotations

import json

import numpy as np

from hume_core import Observation
from hume_core.settings import declared
from hume_serve.episode import Episode
from hume_serve.infer_settings import InferSettings
from hume_serve.inputs import PolicyInputs
from hume_serve.policy import CascadedPolicy
from hume_tools.parity.recording import IMAGES, Recording
from hume_tools.parity.report import Array, Report


def check_episode(recording: Recording, report: Report) -> None:
    """Everything under infer."""
    if not recording.has("infer/config_json", "infer/noise", "infer/observation.state"):
        return
    content = json.loads(str(recording.arrays["infer/config_json"]))
    known = {item.name for item in declared(InferSettings)}
    settings = InferSettings.of({name: value for name, value in content.items() if name in known}, InferSettings())
    actions, calls, values = replay(recording, settings)
    report.add("infer/actions", actions)
    report.add("infer/s2_calls", calls)
    report.add("infer/chosen_q", values)


def replay(recording: Recording, settings: InferSettings) -> tuple[Array, Array, Array]:
    """Actions (steps, 1, a), System 2 runs per step (steps,) and values (thoughts, N)."""
    policy = CascadedPolicy(recording.system2, recording.system1)
    episode = Episode(policy, settings)
    policy.warm_up(episode.settings, repeats=0)
    steps, candidates = len(recording.arrays["infer/observation.state"]), episode.settings.s2_candidates_num
    noise = recording.tensor("infer/noise")
    calls = np.zeros(steps, dtype=np.int64)
    actions: list[Array] = []
    values: list[Array] = []
    for step in range(steps):
        draws = noise[len(values) * candidates :][:candidates]
        actions.append(episode.act(PolicyInputs(_observation(recording, step), draws)))
        if episode.thought is not None and episode.thoughts > len(values):
            values.append(episode.thought.values[0].numpy())
            calls[step] = candidates
    return np.stack(actions), calls, np.stack(values)


def _observation(recording: Recording, step: int) -> Observation:
    """As a client sends it: the newest state, or a history where one was recorded."""
    arrays = recording.arrays
    frame = int(arrays["infer/image_index"][step])
    names = {key: f"infer/{IMAGES}{key}" for key in recording.system1.config.camera_keys}
    images = {key: arrays[name][frame] for key, name in names.items() if name in arrays}
    state = arrays["infer/observation.state"][step]
    task = [str(text) for text in arrays["infer/task"]]
    return Observation(images, state if state.ndim == 3 else state[:, None], task)
