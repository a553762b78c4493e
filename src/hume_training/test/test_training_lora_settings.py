"""The section `lora` of a training's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from hume_core.errors import ConfigError
from hume_training.training.config import System1Config, System2Config, TrainingConfig, ValueConfig
from hume_training.training.lora_settings import TARGETS

NEEDED = {"dataset": "d", "output": "o"}


@pytest.mark.parametrize("kind", [System2Config, System1Config])
def test_fields_are_given_one_by_one_or_together(kind: type[System2Config]) -> None:
    together = kind.from_dict(NEEDED | {"lora": {"rank": 8, "alpha": 32}})
    apart = kind.from_dict(NEEDED | {"lora.rank": 8, "lora.alpha": "3.2e1"})
    assert together == apart
    assert (together.lora.rank, together.lora.alpha, together.lora.targets) == (8, 32.0, TARGETS)
    assert kind.from_dict(together.to_dict()) == together
    assert {"lora.rank", "lora.targets"} <= set(kind.field_names())
    assert kind.defaults()["lora.rank"] == 0


def test_a_change_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("dataset: d\noutput: o\nlora:\n  rank: 4\n  alpha: 2.0\n")
    config = System2Config.load(file, {"lora.rank": 16, "lora.parts": "expert,language"})
    assert (config.lora.rank, config.lora.alpha, config.lora.parts) == (16, 2.0, ("expert", "language"))


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (System2Config, {"lora": {"rank": -1}}, "'lora.rank' is -1. It must be at least 0"),
        (System2Config, {"lora": {"rank": "many"}}, "'lora.rank' is 'many'. It must be of type int"),
        (System2Config, {"lora": {"rang": 4}}, "unknown training field 'lora.rang'"),
        (System2Config, {"lora": 4}, "'lora' is 4. It must be a mapping with fields of: rank, alpha"),
        (System2Config, {"lora.alpha": 0.0}, "'lora.alpha' is 0.0. It must be a positive number"),
        (System2Config, {"lora.alpha": float("nan")}, "'lora.alpha' is nan"),
        (System2Config, {"lora.targets": ["q"]}, "'lora.targets' has 'q'. Valid: q_proj, k_proj"),
        (System2Config, {"lora": {"rank": 1, "targets": []}}, "'lora.targets' is empty"),
        (System2Config, {"lora.parts": ["stack"]}, "'lora.parts' has 'stack'. Valid: vision, language, expert"),
        (System1Config, {"lora.parts": ["expert"]}, "'lora.parts' has 'expert'. Valid: vision, stack"),
        (System1Config, {"lora.trained": ["token_embedding"]}, "'lora.trained' has 'token_embedding'"),
        (System2Config, {"lora": {"parts": ["expert"], "trained": ["expert"]}}, "'expert' is in lora.parts and"),
        (System2Config, {"lora.base_precision": "int4"}, "'lora.base_precision' has 'int4'. Valid: float32, bfloat16"),
        (System2Config, {"lora.rank": 4, "freeze_prefix": True}, "freeze_prefix is for a training without lora"),
        (System1Config, {"lora.rank": 4, "warm_start": True}, "warm_start and freeze_vision are for a training"),
        (System1Config, {"lora.rank": 4, "freeze_vision": True}, "warm_start and freeze_vision are for a training"),
        (ValueConfig, {"lora": {"rank": 4}}, "unknown training field 'lora'"),
        (System2Config, {"tensorboard": True}, "unknown training field 'tensorboard'. It is called 'tracker' now"),
        (System2Config, {"tracker": "tensorboard,tensorboard"}, "each name once"),
    ],
)  # fmt: skip
def test_refuses_what_cannot_be(kind: type[TrainingConfig], change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        kind.from_dict(NEEDED | change)
    assert message in str(raised.value)
