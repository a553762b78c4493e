"""System2: loading, thinking, saving, and typed errors for every damage."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hume_core import Observation
from hume_core.errors import CheckpointError, ConfigError, ObservationError
from hume_system2.choosers import CHOOSERS
from hume_system2.model import System2, Thought
from hume_system2.model.thought import combine
from hume_system2.model.value_stack import RELEASED, value_stack_config

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.fixture(scope="module")
def system2():
    return System2.from_pretrained(FIXTURE)


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "checkpoint"
    shutil.copytree(FIXTURE, target, ignore=shutil.ignore_patterns("*.npz"))
    return target


def _observation(batch=1, task="open the middle drawer", **changes):
    random = np.random.default_rng(0)
    images = {
        "image": random.integers(0, 256, (batch, 40, 50, 3), dtype=np.uint8),
        "wrist_image": random.integers(0, 256, (batch, 30, 20, 3), dtype=np.uint8),
    }
    state = random.normal(size=(batch, 1, 8)).astype(np.float32)
    return Observation(**({"images": images, "state": state, "task": [task] * batch} | changes))


def test_thought_has_the_promised_shapes(system2):
    thought = system2.think(_observation(2), num_candidates=3, generator=torch.Generator().manual_seed(0))
    assert isinstance(thought, Thought)
    assert thought.candidates.shape == (2, 3, 16, 32)
    assert thought.values.shape == (2, 3)
    assert thought.index.shape == thought.value.shape == thought.spread.shape == (2,)
    assert thought.chunk.shape == (2, 16, 32)
    assert thought.noise_levels.shape == thought.euler_steps.shape == (3,)
    assert system2.unnormalise(thought.chunk).shape == (2, 16, 7)


def test_chunk_is_the_candidate_of_the_highest_value(system2):
    thought = system2.think(_observation(2), 4, generator=torch.Generator().manual_seed(1))
    for b in range(2):
        assert thought.index[b] == thought.values[b].argmax()
        assert torch.equal(thought.chunk[b], thought.candidates[b, thought.index[b]])
        assert thought.value[b] == thought.values[b].max()


def test_with_a_temperature_the_chunk_is_the_mean_of_the_candidates_by_value():
    candidates = torch.arange(6.0).view(1, 3, 2, 1)
    values = torch.tensor([[0.0, 2.0, -1e9]])
    weights = CHOOSERS["value"](candidates, values, 2.0, None)
    chunk = combine(candidates, weights)
    share = float(1.0 / (1.0 + np.exp(-1.0)))
    torch.testing.assert_close(weights, torch.tensor([[1.0 - share, share, 0.0]]))
    torch.testing.assert_close(chunk.flatten(), torch.tensor([2.0 * share, 1.0 + 2.0 * share]))


def test_the_checkpoint_says_how_many_candidates_and_how_to_choose(folder, tmp_path):
    target = shutil.copytree(folder, tmp_path / "copy")
    content = json.loads((target / "config.json").read_text())
    assert not {"num_candidates", "value_temperature"} & set(content)
    (target / "config.json").write_text(json.dumps(content | {"num_candidates": 3, "value_temperature": 0.5}))
    system2 = System2.from_pretrained(target)
    thought = system2.think(_observation(), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(thought.weights, torch.softmax(thought.values / 0.5, dim=1))
    assert thought.weights.shape == (1, 3)
    torch.testing.assert_close(thought.chunk[0], (thought.weights[0, :, None, None] * thought.candidates[0]).sum(0))
    system2.save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["value_temperature"] == 0.5


def test_same_noise_same_thought_in_numpy_and_torch(system2):
    noise = torch.randn(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    observation = _observation()
    as_torch = Observation(
        {key: torch.from_numpy(image) for key, image in observation.images.items()},
        torch.from_numpy(observation.state),
        observation.task,
    )
    one, other = system2.think(observation, 2, noise=noise), system2.think(as_torch, 2, noise=noise.numpy())
    assert torch.equal(one.candidates, other.candidates)


def test_candidates_do_not_depend_on_each_other(system2):
    noise = torch.randn(5, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    observation = _observation()
    together = system2.think(observation, 5, (1.0, 1.0), noise=noise)
    alone = system2.think(observation, 1, (1.0, 1.0), noise=noise[3:4])
    torch.testing.assert_close(together.candidates[:, 3:4], alone.candidates, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(together.values[:, 3:4], alone.values, rtol=1e-4, atol=1e-4)


def test_batch_elements_do_not_depend_on_each_other(system2):
    noise = torch.randn(2, 2, 16, 32, generator=torch.Generator().manual_seed(0))
    first = _observation(task="open the drawer")
    second = _observation(task="pick up the black bowl and place it on the plate")
    both = Observation(
        {key: np.concatenate([image, second.images[key]]) for key, image in first.images.items()},
        np.concatenate([first.state, second.state]),
        first.task + second.task,
    )
    together = system2.think(both, 2, noise=noise)
    for b, observation in enumerate((first, second)):
        alone = system2.think(observation, 2, noise=noise[:, b : b + 1])
        torch.testing.assert_close(together.candidates[b : b + 1], alone.candidates, rtol=1e-4, atol=1e-4)


def test_descending_start_times_keep_the_callers_order(system2):
    noise = torch.randn(3, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    observation = _observation()
    falling = system2.think(observation, 3, (1.0, 0.4), noise=noise)
    assert falling.euler_steps.tolist() == [10, 8, 6]
    alone = system2.think(observation, 1, (0.6, 0.6), noise=noise[2:])
    torch.testing.assert_close(falling.candidates[:, 2:], alone.candidates, rtol=1e-4, atol=1e-4)


def test_only_own_tensors_are_read(system2):
    assert not [name for name in system2.tensors_read if name.startswith("s1_model")]
    assert "value_query_head.vqh_backbone.gemma_expert.lm_head.weight" not in system2.tensors_read


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": np.zeros((1, 1, 7), np.float32)}, "state has 7 numbers. The checkpoint needs 8"),
        ({"images": {"image": np.zeros((1, 8, 8, 3), np.uint8)}}, "camera 'wrist_image' is missing"),
        (
            {"images": {key: np.zeros((1, 8, 8, 3), np.uint8) for key in ("image", "wrist_image", "top")}},
            "unknown camera 'top'",
        ),
    ],
)
def test_observation_that_does_not_fit(system2, changes, message):
    with pytest.raises(ObservationError, match=message):
        system2.think(_observation(**changes))


def test_wrong_noise_and_candidates(system2):
    with pytest.raises(ObservationError, match=r"Expected \(N, B, H, A\) = \[2, 1, 16, 32\]"):
        system2.think(_observation(), 2, noise=torch.zeros(1, 1, 16, 32))
    with pytest.raises(ObservationError, match="At least 1"):
        system2.think(_observation(), 0)


def test_save_and_load_is_identical(system2, tmp_path):
    system2.save_pretrained(tmp_path)
    before, after = load_file(FIXTURE / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype, name
        assert torch.equal(after[name], tensor), name
    assert json.loads((tmp_path / "config.json").read_text()) == json.loads((FIXTURE / "config.json").read_text())
    again = System2.from_pretrained(tmp_path)
    noise = torch.zeros(1, 1, 16, 32)
    assert torch.equal(
        again.think(_observation(), 1, noise=noise).chunk, system2.think(_observation(), 1, noise=noise).chunk
    )


def _rewrite(folder, change):
    path = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path)


@pytest.mark.parametrize(
    "name",
    [
        "s2_model.paligemma_with_expert.paligemma.language_model.lm_head.weight",
        "s2_model.paligemma_with_expert.gemma_expert.model.layers.1.self_attn.o_proj.weight",
        "value_query_head.query_embedding",
        "value_query_head.calql.target_critics.output_layer.bias",
        "unnormalize_outputs.buffer_action.std",
    ],
)
def test_missing_tensor_is_named(folder, name):
    _rewrite(folder, lambda tensors: tensors.pop(name))
    with pytest.raises(CheckpointError, match=f"'{name}' is missing"):
        System2.from_pretrained(folder)


def test_wrong_shape_is_named(folder):
    name = "s2_model.state_proj.weight"
    _rewrite(folder, lambda tensors: tensors.update({name: torch.zeros(32, 31)}))
    with pytest.raises(CheckpointError, match=r"state_proj.*expected \[32, 32\].*found \[32, 31\]"):
        System2.from_pretrained(folder)


def test_unknown_config_field_and_missing_config(folder):
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"s3_chunk_size": 4}))
    with pytest.raises(ConfigError, match="s3_chunk_size"):
        System2.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"config\.json"):
        System2.from_pretrained(folder)


def test_value_stack_size_without_its_file(folder, system2):
    expected = system2.value_head.stack.config
    (folder / "vqh_backbone.json").unlink()
    assert System2.from_pretrained(folder).value_head.stack.config == expected


def test_value_stack_released_size_is_recognised():
    stack = "value_query_head.vqh_backbone.gemma_expert.model."
    shapes = {
        f"{stack}layers.{i}.{name}.weight": shape
        for i in range(4)
        for name, shape in (
            ("self_attn.q_proj", (2048, 2048)),
            ("self_attn.k_proj", (256, 2048)),
            ("mlp.up_proj", (4096, 2048)),
        )
    }

    class Reader:
        folder = Path("/nowhere")
        names = tuple(shapes)
        shape = staticmethod(shapes.__getitem__)

    assert value_stack_config(Reader()) == RELEASED


def test_broken_value_stack_file(folder):
    (folder / "vqh_backbone.json").write_text("[]")
    with pytest.raises(ConfigError, match="vqh_backbone"):
        System2.from_pretrained(folder)


def test_bfloat16_stays_near_float32(system2):
    half = System2.from_pretrained(FIXTURE, dtype=torch.bfloat16)
    assert half.network.projections.state_proj.weight.dtype == torch.float32
    assert half.network.expert.norm.weight.dtype == torch.float32
    noise = torch.randn(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    one, other = system2.think(_observation(), 2, noise=noise), half.think(_observation(), 2, noise=noise)
    assert (one.candidates - other.candidates).abs().max() < 0.02 * one.candidates.abs().max()
    with pytest.raises(ConfigError, match="dtype"):
        System2.from_pretrained(FIXTURE, dtype=torch.float16)


def test_warm_up_leaves_results_alone(system2):
    noise = torch.zeros(1, 1, 16, 32)
    before = system2.think(_observation(), 1, noise=noise).chunk
    system2.warm_up(num_candidates=2, repeats=1)
    assert torch.equal(before, system2.think(_observation(), 1, noise=noise).chunk)
