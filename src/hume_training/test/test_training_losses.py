"""Losses: formulas on small numbers. Parity with recorded values is tested beside ``hume parity``."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from hume_core import Observation
from hume_system1.model import System1
from hume_system2.model import System2
from hume_system2.model.critics import CalQL
from hume_training.initialize import create_checkpoint
from hume_training.losses import (
    CalQLBatch,
    CalQLDraws,
    JointBatch,
    JointDraws,
    critic_loss,
    flow_time,
    joint_losses,
    masked_mean,
    noise_segment,
    policy_loss,
    system1_flow_losses,
    system2_flow_losses,
    temperature_loss,
    update_targets,
)
from hume_training.losses.tanh_gaussian import log_density, sample


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    folder = create_checkpoint(tmp_path_factory.mktemp("small"), vqh_chunk_size=4, s1_his_state_size=2, theta1=0.8)
    return System2.from_pretrained(folder), System1.from_pretrained(folder)


def _observation(seed=0, batch=3):
    random = np.random.default_rng(seed)
    images = {key: random.integers(0, 256, (batch, 64, 64, 3), dtype=np.uint8) for key in ("image", "wrist_image")}
    return Observation(images, random.normal(size=(batch, 2, 7)).astype(np.float32), ["go", "stack", "lift the cube"])


@pytest.fixture
def calql():
    torch.manual_seed(0)
    return CalQL(5, 3)


def _batch(masks=(1.0, 0.0)):
    generator = torch.Generator().manual_seed(1)
    features, following = torch.randn(2, 2, 5, generator=generator)
    actions = torch.rand(2, 3, generator=generator) * 2 - 1
    return CalQLBatch(
        features, following, actions, torch.tensor([-1.0, 0.0]), torch.tensor([-9.0, 9.0]), torch.tensor(masks)
    )


def _draws():
    return CalQLDraws.random(2, 3, generator=torch.Generator().manual_seed(2))


def test_flow_time_is_beta_in_its_range():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 20000, generator=generator)
    time = flow_time(first, second)
    assert time.min() >= 0.001
    assert time.max() <= 1.0
    one = first ** (1 / 1.5)
    torch.testing.assert_close(time, 0.999 * one / (one + second) + 0.001)


def test_masked_steps_count_as_zero():
    losses = torch.ones(1, 4, 2)
    assert masked_mean(losses, torch.tensor([[False, False, True, True]])) == 0.5


def test_noise_segment_shifts_within_the_chunk():
    chunk = torch.arange(16.0).view(1, 16, 1)
    progress = torch.tensor([0.5])
    assert noise_segment(chunk, progress, 8)[0, 0, 0] == 8.0
    late = noise_segment(chunk, progress, 8, shift=0.5, uniform=torch.tensor([1.0]))
    early = noise_segment(chunk, progress, 8, shift=0.5, uniform=torch.tensor([0.0]))
    assert late[0, 0, 0] == 8.0
    assert early[0, 0, 0] == 0.0
    noisy = noise_segment(chunk, progress, 8, spread=0.5, normal=torch.ones(1, 8, 1))
    torch.testing.assert_close(noisy - noise_segment(chunk, progress, 8), torch.full((1, 8, 1), 0.5))


def test_late_segments_are_those_that_system1_is_asked_about(policies):
    system1 = policies[1]
    config, generator = system1.config, torch.Generator().manual_seed(0)
    horizon = config.s2_chunk_size
    chunk = torch.randn(1, horizon, config.max_action_dim, generator=generator).expand(horizon, -1, -1)
    progress = torch.arange(horizon) / horizon
    asked, _ = system1.segment(chunk, progress, horizon)
    assert torch.equal(noise_segment(chunk, progress, config.s1_chunk_size, hold_end=True), asked)
    assert not torch.equal(noise_segment(chunk, progress, config.s1_chunk_size), asked)


def test_log_density_belongs_to_the_samples():
    mean, std = torch.tensor([[0.1, -0.3]]), torch.tensor([[0.5, 0.8]])
    actions, density = sample((mean, std), torch.tensor([[0.3, -0.2]]))
    torch.testing.assert_close(log_density((mean, std), actions), density, rtol=1e-4, atol=1e-4)
    grid = torch.linspace(-0.989, 0.989, 4001)[:, None]
    total = log_density((torch.zeros(1), torch.full((1,), 0.5)), grid).exp().mean() * 2 * 0.989
    torch.testing.assert_close(total, torch.tensor(1.0), rtol=1e-2, atol=0)


def test_target_stops_at_the_episodes_end(calql):
    _, going = critic_loss(calql, _batch((1.0, 1.0)), _draws(), discount=0.9)
    _, ended = critic_loss(calql, _batch((0.0, 0.0)), _draws(), discount=0.9)
    torch.testing.assert_close(ended["target_q"], torch.tensor(-0.5))
    assert going["target_q"] != ended["target_q"]


def test_recorded_next_actions_take_the_place_of_the_actors(calql):
    batch = dataclasses.replace(_batch((1.0, 1.0)), next_actions=torch.full((2, 3), 0.25))
    _, info = critic_loss(calql, batch, _draws(), discount=0.9)
    following = calql.target_critics(batch.next_features, batch.next_actions).amin(dim=0)
    torch.testing.assert_close(info["target_q"], (batch.rewards + 0.9 * following).mean().detach())


def test_return_bounds_policy_samples_from_below(calql):
    _, info = critic_loss(calql, _batch(), _draws(), discount=0.9)
    torch.testing.assert_close(info["calql_bound_rate"], torch.tensor(0.5))
    assert info["cql_ood_values"] > 0


def test_actor_learns_entropy_only_and_temperature_its_target(calql):
    loss, _ = policy_loss(calql, _batch(), _draws())
    loss.backward()
    assert calql.policy.mean_layer.weight.grad is not None
    assert all(parameter.grad is None for parameter in calql.critics.parameters())
    assert calql.temperature.multiplier.grad is None
    temperature_loss(calql, _batch(), _draws())[0].backward()
    assert calql.temperature.multiplier.grad is not None


def test_critic_loss_trains_critics_only(calql):
    critic_loss(calql, _batch(), _draws(), discount=0.9)[0].backward()
    assert all(parameter.grad is not None for parameter in calql.critics.parameters())
    assert all(parameter.grad is None for parameter in calql.target_critics.parameters())
    assert all(parameter.grad is None for parameter in calql.policy.parameters())


def test_targets_follow(calql):
    online, target = calql.critics.output_layer.bias, calql.target_critics.output_layer.bias
    gap = (online - target).abs().item()
    update_targets(calql, rate=0.25)
    assert math.isclose((online - target).abs().item(), 0.75 * gap, rel_tol=1e-4)


def test_system2_loss_is_zero_for_the_right_velocity(policies):
    system2, _ = policies
    noise = torch.randn(3, 16, 32, generator=torch.Generator().manual_seed(0))
    time = torch.tensor([0.2, 0.5, 0.9])
    with torch.no_grad():
        velocity = noise - torch.zeros(3, 16, 32)
        losses = system2_flow_losses(system2, _observation(), torch.zeros(3, 16, 32), noise, time)
        thought = system2.think(_observation(), 1, (1.0, 1.0), noise=noise[None])
    assert losses.shape == (3, 16, 32)
    assert torch.isfinite(thought.chunk).all()
    assert (losses <= 2 * (velocity.square() + losses)).all()
    assert losses.mean() > 0


def test_system1_gradient_reaches_every_parameter(policies):
    _, system1 = policies
    system1.requires_grad_(True)
    generator = torch.Generator().manual_seed(0)
    actions, noise = torch.randn(2, 3, 8, 32, generator=generator)
    observation = _observation()
    losses = system1_flow_losses(
        system1,
        system1.prepare_images(observation),
        system1.prepare_state(observation),
        torch.tensor([0.0, 0.25, 0.5]),
        actions,
        noise,
        torch.tensor([0.1, 0.4, 0.7]),
    )
    losses.mean().backward()
    unused = {name for name, parameter in system1.named_parameters() if parameter.grad is None}
    assert unused == {"network.vision.tower.embeddings.mask_token"}
    system1.requires_grad_(False)
    system1.zero_grad()


def test_joint_step_trains_system1_and_the_value_head_only(policies):
    system2, system1 = policies
    system1.requires_grad_(True)
    system2.requires_grad_(True)
    generator = torch.Generator().manual_seed(0)
    batch = JointBatch(
        observation=_observation(0),
        system1_observation=_observation(1),
        next_observation=_observation(2),
        actions=torch.randn(3, 16, 7, generator=generator),
        is_pad=torch.zeros(3, 16, dtype=torch.bool),
        progress=torch.tensor([0.0, 0.25, 0.5]),
        rewards=torch.tensor([-1.0, -1.0, 0.0]),
        returns=torch.tensor([-3.0, -2.0, 0.0]),
        masks=torch.tensor([1.0, 1.0, 0.0]),
    )
    draws = JointDraws(
        system2_noise=torch.randn(1, 3, 16, 32, generator=generator),
        time=torch.tensor([0.3, 0.5, 0.8]),
        slide_uniform=torch.rand(3, generator=generator),
        slide_normal=torch.randn(3, 8, 32, generator=generator),
        calql=CalQLDraws.random(3, 28, generator=generator),
    )
    losses = joint_losses(system2, system1, batch, draws)
    assert losses.calql_batch.actions.shape == (3, 28)
    losses.total.backward()
    assert all(parameter.grad is None for parameter in system2.network.parameters())
    assert system2.value_head.query.grad.abs().sum() > 0
    assert system1.network.projections.state_proj.weight.grad.abs().sum() > 0
