"""Preprocessing, prefixes, single steps and whole thoughts against a recording."""

from __future__ import annotations

import numpy as np
import torch

from hume_bench.padded import padded_images, padded_system1, padded_system2, padded_value_prefix
from hume_core import Observation
from hume_tools.parity.recording import Recording
from hume_tools.parity.report import Report

THOUGHTS = ("think_time", "think_noise", "think_both")


def check_inference(recording: Recording, report: Report) -> None:
    """Everything under prep, prep1, s2, s1, vqh and think_*."""
    first = recording.observation("in/obs0/", state=recording.arrays["in/obs0/observation.state"])
    second = recording.later_observation()
    with torch.inference_mode():
        check_preprocessing(recording, report, first, "prep")
        if second is not None:
            check_preprocessing(recording, report, second, "prep1")
        check_system2(recording, report, first)
        check_system1(recording, report, first)
        check_value_head(recording, report, first)
        for name in THOUGHTS:
            if recording.has(f"{name}/noise"):
                check_thought(recording, report, name, first, second)


def check_preprocessing(recording: Recording, report: Report, observation: Observation, group: str) -> None:
    """Images, states and tokens."""
    images, masks = padded_images(recording.system2, observation)
    for i, (image, mask) in enumerate(zip(images, masks, strict=True)):
        report.add(f"{group}/image{i}", image)
        report.add(f"{group}/img_mask{i}", mask)
    report.add(f"{group}/state", recording.system1.state_history(observation))
    tokens, token_mask = recording.system2.tokenizer(observation.task)
    report.add(f"{group}/lang_tokens", tokens)
    report.add(f"{group}/lang_masks", token_mask)


def check_system2(recording: Recording, report: Report, observation: Observation) -> None:
    """The padded prefix slot by slot, then one velocity from the shipped path."""
    system2, network = recording.system2, recording.system2.network
    prefix = padded_system2(system2, observation)
    report.add("s2/prefix_embs", prefix.embeddings)
    report.add("s2/prefix_pad_masks", prefix.valid)
    report.add("s2/prefix_att_masks", torch.zeros_like(prefix.valid))
    report.add("s2/prefix_position_ids", prefix.positions)
    rotary = network.rotary(prefix.positions)
    report.add("s2/prefix_out", network.language(prefix.embeddings, rotary, prefix.bias))
    cache = network.language.prefill(prefix.embeddings, rotary, prefix.bias)
    report.add("s2/kv_first_key", cache[0][0].transpose(1, 2))
    report.add("s2/kv_last_value", cache[-1][1].transpose(1, 2))
    if not recording.has("s2/step_x_t", "s2/step_time"):
        return
    x, time = recording.tensor("s2/step_x_t"), recording.tensor("s2/step_time")
    features = network.projections.time_features(time, network.compute_dtype)
    state = system2.prepare_state(observation)[:, -1]
    token = network.projections.state_proj(state)[:, None].to(network.compute_dtype).float()
    report.add("s2/suffix_embs", torch.cat([token, network.projections.action_tokens(x, features)], dim=1))
    report.add("s2/suffix_att_masks", _block_starts(len(x), 2, x.shape[1] + 1))
    shared = system2.embed_prefix(observation)
    cache = network.encode(shared, state)
    horizon = x.shape[1]
    bias = network.suffix_bias(shared, 1 + horizon)
    velocity = network.velocity(x, features, cache, network.action_rotary(shared, horizon), bias)
    report.add("s2/step_velocity", velocity)


