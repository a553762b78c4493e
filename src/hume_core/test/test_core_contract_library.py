"""Which contract a checkpoint has: the one asked for, its own, or that of its release; drafts for all others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from hume_core.errors import ContractError
from hume_core.policy_contract import (
    CONTRACT_FILE,
    PolicyContract,
    built_in_contracts,
    find_contract,
    missing_contract,
    named_contract,
    released_contract,
)
from hume_core.policy_contract.draft import draft_contract
from hume_core.robot import RobotProfile

RELEASED = Path(__file__).parents[3] / "test" / "fixtures" / "parity"


def test_the_releases_are_built_in() -> None:
    assert set(built_in_contracts()) == {"bridge", "fractal", "libero_goal", "libero_object", "libero_spatial"}
    for name in built_in_contracts():
        contract = named_contract(name)
        assert (contract.state_dim, contract.action_dim) == (8, 7)


@pytest.mark.parametrize(
    ("hub", "expected"),
    [
        ("Hume-vla/Libero-Goal-1", "libero_goal"),
        ("Hume-vla/Libero-Goal-2", "libero_goal"),
        ("Hume-vla/Libero-Object-1", "libero_object"),
        ("Hume-vla/Libero-Spatial-1@main", "libero_spatial"),
        ("hume-vla/libero-spatial-1", "libero_spatial"),
        ("Hume-vla/Hume-System2", ""),
        ("somebody/Libero-Goal-1", ""),
        ("Hume-vla/Libero-Goal-1-finetuned", ""),
        ("/data/Libero-Goal-1", ""),
    ],
)
def test_a_release_is_known_by_its_hub_name(hub: str, expected: str, tmp_path: Path) -> None:
    assert released_contract(hub) == expected
    assert find_contract(hub, tmp_path) == (named_contract(expected) if expected else None)


def test_what_is_asked_for_comes_before_the_checkpoint_s_own(tmp_path: Path) -> None:
    own = PolicyContract.of(RobotProfile.load("xarm7"))
    own.save(tmp_path)
    assert find_contract("Hume-vla/Libero-Goal-1", tmp_path) == own
    assert find_contract(tmp_path, tmp_path, "bridge") == named_contract("bridge")
    assert named_contract(str(tmp_path)) == own
    assert named_contract(str(tmp_path / CONTRACT_FILE)) == own
    yaml = tmp_path / "mine.yaml"
    yaml.write_text(own.to_json(), encoding="utf-8")
    assert named_contract(str(yaml)) == own


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(ContractError, match=r"'libero_10' is neither built in nor a file. Built in: bridge, fractal"):
        named_contract("libero_10")


def test_the_error_for_a_checkpoint_without_says_where_a_draft_goes(tmp_path: Path) -> None:
    assert f"./hume contract {tmp_path} > {tmp_path / CONTRACT_FILE}" in str(missing_contract(tmp_path))
    assert "./hume contract org/name > policy_contract.json" in str(missing_contract("org/name"))


def checkpoint(folder: Path, state: list[tuple[float, float]], action: list[tuple[float, float]]) -> Path:
    """A released configuration with statistics of these means and standard deviations."""
    source = next(RELEASED.rglob("config.json"))
    config = json.loads(source.read_text(encoding="utf-8"))
    config["input_features"]["observation.state"]["shape"] = [len(state)]
    config["output_features"]["action"]["shape"] = [len(action)]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {}
    for name, found in (
        ("normalize_inputs.buffer_observation_state", state),
        ("normalize_targets.buffer_action", action),
        ("unnormalize_outputs.buffer_action", action),
    ):
        tensors[f"{name}.mean"] = torch.tensor([mean for mean, _ in found])
        tensors[f"{name}.std"] = torch.tensor([std for _, std in found])
    save_file(tensors, folder / "model.safetensors")
    return folder


LIBERO = [(-0.05, 0.1), (0.03, 0.15), (1.0, 0.1), (3.05, 0.1), (0.0, 0.4), (0.0, 0.2), (0.027, 0.014), (-0.027, 0.014)]
ROW = [*[(0.0, 0.3)] * 6, (0.5, 0.5)]


def test_a_draft_says_what_is_known_and_cannot_be_used_before_it_is_filled_in(tmp_path: Path) -> None:
    draft = draft_contract(checkpoint(tmp_path, LIBERO, ROW))
    assert draft["state"][1:] == [{"field": "gripper", "form": "fingers"}]
    assert draft["state"][0].startswith("FILL IN: what numbers 0 to 5 are")
    assert "2: mean 1, std 0.1" in draft["state"][0]
    (tmp_path / CONTRACT_FILE).write_text(json.dumps(draft), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        PolicyContract.load(tmp_path)
    for field in ("dt", "arms.0.space", "grippers.0.closed", "state.0", "is a draft: fill in"):
        assert field in str(caught.value)


@pytest.mark.parametrize(
    ("state", "deduced", "hint"),
    [
        ([*[(0.1, 0.2)] * 6, (0.0, 0.0), (0.6, 0.4)], [], False),
        ([*[(0.1, 0.2)] * 5, (0.0, 0.0)], [{"field": "padding", "value": 0.0}], False),
        ([*[(20.0, 40.0)] * 5, (30.0, 25.0)], [], True),
        ([*[(0.1, 0.2)] * 7, (0.02, 0.01)], [], False),
    ],
)
def test_only_what_leaves_no_doubt_is_deduced(state: Any, deduced: Any, hint: bool, tmp_path: Path) -> None:
    draft = draft_contract(checkpoint(tmp_path, state, ROW))
    assert draft["state"][1:] == deduced
    assert ("too large for rad" in draft["state"][0]) is hint


def test_a_draft_that_is_filled_in_is_a_contract(tmp_path: Path) -> None:
    profile = RobotProfile.load("so101")
    draft = draft_contract(checkpoint(tmp_path, [(10.0, 30.0)] * 6, [(10.0, 30.0)] * 6), profile)
    assert draft["arms"][0]["joints"] == list(profile.joint_names)
    assert draft["row"] == ["arm", "gripper"]
    draft["dt"] = 0.0333
    draft["arms"][0] |= {"space": "joint_position", "unit": "deg"}
    draft["grippers"][0] |= {"closed": 0.0, "open": 100.0}
    draft["state"] = [{"field": "joint_positions", "unit": "deg"}, {"field": "gripper", "form": "percent"}]
    draft["cameras"] = {key: {} for key in draft["cameras"]}
    (tmp_path / CONTRACT_FILE).write_text(json.dumps(draft), encoding="utf-8")
    contract = PolicyContract.load(tmp_path)
    assert contract is not None
    assert contract.state_dim == 6
    assert {line.split(":")[0] for line in contract.differences(profile)} <= {"dt", "gripper open"}
