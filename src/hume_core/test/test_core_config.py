"""HumeConfig: released files load unchanged, and every mistake is named."""

import copy
import json
from pathlib import Path

import pytest

from hume_core.config import HumeConfig
from hume_core.errors import ConfigError

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a" / "config.json"


@pytest.fixture
def content():
    return json.loads(FIXTURE.read_text())


def test_released_file_round_trips(content):
    config = HumeConfig.load(FIXTURE)
    assert json.loads(json.dumps(config.to_dict())) == content
    assert config.camera_keys == ("image", "wrist_image")
    assert (config.state_dim, config.action_dim) == (8, 7)


def test_own_fields_are_written_only_where_they_matter(content):
    assert "patch_stem" not in HumeConfig.from_dict(content).to_dict()
    content["patch_stem"] = "conv"
    assert HumeConfig.from_dict(content).to_dict()["patch_stem"] == "conv"


def test_missing_plain_fields_take_released_defaults(content):
    for name in ("num_steps", "theta1", "vqh_chunk_size", "empty_cameras"):
        del content[name]
    config = HumeConfig.from_dict(content)
    assert (config.num_steps, config.theta1, config.vqh_chunk_size, config.empty_cameras) == (10, 1.0, 1, 0)


def _set(content, path, value):
    content = copy.deepcopy(content)
    *parents, last = path.split("/")
    place = content
    for name in parents:
        place = place[name]
    place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("chunk", 3, "unknown config field 'chunk'"),
        ("type", "pi0", "'type' is 'pi0'"),
        ("num_steps", "ten", "'num_steps' must be an integer. Found str"),
        ("num_steps", True, "'num_steps' must be an integer. Found bool"),
        ("num_steps", 0, "'num_steps' is 0"),
        ("theta1", [1.0], "'theta1' must be a number"),
        ("theta2", 1.5, "'theta2' is 1.5"),
        ("num_candidates", 0, "'num_candidates' is 0"),
        ("value_temperature", -0.1, "'value_temperature' is -0.1. It must be at least 0"),
        ("value_temperature", float("nan"), "'value_temperature' is nan"),
        ("noise_schedule", "even", "'noise_schedule' is 'even'; valid: start_times, noise_levels"),
        ("use_cache", 1, "'use_cache' must be true or false"),
        ("resize_imgs_with_padding", [224], "'resize_imgs_with_padding' must be a list of 2"),
        ("s1_chunk_size", 99, "'s1_chunk_size' is 99"),
        ("vqh_chunk_size", 17, "'vqh_chunk_size' is 17"),
        ("proj_width", 48, "'proj_width' is 48"),
        ("adapt_to_pi_aloha", True, "'adapt_to_pi_aloha'"),
        ("normalization_mapping/STATE", "MIN_MAXX", "normalization_mapping.STATE"),
        ("input_features/observation.state/shape", [40], "'max_state_dim' allows 32"),
        ("input_features/observation.state/shape", 8, "input_features.observation.state.shape"),
        ("output_features", {}, "has no 'action'"),
        ("gemma_expert_config/num_hidden_layers", 5, "gemma_expert_config.num_hidden_layers"),
        ("gemma_expert_config/hiden_size", 5, "unknown config field 'gemma_expert_config.hiden_size'"),
        ("paligemma_config/text_config/hidden_size", "64", "paligemma_config.text_config.hidden_size"),
        ("s1_dino_config/use_swiglu_ffn", True, "s1_dino_config.use_swiglu_ffn"),
    ],
)
def test_every_mistake_is_named(content, path, value, message):
    with pytest.raises(ConfigError, match=message):
        HumeConfig.from_dict(_set(content, path, value))


def test_missing_section_is_named(content):
    del content["paligemma_config"]["text_config"]
    with pytest.raises(ConfigError, match=r"paligemma_config\.text_config"):
        HumeConfig.from_dict(content)


def test_missing_or_broken_file(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        HumeConfig.load(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        HumeConfig.load(tmp_path / "config.json")