def check_system1(recording: Recording, report: Report, observation: Observation) -> None:
    """Prefix, suffix and one velocity of System 1."""
    system1, network = recording.system1, recording.system1.network
    prefix = padded_system1(system1, observation)
    report.add("s1/prefix_embs", prefix.embeddings)
    report.add("s1/prefix_pad_masks", prefix.valid)
    report.add("s1/prefix_att_masks", torch.zeros_like(prefix.valid))
    if not recording.has("s1/step_x_t", "s1/step_time", "s1/step_stamp"):
        return
    x, stamp = recording.tensor("s1/step_x_t"), recording.tensor("s1/step_stamp")
    features = network.projections.time_features(recording.tensor("s1/step_time"), network.compute_dtype)
    state = system1.state_history(observation)
    context = network.context_tokens(state, stamp).float()
    report.add("s1/suffix_embs", torch.cat([context, network.projections.action_tokens(x, features)], dim=1))
    starts = context.shape[1] + 1
    report.add("s1/suffix_att_masks", _block_starts(len(x), starts, context.shape[1] + x.shape[1]))
    cache = network.encode(network.embed_images(system1.prepare_images(observation)), state, stamp)
    rotary = network.rotary(cache[0][0].shape[2], x.shape[1], x.device)
    report.add("s1/step_velocity", network.velocity(x, features, cache, rotary))


def _block_starts(batch: int, starts: int, length: int) -> torch.Tensor:
    """Released notation of causal blocks: 1 where a new block begins (B, length)."""
    return (torch.arange(length) < starts).float().expand(batch, length)


def check_value_head(recording: Recording, report: Report, observation: Observation) -> None:
    """The query's place, its feature, actor and critics."""
    head = recording.system2.value_head
    prefix, index = padded_value_prefix(padded_system2(recording.system2, observation), head.query)
    report.add("vqh/prefix_embs", prefix.embeddings)
    report.add("vqh/prefix_pad_masks", prefix.valid)
    report.add("vqh/prefix_att_masks", torch.zeros_like(prefix.valid))
    report.add("vqh/query_index", index)
    feature = head.state_feature(recording.system2.embed_prefix(observation))
    report.add("vqh/query_feature", feature)
    mean, std = head.calql.policy(feature)
    report.add("vqh/actor_loc", mean)
    report.add("vqh/actor_scale", std)
    report.add("vqh/actor_mode", mean.tanh())
    if recording.has("vqh/probe_actions"):
        actions = recording.tensor("vqh/probe_actions")
        targets = head.calql.target_critics(feature, actions)
        report.add("vqh/probe_critics", head.calql.critics(feature, actions))
        report.add("vqh/probe_target_critics", targets)
        report.add("vqh/probe_q_values", targets.amin(dim=0))


def bounds(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest setting from what the candidates used (the highest is never reached)."""
    low, count = round(float(values[0]), 6), len(values)
    if count == 1:
        return low, low
    return low, round(low + (float(values[-1]) - low) * count / (count - 1), 5)


def check_thought(
    recording: Recording, report: Report, name: str, first: Observation, second: Observation | None
) -> None:
    """A whole thought, then System 1's segments at the stamp 0 and later."""
    system1, system2, arrays = recording.system1, recording.system2, recording.arrays
    noise = recording.tensor(f"{name}/noise")
    times, scales = bounds(arrays[f"{name}/time_temp"]), bounds(arrays[f"{name}/noise_temp"])
    system2.prepare(first, len(noise), times, scales)
    system1.prepare(first)
    thought = system2.think(first, len(noise), times, scales, noise)
    report.add(f"{name}/euler_steps", thought.euler_steps)
    report.add(f"{name}/candidates", thought.candidates)
    report.add(f"{name}/q_values", thought.values)
    report.add(f"{name}/index", thought.index)
    report.add(f"{name}/noise_action", thought.chunk)
    length = system2.value_head.value_length
    report.add(f"{name}/candidates_unnormalized", system2.unnormalise(thought.candidates[:, :, :length]))
    for group, observation, stamp in (("", first, 0.0), ("late_", second, arrays.get(f"{name}/late_stamp"))):
        if stamp is None or observation is None:
            continue
        segment, stamps = system1.segment(thought.chunk, stamp, first.batch_size)
        report.add(f"{name}/{group}s1_in", segment)
        report.add(f"{name}/{group}s1_norm", system1.denoise(observation, segment, stamps))
        report.add(f"{name}/{group}s1_action", system1.refine(observation, thought.chunk, stamp))
