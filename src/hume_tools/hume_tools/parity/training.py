"""Loss functions and their gradients against a recording."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from hume_bench.padded import padded_images
from hume_core import Observation
from hume_tools.parity.recording import Recording
from hume_tools.parity.report import Comparison, Report
from hume_training.losses import (
    CalQLBatch,
    CalQLDraws,
    JointBatch,
    JointDraws,
    JointLosses,
    critic_loss,
    joint_losses,
    masked_mean,
    policy_loss,
    system1_flow_losses,
    system2_flow_losses,
    temperature_loss,
)
from hume_training.losses.flow_matching import noise_segment, segment_rows
from hume_training.losses.tanh_gaussian import log_density

_IN = "train/in/"
_FULL = "train/full/"


def check_training(recording: Recording, report: Report) -> None:
    """Everything under train."""
    if recording.has("train/s2/noise"):
        check_system2_loss(recording, report)
    if recording.has("train/s1/noise"):
        check_system1_loss(recording, report)
    if recording.has("train/calql/in/actions"):
        check_calql(recording, report)
    if recording.has("train/full/s2_noise"):
        check_joint(recording, report)


def _observation(recording: Recording, suffix: str = "") -> Observation:
    return recording.observation(_IN, suffix, recording.arrays[f"{_IN}observation.state"][:, None])


def _system1_observation(recording: Recording) -> Observation:
    return recording.observation(_IN, ".s1")


def check_system2_loss(recording: Recording, report: Report) -> None:
    """Flow-matching loss of System 2."""
    system2, observation = recording.system2, _observation(recording)
    actions = system2.normalizer.action(recording.tensor(f"{_IN}action"))
    tokens, mask = system2.tokenizer(observation.task)
    noise, time = recording.tensor("train/s2/noise"), recording.tensor("train/s2/time")
    losses = system2_flow_losses(system2, observation, actions, noise, time)
    report.add("train/s2/actions_padded", actions)
    report.add("train/s2/lang_tokens", tokens)
    report.add("train/s2/lang_masks", mask)
    report.add("train/s2/losses", losses)
    report.add("train/s2/loss_mean", losses.mean())
    report.add("train/s2/loss_masked_mean", masked_mean(losses, recording.tensor(f"{_IN}action_is_pad")))


def check_system1_loss(recording: Recording, report: Report) -> None:
    """Flow-matching loss of System 1."""
    system1 = recording.system1
    images = system1.prepare_images(_system1_observation(recording))
    names = ("state", "stamp", "actions", "noise", "time")
    state, stamp, actions, noise, time = (recording.tensor(f"train/s1/{name}") for name in names)
    report.add("train/s1/n_images", len(images))
    report.add("train/s1/losses", system1_flow_losses(system1, images, state, stamp, actions, noise, time))


def _calql_draws(recording: Recording, group: str) -> CalQLDraws:
    names = (
        "temperature_next_normal",
        "policy_normal",
        "td_next_normal",
        "cql_current_normal",
        "cql_next_normal",
        "cql_uniform01",
    )
    return CalQLDraws(*(recording.tensor(f"{group}rand/{name}") for name in names))


def check_calql(recording: Recording, report: Report) -> None:
    """The three value losses on a given batch of features."""
    group = "train/calql/"
    names = ("encoded_observations", "encoded_next_observations", "actions", "rewards", "mc_returns", "masks")
    batch = CalQLBatch(*(recording.tensor(f"{group}in/{name}") for name in names))
    calql, draws = recording.system2.value_head.calql, _calql_draws(recording, group)
    temperature, first = temperature_loss(calql, batch, draws)
    policy, second = policy_loss(calql, batch, draws)
    critic, third = critic_loss(calql, batch, draws, recording.system2.config.discount)
    losses = {"temperature_loss": temperature, "policy_loss": policy, "critic_loss": critic}
    _add_all(report, group, losses)
    _add_all(report, f"{group}info/", first | second | third | _derived(recording, batch))


def _derived(recording: Recording, batch: CalQLBatch) -> dict[str, Tensor]:
    """Logged numbers that no loss needs."""
    calql = recording.system2.value_head.calql
    with torch.no_grad():
        density = log_density(calql.policy(batch.features), batch.actions)
        values = calql.critics(batch.features, batch.actions)
    return {
        "actor_nll": -density.mean(),
        "dataset_rewards": batch.rewards,
        "mc_returns": batch.returns,
        "positive_qs": values.mean(),
    }


def _add_all(report: Report, group: str, values: Mapping[str, Tensor]) -> None:
    for name, value in values.items():
        report.add(f"{group}{name}", value)


def check_joint(recording: Recording, report: Report) -> None:
    """The released training step with its gradients."""
    system1, system2 = recording.system1, recording.system2
    batch, draws = _joint_batch(recording), _joint_draws(recording)
    system1.requires_grad_(True)
    system2.value_head.requires_grad_(True)
    losses = joint_losses(system2, system1, batch, draws)
    losses.total.backward()
    report.add(f"{_FULL}noise_actions", losses.chunk)
    _add_all(
        report,
        _FULL,
        {
            "s1_loss": losses.system1,
            "temperature_loss": losses.temperature,
            "policy_loss": losses.policy,
            "critic_loss": losses.critic,
            "n_images_s2": torch.tensor(len(padded_images(system2, batch.observation)[0])),
            "n_images_vqh": torch.tensor(len(system2.prepare_images(batch.observation))),
        },
    )
    _check_inputs(recording, report, batch, draws, losses)
    _add_all(report, f"{_FULL}calql_info/", losses.info | _derived(recording, losses.calql_batch))
    _check_gradients(recording, report)
    system1.requires_grad_(False)
    system2.value_head.requires_grad_(False)


def _joint_batch(recording: Recording) -> JointBatch:
    reward = recording.tensor(f"{_IN}reward.vqh")
    return JointBatch(
        observation=_observation(recording),
        system1_observation=_system1_observation(recording),
        next_observation=_next_observation(recording),
        actions=recording.tensor(f"{_IN}action"),
        is_pad=recording.tensor(f"{_IN}action_is_pad"),
        progress=recording.tensor(f"{_IN}stamp")[:, 0],
        rewards=reward,
        returns=recording.tensor(f"{_IN}mc.vqh"),
        masks=recording.tensor(f"{_FULL}calql_batch/masks"),
    )


def _next_observation(recording: Recording) -> Observation:
    return _observation(recording, ".vqh")


def _joint_draws(recording: Recording) -> JointDraws:
    return JointDraws(
        system2_noise=recording.tensor(f"{_FULL}s2_noise")[None],
        time=recording.tensor(f"{_FULL}s1_time_raw"),
        slide_uniform=recording.tensor(f"{_FULL}rand/slides_uniform01")[:, 0],
        slide_normal=recording.tensor(f"{_FULL}rand/slides_normal"),
        calql=_calql_draws(recording, _FULL),
    )


def _check_inputs(
    recording: Recording, report: Report, batch: JointBatch, draws: JointDraws, losses: JointLosses
) -> None:
    system1 = recording.system1
    config, length = system1.config, system1.config.s1_chunk_size
    noise = noise_segment(
        losses.chunk,
        batch.progress,
        length,
        shift=config.noise_slides_alp,
        spread=config.noise_slides_eps,
        uniform=draws.slide_uniform,
        normal=draws.slide_normal,
    )
    seen = batch.system1_observation
    call = {
        "n_images": torch.tensor(len(system1.prepare_images(seen))),
        "state": system1.prepare_state(seen),
        "actions": segment_rows(system1.normalizer.action(batch.actions), batch.progress, length),
        "noise": noise,
        "stamp": batch.progress,
    }
    _add_all(report, f"{_FULL}s1_call/", call)
    values = losses.calql_batch
    _add_all(
        report,
        f"{_FULL}calql_batch/",
        {
            "encoded_observations": values.features,
            "encoded_next_observations": values.next_features,
            "actions": values.actions,
            "rewards": values.rewards,
            "mc_returns": values.returns,
        },
    )


def _check_gradients(recording: Recording, report: Report) -> None:
    gradients = {
        policy.to_stored(name): parameter.grad
        for policy in (recording.system1, recording.system2)
        for name, parameter in policy.named_parameters()
        if parameter.grad is not None
    }
    for name, gradient in gradients.items():
        report.add(f"{_FULL}grad/{name}", gradient)
    if recording.has(f"{_FULL}grad_norms_json"):
        norms = json.loads(str(recording.arrays[f"{_FULL}grad_norms_json"]))
        report.comparisons.append(_compare_norms(norms, gradients))


def _compare_norms(norms: dict[str, float], gradients: Mapping[str, Tensor]) -> Comparison:
    """All gradient norms at once. Those that are rounding noise (a key's bias) count by their size."""
    name = f"{_FULL}grad_norms_json"
    missing = sorted(set(norms) ^ set(gradients))
    if missing:
        return Comparison(name, float("inf"), float("inf"), False, f"only on one side: {missing[0]}")
    noise = 1e-7 * max(norms.values())
    differences = {key: abs(float(gradients[key].norm()) - norm) for key, norm in norms.items()}
    relative = max(difference / max(norms[key], noise) for key, difference in differences.items())
    return Comparison(name, max(differences.values()), relative, relative <= 1e-3, "limit 1e-3 of each norm")
