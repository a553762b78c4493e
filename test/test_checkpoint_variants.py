"""Folders that other programs wrote: the same policy comes out of every spelling, and a System 2 alone thinks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hume_bags.regress.policy import load_policy
from hume_bags.regress.regress_settings import RegressOptions, settings_of
from hume_core.errors import CheckpointError, ObservationError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.model import ActionUnits, System1
from hume_system1.refiners import PassThroughRefiner
from hume_system2.model import System2
from hume_system2.thinker import Thinker, ThinkingOptions
from hume_training.default_checkpoint import random_checkpoint
from hume_training.initialize import create_checkpoint
from hume_training.presets import SMALL

PALIGEMMA = "s2_model.paligemma_with_expert.paligemma."
Change = Callable[[str], str]


def renamed(*pairs: tuple[str, str]) -> Change:
    def change(name: str) -> str:
        for old, new in pairs:
            if name.startswith(old):
                return new + name.removeprefix(old)
        return name

    return change


NEWER = renamed(
    (f"{PALIGEMMA}language_model.model.", f"{PALIGEMMA}model.language_model."),
    (f"{PALIGEMMA}language_model.lm_head.", f"{PALIGEMMA}lm_head."),
    (f"{PALIGEMMA}vision_tower.", f"{PALIGEMMA}model.vision_tower."),
    (f"{PALIGEMMA}multi_modal_projector.", f"{PALIGEMMA}model.multi_modal_projector."),
)
SPELLINGS: dict[str, Change] = {
    "model": lambda name: f"model.{name}",
    "module": lambda name: f"module.{name}",
    "transformers 4.52": NEWER,
    "transformers 4.52, module": lambda name: f"module.{NEWER(name)}",
    "transformers 5": lambda name: NEWER(name).replace("vision_tower.vision_model.", "vision_tower."),
    "tied": renamed(
        (f"{PALIGEMMA}language_model.lm_head.", f"{PALIGEMMA}language_model.model.embed_tokens."),
    ),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_checkpoint(tmp_path_factory.mktemp("released"), SMALL, 3, state_dim=5, action_dim=4)


def changed(source: Path, folder: Path, names: Change, **settings: Any) -> Path:
    """A copy of a checkpoint with other tensor names and settings."""
    shutil.copytree(source, folder)
    tensors = load_file(source / "model.safetensors")
    save_file({names(name): tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
    content = json.loads((source / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_policy(checkpoint: Path, tmp_path: Path, spelling: str) -> None:
    folder = changed(checkpoint, tmp_path / "other", SPELLINGS[spelling], push_to_hub=True, tags=["a"])
    for system in (System1, System2):
        wanted, found = (system.from_pretrained(path) for path in (checkpoint, folder))
        tensors = found.state_dict()
        assert all(torch.equal(tensors[name], tensor) for name, tensor in wanted.state_dict().items())
    found.save_pretrained(tmp_path / "saved")
    assert (
        load_file(tmp_path / "saved" / "model.safetensors").keys() == load_file(checkpoint / "model.safetensors").keys()
    )
    saved = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert saved["push_to_hub"] is True
    assert saved["tags"] == ["a"]


@pytest.fixture
def alone(checkpoint: Path, tmp_path: Path, system2_alone: Callable[[Path, Path], Path]) -> Path:
    return system2_alone(checkpoint, tmp_path / "alone")


def observation(policy: System2 | System1) -> Observation:
    blank = policy.blank_observation()
    random = torch.Generator().manual_seed(0)
    images = {
        key: torch.randint(0, 256, image.shape, dtype=torch.uint8, generator=random)
        for key, image in blank.images.items()
    }
    return Observation(images, torch.randn(blank.state.shape, generator=random), ["stack the yellow cube"])


def test_a_system2_alone_thinks_the_same(checkpoint: Path, alone: Path) -> None:
    whole, single = System2.from_pretrained(checkpoint), System2.from_pretrained(alone)
    seen, noise = observation(whole), torch.randn(1, 1, SMALL.chunk, 32, generator=torch.Generator().manual_seed(1))
    wanted, found = (policy.think(seen, 1, noise=noise) for policy in (whole, single))
    assert torch.equal(wanted.chunk, found.chunk)
    assert (found.values == 0).all()
    single.warm_up()
    rows = wanted.chunk[0].numpy()
    refiner = PassThroughRefiner(ActionUnits.from_pretrained(alone))
    expected = PassThroughRefiner(System1.from_pretrained(checkpoint))
    np.testing.assert_array_equal(refiner.unnormalise(rows), expected.unnormalise(rows))
    assert refiner.segment_size == refiner.chunk_size == SMALL.chunk


@pytest.mark.parametrize("chooser", ["value", "best"])
def test_it_cannot_choose_by_values(alone: Path, chooser: str) -> None:
    system2 = System2.from_pretrained(alone)
    assert Thinker(system2, ThinkingOptions(chooser=chooser)).options.candidates == 1
    with pytest.raises(CheckpointError, match=f"chooser '{chooser}' cannot choose among 3 .*mean, medoid, random"):
        Thinker(system2, ThinkingOptions(candidates=3, chooser=chooser))
    thinker = Thinker(system2, ThinkingOptions(candidates=3, chooser="medoid", seed=0))
    thinker.warm_up()
    assert thinker.think(observation(system2)).weights.sum() == 1.0


def test_it_is_no_system1_and_is_not_written(alone: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds System 2 alone .*refine:=false"):
        System1.from_pretrained(alone)
    with pytest.raises(CheckpointError, match="'system2' is not written"):
        System2.from_pretrained(alone).save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    "name", ["normalize_inputs.buffer_observation_state.std", "unnormalize_outputs.buffer_action.mean"]
)
def test_its_empty_statistics_are_named(alone: Path, name: str) -> None:
    tensors = load_file(alone / "model.safetensors")
    tensors[name].fill_(float("inf"))
    save_file(tensors, alone / "model.safetensors")
    with pytest.raises(CheckpointError, match=rf"tensor '{name}' in .* holds inf: .*hume train system2"):
        System2.from_pretrained(alone)


@pytest.mark.parametrize("mode", [("MIN_MAX", "min", "max"), ("QUANTILES", "q01", "q99")])
def test_policies_with_ranges(checkpoint: Path, tmp_path: Path, mode: tuple[str, str, str]) -> None:
    way, low, high = mode

    def names(name: str) -> str:
        return name.replace(".mean", f".{low}").replace(".std", f".{high}") if "normalize" in name else name

    mapping = {"VISUAL": "IDENTITY", "STATE": way, "ACTION": way}
    folder = changed(checkpoint, tmp_path / "other", names, normalization_mapping=mapping)
    system2, system1 = System2.from_pretrained(folder), System1.from_pretrained(folder)
    # The statistics are 0 and 1: the lower and upper end.
    assert (system2.unnormalise(torch.full((1, 32), -1.0)) == 0.0).all()
    assert (system2.unnormalise(torch.full((1, 32), 1.0)) == 1.0).all()
    assert (system1.prepare_state(observation(system1))[..., 5:] == 0).all()
    system1.save_pretrained(tmp_path / "saved")
    assert System1.from_pretrained(tmp_path / "saved").config == system1.config


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (240, 320)])
def test_images_that_are_not_resized(checkpoint: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    folder = changed(checkpoint, tmp_path / "other", lambda name: name, resize_imgs_with_padding=None)
    system2, wanted = System2.from_pretrained(folder), System2.from_pretrained(checkpoint)
    seen = wanted.blank_observation(SMALL.image, SMALL.image)
    assert torch.equal(system2.prepare_images(seen), wanted.prepare_images(seen))
    system2.warm_up(1)
    with pytest.raises(ObservationError, match=rf"camera 'image' gives images of {size[1]}x{size[0]} .*needs 64x64"):
        system2.prepare_images(wanted.blank_observation(*size))


def test_regress_repeats_it_without_system1(tmp_path: Path, system2_alone: Callable[[Path, Path], Path]) -> None:
    folder = system2_alone(random_checkpoint(), tmp_path / "alone")
    profile = RobotProfile.load("wx250s_sim")
    settings = replace(settings_of(RegressOptions(Path("no_bag"), robot="wx250s_sim"), {}), refine=False)
    policy, _ = load_policy(str(folder), profile, settings)
    assert isinstance(policy.refiner, PassThroughRefiner)
    assert policy.candidates == 1
    with pytest.raises(CheckpointError, match="holds System 2 alone"):
        load_policy(str(folder), profile, replace(settings, refine=True))


@pytest.mark.parametrize("names_statistics", [True, False])
def test_statistics_in_another_file_are_named(checkpoint: Path, tmp_path: Path, names_statistics: bool) -> None:
    shutil.copytree(checkpoint, tmp_path / "other")
    tensors = load_file(checkpoint / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "normalize_" not in name}
    save_file(kept, tmp_path / "other" / "model.safetensors")
    if names_statistics:
        (tmp_path / "other" / "policy_preprocessor.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"tensor 'normalize_inputs.*' is missing") as caught:
        System1.from_pretrained(tmp_path / "other")
    assert ("policy_preprocessor.json" in str(caught.value)) == names_statistics
