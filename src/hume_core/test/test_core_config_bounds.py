"""Numbers in a checkpoint's configuration that cannot be meant are one error, before anything is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hume_core.config import HumeConfig, check_layers
from hume_core.config_fields import COUNTS, LARGEST
from hume_core.errors import CheckpointError, ConfigError
from hume_core.tokenizer import InstructionTokenizer

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"
SECTIONS = ("gemma_expert_config", "s1_dino_config", "s1_gemma_expert_config")


@pytest.fixture
def content() -> dict[str, Any]:
    return dict(json.loads((FIXTURE / "config.json").read_text()))


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("field", ["num_hidden_layers", "hidden_size", "num_attention_heads"])
@pytest.mark.parametrize("value", [0, -1, 10**18, 1e18, 2.0, "4", None, [], True])
def test_sizes_of_a_section(content: dict[str, Any], section: str, field: str, value: Any) -> None:
    content[section][field] = value
    expected = rf"'{section}.{field}' must be a whole number from 1 to {LARGEST[field]}"
    with pytest.raises(ConfigError, match=expected):
        HumeConfig.from_dict(content)


@pytest.mark.parametrize("section", ["text_config", "vision_config"])
@pytest.mark.parametrize(("field", "value"), [("num_hidden_layers", 10**18), ("patch_size", 0), ("image_size", [])])
def test_sizes_of_inner_sections(content: dict[str, Any], section: str, field: str, value: Any) -> None:
    if section == "text_config" and field != "num_hidden_layers":
        field, value = "vocab_size", 10**9
    content["paligemma_config"][section][field] = value
    with pytest.raises(ConfigError, match=rf"'paligemma_config.{section}.{field}' must be a whole number"):
        HumeConfig.from_dict(content)


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize("value", [0, -5, 10**9, 10**18])
def test_counts(content: dict[str, Any], field: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"'{field}' is {value}"):
        HumeConfig.from_dict({**content, field: value})


@pytest.mark.parametrize("size", [[0, 224], [-1, 224], [224, 10**6]])
def test_size_of_images(content: dict[str, Any], size: list[int]) -> None:
    with pytest.raises(ConfigError, match="'resize_imgs_with_padding' is"):
        HumeConfig.from_dict({**content, "resize_imgs_with_padding": size})


@pytest.mark.parametrize("shape", [[], [0], [-3], [10**9], ["7"], "abc", [True], None])
def test_shapes_of_features(content: dict[str, Any], shape: Any) -> None:
    content["input_features"]["observation.state"]["shape"] = shape
    with pytest.raises(ConfigError, match=r"'input_features.observation.state.shape' must be a list of whole numbers"):
        HumeConfig.from_dict(content)


@pytest.mark.parametrize(
    ("section", "field", "value", "expected"),
    [
        ("s1_dino_config", "num_attention_heads", 7, "must be a multiple of num_attention_heads, 7"),
        ("s1_gemma_expert_config", "num_key_value_heads", 3, "must be a multiple of num_key_value_heads, 3"),
        ("s1_gemma_expert_config", "head_dim", 15, "it must be even"),
        ("s1_gemma_expert_config", "rms_norm_eps", 0, "must be a number above 0"),
        ("s1_gemma_expert_config", "rope_theta", -1.0, "must be a number above 0"),
        ("s1_dino_config", "drop_path_rate", 1.5, "must be a number from 0 to below 1"),
        ("s1_dino_config", "qkv_bias", "yes", "must be true or false"),
        ("s1_dino_config", "hidden_act", "x" * 10**6, "only 'gelu'"),
        ("s1_dino_config", "num_channels", True, "only 3 is supported"),
    ],
)
def test_fields_that_must_fit_each_other(
    content: dict[str, Any], section: str, field: str, value: Any, expected: str
) -> None:
    content[section][field] = value
    with pytest.raises(ConfigError, match=expected) as caught:
        HumeConfig.from_dict(content)
    assert len(str(caught.value)) < 1000


def test_layers_need_tensors(content: dict[str, Any]) -> None:
    config = HumeConfig.from_dict(content)
    check_layers(config, 12)
    with pytest.raises(ConfigError, match=r"num_hidden_layers' is \d+. The checkpoint has 1 tensors"):
        check_layers(config, 1)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tokenizer_config.json", '{"pad_token": 3}', "'pad_token' is 3. Expected text"),
        ("tokenizer_config.json", '{"pad_token": {"content": []}}', r"'pad_token' is \[\]. Expected text"),
        ("tokenizer_config.json", "[]", "must hold one JSON object"),
        ("tokenizer_config.json", "{", "not valid JSON"),
        ("tokenizer.json", "{", "is no tokenizer file"),
        ("tokenizer.json", "[" * 10_000, "is no tokenizer file"),
    ],
)
def test_files_of_a_tokenizer(tmp_path: Path, name: str, text: str, expected: str) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_text((FIXTURE / file).read_text())
    (tmp_path / name).write_text(text)
    with pytest.raises(CheckpointError, match=expected):
        InstructionTokenizer(tmp_path, 12)
