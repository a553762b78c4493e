"""create_checkpoint: complete, deterministic, of the right size, and read by both systems."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hume_core import Observation
from hume_core.errors import ConfigError, ContractError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.initialize import create_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return create_checkpoint(
        tmp_path_factory.mktemp("small"), action_mean=[1.0] * 7, action_std=[0.5] * 7, state_mean=[2.0] * 7
    )


def _observation():
    images = {key: np.zeros((1, 96, 96, 3), np.uint8) for key in ("image", "wrist_image")}
    return Observation(images, np.zeros((1, 1, 7), np.float32), ["stack the yellow cube on the green cube"])


def test_both_systems_run(folder):
    system2, system1 = System2.from_pretrained(folder), System1.from_pretrained(folder)
    thought = system2.think(_observation(), generator=torch.Generator().manual_seed(0))
    segment = system1.refine(_observation(), thought.chunk)
    assert segment.shape == (1, 8, 7)
    assert torch.isfinite(segment).all()


def test_statistics_are_written(folder):
    tensors = load_file(folder / "model.safetensors")
    assert torch.equal(tensors["unnormalize_outputs.buffer_action.mean"], torch.ones(7))
    assert torch.equal(tensors["normalize_targets.buffer_action.std"], torch.full((7,), 0.5))
    assert torch.equal(tensors["normalize_inputs.buffer_observation_state.mean"], torch.full((7,), 2.0))


def test_size_and_released_names(folder):
    assert 10e6 < (folder / "model.safetensors").stat().st_size < 16e6
    tensors = load_file(folder / "model.safetensors")
    assert "value_query_head.vqh_backbone.gemma_expert.lm_head.weight" in tensors
    assert not [name for name in tensors if "embed_tokens" in name]


def test_target_critics_start_as_the_critics(folder):
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if ".critics." in name:
            assert torch.equal(tensor, tensors[name.replace(".critics.", ".target_critics.")])


def test_instructions_fit(folder):
    tokenizer = System2.from_pretrained(folder).tokenizer
    _, mask = tokenizer(["stack the yellow cube on the green cube", "grasp the ÄÖÜ"])
    assert mask.sum(dim=1).max() < 48


def test_equal_seeds_equal_files(folder, tmp_path):
    again = create_checkpoint(tmp_path / "again", action_mean=[1.0] * 7, action_std=[0.5] * 7, state_mean=[2.0] * 7)
    other = create_checkpoint(tmp_path / "other", seed=1)
    name = "s1_model.state_proj.weight"
    one, same, different = (load_file(path / "model.safetensors")[name] for path in (folder, again, other))
    assert torch.equal(one, same)
    assert not torch.equal(one, different)


def test_does_not_disturb_the_random_state(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    create_checkpoint(tmp_path / "a")
    assert torch.equal(torch.rand(1), expected)


def test_convolutional_stem_is_an_extension(tmp_path):
    target = create_checkpoint(tmp_path / "conv", "small_conv", cameras=("image",), state_dim=3)
    system1, system2 = System1.from_pretrained(target), System2.from_pretrained(target)
    observation = Observation({"image": np.zeros((1, 64, 64, 3), np.uint8)}, np.zeros((1, 1, 3), np.float32), ["go"])
    chunk = system2.think(observation, 1).chunk
    assert system1.refine(observation, chunk).shape == (1, 8, 7)
    assert '"patch_stem": "conv"' in (target / "config.json").read_text()


def test_unknown_preset_or_setting(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown preset 'huge'\. Valid: small"):
        create_checkpoint(tmp_path, "huge")
    with pytest.raises(ConfigError, match="unknown config field 'thetas'"):
        create_checkpoint(tmp_path, thetas=1.0)


def test_a_checkpoint_keeps_its_contract(tmp_path):
    contract = PolicyContract.of(RobotProfile.load("wx250s_sim"))
    folder = create_checkpoint(tmp_path / "new", contract=contract)
    for system in (System1, System2):
        policy = system.from_pretrained(folder)
        assert policy.contract == contract
        policy.save_pretrained(tmp_path / system.__name__)
        assert PolicyContract.load(tmp_path / system.__name__) == contract
    assert System2.from_pretrained(create_checkpoint(folder)).contract is None


def test_a_contract_of_another_size_is_refused(tmp_path):
    contract = PolicyContract.of(RobotProfile.load("franka_panda"))
    with pytest.raises(ContractError, match=r"states and actions of 8 and 7 numbers\. The checkpoint has 7 and 7"):
        create_checkpoint(tmp_path, contract=contract)
