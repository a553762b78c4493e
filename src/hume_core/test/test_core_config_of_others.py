"""Configurations as other programs write them load; what might change a number is checked or refused by name."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hume_core.config import HumeConfig
from hume_core.config_fields import KNOWN, LEROBOT, STATISTICS, SUPPORTED, WITHOUT_EFFECT
from hume_core.errors import ConfigError
from hume_core.nn.gemma import StackConfig

FIXTURES = Path(__file__).parents[3] / "test" / "fixtures"
RELEASED = FIXTURES / "parity" / "dev_a" / "config.json"
VERSIONS = sorted((FIXTURES / "transformers_configs").glob("*.json"))


@pytest.fixture
def content() -> dict[str, Any]:
    return dict(json.loads(RELEASED.read_text()))


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def whole(request: pytest.FixtureRequest, content: dict[str, Any]) -> dict[str, Any]:
    """A configuration whose sections are whole dictionaries of one version of transformers."""
    sections = json.loads(request.param.read_text())
    return content | sections | {"proj_width": 32, "s1_proj_width": 32, "resize_imgs_with_padding": [28, 28]}


def test_whole_sections_load_and_are_kept(whole: dict[str, Any]) -> None:
    config = HumeConfig.from_dict(whole)
    assert json.loads(json.dumps(config.to_dict())) == whole
    assert config.image_size == (28, 28)
    stack = StackConfig.from_section(config.gemma_expert_config)
    assert (stack.hidden_size, stack.num_hidden_layers, stack.head_dim, stack.rope_theta) == (32, 2, 16, 10000.0)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("s1_dino_config/use_swiglu_ffn", True),
        ("s1_dino_config/hidden_act", "mish"),
        ("s1_dino_config/model_type", "dinov2_with_registers"),
        ("s1_dino_config/layer_norm_eps", 0),
        ("s1_dino_config/num_hidden_layers", None),
        ("s1_dino_config/pruned_heads", {"0": [1]}),
        ("s1_gemma_expert_config/hidden_act", "silu"),
        ("gemma_expert_config/hidden_activation", "relu"),
        ("gemma_expert_config/quantization_config", {"bits": 4}),
        ("gemma_expert_config/attention_bias", True),
        ("paligemma_config/model_type", "paligemma2"),
        ("paligemma_config/text_config/model_type", "gemma2"),
        ("paligemma_config/text_config/add_cross_attention", True),
        ("paligemma_config/vision_config/patch_size", 0),
        ("paligemma_config/vision_config/num_channels", 4),
    ],
)
def test_what_changes_numbers_is_still_checked(whole: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = place.split("/")
    section = whole
    for name in parents:
        section = section[name]
    section[last] = value
    with pytest.raises(ConfigError, match=rf"'{place.replace('/', '.')}'"):
        HumeConfig.from_dict(whole)


@pytest.mark.parametrize("section", ["s1_dino_config", "gemma_expert_config", "paligemma_config"])
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("hiden_size", "hidden_size"), ("num_hidden_layer", "num_hidden_layers"), ("sliding_window", None)],
)
def test_unknown_fields_are_refused_with_the_nearest(
    content: dict[str, Any], section: str, wrong: str, meant: str | None
) -> None:
    content[section][wrong] = 7
    with pytest.raises(ConfigError, match=f"unknown config field '{section}.{wrong}'. Valid fields:") as caught:
        HumeConfig.from_dict(content)
    if meant in KNOWN[section]:
        assert str(caught.value).endswith(f"Did you mean '{meant}'?")


def test_fields_without_effect_are_no_sizes() -> None:
    sizes = {"hidden_size", "num_hidden_layers", "layer_norm_eps", "hidden_act", "head_dim", "rope_theta", "patch_size"}
    assert not sizes & WITHOUT_EFFECT
    assert not set(SUPPORTED) & WITHOUT_EFFECT


NEWER = {
    "push_to_hub": True,
    "repo_id": "somebody/policy",
    "private": None,
    "tags": ["robotics", "hume"],
    "license": "apache-2.0",
    "use_peft": False,
    "pretrained_path": "/data/run/checkpoint",
    "pretrained_revision": None,
}


def test_fields_of_other_lerobot_versions_are_kept(content: dict[str, Any]) -> None:
    config = HumeConfig.from_dict(content | NEWER)
    assert config.lerobot_fields == NEWER
    assert json.loads(json.dumps(config.to_dict())) == content | NEWER
    assert HumeConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("name", sorted(LEROBOT))
@pytest.mark.parametrize("value", [None, "text", 3, [1, 2], {"a": 1}])
def test_they_are_never_judged(content: dict[str, Any], name: str, value: Any) -> None:
    assert HumeConfig.from_dict(content | {name: value}).to_dict()[name] == value


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("s2_chunk", "s2_chunk_size"), ("num_step", "num_steps"), ("lerobot_fields", None), ("chunk_size", None)],
)
def test_other_fields_of_the_file_are_refused(content: dict[str, Any], wrong: str, meant: str | None) -> None:
    with pytest.raises(ConfigError, match=f"unknown config field '{wrong}'") as caught:
        HumeConfig.from_dict(content | {wrong: {}})
    assert meant is None or f"Did you mean '{meant}'?" in str(caught.value)


@pytest.mark.parametrize("section", ["gemma_expert_config", "s1_gemma_expert_config", "text_config"])
def test_rotary_base_under_either_name(content: dict[str, Any], section: str) -> None:
    place = content["paligemma_config"]["text_config"] if section == "text_config" else content[section]
    place.pop("rope_theta", None)
    place["rope_parameters"] = {"rope_theta": 500.0, "rope_type": "default"}
    config = HumeConfig.from_dict(copy.deepcopy(content))
    found = config.paligemma_config["text_config"] if section == "text_config" else getattr(config, section)
    assert StackConfig.from_section(found).rope_theta == 500.0
    for wrong in ({"rope_theta": 500.0, "rope_type": "yarn"}, {"factor": 2.0}, {"rope_theta": 0}, [1]):
        place["rope_parameters"] = wrong
        with pytest.raises(ConfigError, match="rope_parameters"):
            HumeConfig.from_dict(copy.deepcopy(content))
    place |= {"rope_parameters": {"rope_theta": 500.0}, "rope_theta": 10000.0}
    with pytest.raises(ConfigError, match="'rope_parameters' says 500"):
        HumeConfig.from_dict(content)


@pytest.mark.parametrize("mode", [*STATISTICS, "IDENTITY"])
def test_ways_to_normalise(content: dict[str, Any], mode: str) -> None:
    mapping = {"VISUAL": "IDENTITY", "STATE": mode, "ACTION": mode}
    assert HumeConfig.from_dict(content | {"normalization_mapping": mapping}).normalization_mapping == mapping
    if mode != "IDENTITY":
        with pytest.raises(ConfigError, match=r"normalization_mapping.VISUAL' is '\w+'. Valid: IDENTITY"):
            HumeConfig.from_dict(content | {"normalization_mapping": mapping | {"VISUAL": mode}})


@pytest.mark.parametrize("side", [28, 56, 224])
def test_images_that_are_not_resized_must_fit(content: dict[str, Any], side: int) -> None:
    content["resize_imgs_with_padding"] = None
    content["paligemma_config"]["vision_config"]["image_size"] = side
    cameras = [value for key, value in content["input_features"].items() if key.startswith("observation.images.")]
    for camera in cameras:
        camera["shape"] = [3, side, side]
    config = HumeConfig.from_dict(copy.deepcopy(content))
    assert config.image_size == (side, side)
    assert config.to_dict()["resize_imgs_with_padding"] is None
    cameras[-1]["shape"] = [3, side, side + 1]
    with pytest.raises(ConfigError, match=rf"'resize_imgs_with_padding' is null.*takes \[3, {side}, {side}\]"):
        HumeConfig.from_dict(content)


@pytest.mark.parametrize("size", [[112, 112], [224, 112], [448, 448]])
def test_resized_images_must_fit_too(content: dict[str, Any], size: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"image_size' is 224, so it must be \[224, 224\]"):
        HumeConfig.from_dict(content | {"resize_imgs_with_padding": size})


def system2(content: dict[str, Any]) -> dict[str, Any]:
    """The same sizes as a System 2 that was published alone."""
    kept = {name: value for name, value in content.items() if not name.startswith(("s1_", "s2_", "vqh_", "theta"))}
    return kept | {"type": "system2", "chunk_size": 12, "s1_his_state_size": 1}


def test_a_system2_alone(content: dict[str, Any]) -> None:
    config = HumeConfig.from_dict(system2(content))
    assert not config.has_system1
    assert (config.s2_chunk_size, config.s1_chunk_size, config.num_candidates) == (12, 12, 1)
    assert HumeConfig.from_dict(config.to_dict()) == config
    assert HumeConfig.from_dict(content).has_system1


@pytest.mark.parametrize("name", ["s2_chunk_size", "s1_dino_config", "s1_chunk_size"])
def test_a_system2_alone_has_no_fields_of_the_others(content: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"config field '{name}'"):
        HumeConfig.from_dict(system2(content) | {name: content[name]})


@pytest.mark.parametrize("name", ["paligemma_config", "gemma_expert_config", "input_features"])
def test_a_system2_alone_needs_its_own_fields(content: dict[str, Any], name: str) -> None:
    found = system2(content)
    del found[name]
    with pytest.raises(ConfigError, match=f"config field '{name}' is missing"):
        HumeConfig.from_dict(found)
