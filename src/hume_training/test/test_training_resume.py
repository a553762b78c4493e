"""Trainings: resuming is exact, a run refuses another's state, and the loss falls."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hume_core.errors import ActionSpaceError, CheckpointError, ConfigError
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_sim import suites
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.training.config import System1Config, System2Config, TrainingConfig, ValueConfig
from hume_training.training.loop import learning_rate
from hume_training.training.sampling import batch_indices, shifted, step_generator
from hume_training.training.system1 import train_system1
from hume_training.training.system2 import train_system2
from hume_training.training.value import train_value


def _config(dataset: Path, output: Path, **changes: object) -> System2Config:
    content = {"dataset": str(dataset), "output": str(output), "steps": 6, "batch_size": 8, "warmup_steps": 2}
    return System2Config.from_dict(content | {"log_every": 2, "save_every": 100} | changes)


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run of System 2 without interruption."""
    output = tmp_path_factory.mktemp("system2")
    assert train_system2(_config(dataset, output)).finished
    return output


def _same(first: Path, second: Path) -> None:
    one, other = (load_file(folder / "checkpoint" / "model.safetensors") for folder in (first, second))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_a_resumed_system2_is_the_uninterrupted_one(dataset: Path, trained: Path, tmp_path: Path) -> None:
    config = _config(dataset, tmp_path)
    assert not train_system2(config, stop_after=3).finished
    assert train_system2(config).finished
    _same(trained, tmp_path)
    log = [(run / "log.jsonl").read_text().count("\n") for run in (trained, tmp_path)]
    assert log[0] == 3


@pytest.mark.parametrize("kind", ["system1", "value"])
def test_resumed_system1_and_value_are_the_uninterrupted_ones(
    dataset: Path, trained: Path, tmp_path: Path, kind: str
) -> None:
    make, train = {"system1": (System1Config, train_system1), "value": (ValueConfig, train_value)}[kind]
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 4, "batch_size": 8}
    if kind == "system1":
        content["proposals"] = 16
    whole, parts = (make.from_dict(content | {"output": str(tmp_path / name)}) for name in ("whole", "parts"))
    train(whole)
    train(parts, stop_after=2)
    assert train(parts).finished
    _same(tmp_path / "whole", tmp_path / "parts")
    before = load_file(trained / "checkpoint" / "model.safetensors")
    after = load_file(tmp_path / "whole" / "checkpoint" / "model.safetensors")
    changed = {name.split(".")[0] for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {"system1": {"s1_model"}, "value": {"value_query_head"}}[kind]


def test_refuses_the_state_of_another_training(dataset: Path, trained: Path) -> None:
    with pytest.raises(CheckpointError, match="batch_size=8"):
        train_system2(_config(dataset, trained, batch_size=4))


def test_automatic_precision_is_the_one_the_device_computes_in(dataset: Path, tmp_path: Path) -> None:
    for able, precision in ((True, "bfloat16"), (False, "float32")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hume_training.training.loop.computes_in_bfloat16", lambda _device, able=able: able)
            config = _config(dataset, tmp_path / precision, precision="auto", steps=2)
            train_system2(config, stop_after=1)
        # It goes on as the training of that precision.
        assert train_system2(dataclasses.replace(config, precision=precision)).finished


def test_the_loss_falls(dataset: Path, tmp_path: Path) -> None:
    config = _config(dataset, tmp_path, steps=50, log_every=5, learning_rate=2e-3)
    first = train_system2(config, stop_after=5).numbers["flow"]
    last = train_system2(config).numbers["flow"]
    assert last < 0.8 * first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepps": 3}, "unknown training field 'stepps'"),
        ({"largest_gap": 1.0}, "unknown training field 'largest_gap'. It is called 'max_proposal_error' now"),
        ({"steps": "many"}, "of type int"),
        ({"steps": 0}, "at least 1"),
        ({"precision": "float8"}, "Valid: auto, float32, bfloat16"),
        ({"frame": "tool"}, "'frame' has no use with action_space 'joint_delta'"),
    ],
)
def test_refuses_a_wrong_configuration(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        System2Config.from_dict({"dataset": "d", "output": "o"} | change)


@pytest.mark.parametrize("kind", [System1Config, System2Config, ValueConfig])
def test_refuses_an_unknown_action_space(kind: type[TrainingConfig]) -> None:
    with pytest.raises(ActionSpaceError, match=r"'torque' is unknown\. Valid: joint_position, joint_delta, ee_delta"):
        kind.from_dict({"dataset": "d", "output": "o", "action_space": "torque"})


def test_checkpoints_say_what_they_emit_and_later_trainings_keep_to_it(
    dataset: Path, trained: Path, tmp_path: Path
) -> None:
    contract = PolicyContract.load(trained / "checkpoint")
    assert contract is not None
    assert contract.differences(RobotProfile.load("wx250s_sim")) == []
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 1, "proposals": 8}
    content |= {"batch_size": 4, "output": str(tmp_path / "run")}
    train_system1(System1Config.from_dict(content))
    assert PolicyContract.load(tmp_path / "run" / "checkpoint") == contract
    with pytest.raises(ConfigError, match=r"action_space is joint_position in this training\. .* with joint_delta"):
        train_system1(System1Config.from_dict(content | {"action_space": "joint_position"}))
    with pytest.raises(ConfigError, match="joints is 5 in this training"):
        train_system1(System1Config.from_dict(content | {"joints": 5}))


def test_every_frame_is_seen_once_per_lap() -> None:
    seen = [i for step in range(5) for i in batch_indices(10, 4, seed=1, step=step)]
    assert sorted(seen[:10]) == list(range(10))
    assert sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_shift_moves_each_image_by_itself() -> None:
    image = torch.arange(6 * 6, dtype=torch.uint8).view(1, 6, 6, 1).expand(50, 6, 6, 3)
    moved = shifted(image, 2, step_generator(0, 0))
    assert len({int(pixels[3, 3, 0]) for pixels in moved}) > 10
    assert torch.equal(shifted(image, 0, step_generator(0, 0)), image)


def test_the_learning_rate_rises_then_falls() -> None:
    config = dataclasses.replace(TrainingConfig("d", "o"), steps=100, warmup_steps=10)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10)
    assert rates[-1] < 0.02 * rates[10]


def test_the_evaluation_hook_logs_success(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"))
    monkeypatch.setattr("hume_training.training.hook._SUITE", "lift")
    quick = dataclasses.replace(suites.SUITES["lift"], time_limit=0.5)
    monkeypatch.setitem(suites.SUITES, "lift", quick)
    train_system2(_config(dataset, tmp_path, steps=2, evaluate_every=2, evaluate_episodes=1))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1] == {"step": 2, "success": 0.0}


def test_system1_leaves_out_proposals_that_go_another_way(dataset: Path, trained: Path, tmp_path: Path) -> None:
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 1, "batch_size": 8}
    content |= {"proposals": 16, "output": str(tmp_path)}
    with pytest.raises(
        ConfigError, match=r"within max_proposal_error=1e-06 .* The gaps are [\d.]+ to [\d.]+, median [\d.]+"
    ):
        train_system1(System1Config.from_dict(content | {"max_proposal_error": 1e-6}))
    assert train_system1(System1Config.from_dict(content | {"max_proposal_error": 1e6})).finished


def test_system1_learns_on_what_the_checkpoint_makes_of_its_candidates(
    dataset: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "checkpoint", tmp_path / "averaging")
    path = tmp_path / "averaging" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_candidates": 32, "value_temperature": 1e6}))
    content = {"dataset": str(dataset), "checkpoint": str(tmp_path / "averaging"), "steps": 1, "batch_size": 8}
    spread = {}
    for chosen in (False, True):
        output = tmp_path / str(chosen)
        train_system1(System1Config.from_dict(content | {"output": str(output), "proposals": 16, "chosen": chosen}))
        spread[chosen] = load_file(output / "proposals.safetensors")["chunks"].std()
    assert spread[True] < 0.5 * spread[False], "the noise of the candidates averages out"


def test_system1_learns_to_read_what_its_segment_means(dataset: Path, trained: Path, tmp_path: Path) -> None:
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 40, "batch_size": 8}
    content |= {"proposals": 16, "output": str(tmp_path), "log_every": 5, "warmup_steps": 2}
    config = System1Config.from_dict(content | {"named_weight": 1.0, "keyframe_weight": 1.0})
    first = train_system1(config, stop_after=5).numbers
    last = train_system1(config).numbers
    for name in ("named", "keyframe"):
        assert last[name] < 0.8 * first[name], name


def test_system1_learns_from_the_newest_state_with_frozen_vision(dataset: Path, trained: Path, tmp_path: Path) -> None:
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 2, "batch_size": 8}
    content |= {"proposals": 16, "output": str(tmp_path), "relative_to": "newest_state", "freeze_vision": True}
    train_system1(System1Config.from_dict(content))
    before, after = (System1.from_pretrained(run / "checkpoint") for run in (trained, tmp_path))
    assert (before.config.s1_origin, after.config.s1_origin) == ("anchor", "newest_state")
    changed = {
        name.split(".")[1]
        for name, tensor in after.state_dict().items()
        if not torch.equal(tensor, before.state_dict()[name])
    }
    assert changed == {"stack", "projections"}
    again = {
        **content,
        "checkpoint": str(tmp_path / "checkpoint"),
        "output": str(tmp_path / "again"),
        "relative_to": "",
    }
    train_system1(System1Config.from_dict(again))
    assert System1.from_pretrained(tmp_path / "again" / "checkpoint").config.s1_origin == "newest_state"
    with pytest.raises(ConfigError, match="'newest_state' is for action_space 'joint_delta', not 'joint_position'"):
        System1Config.from_dict(content | {"action_space": "joint_position"})


def test_the_value_head_takes_up_other_rows_and_another_choice(dataset: Path, trained: Path, tmp_path: Path) -> None:
    content = {"dataset": str(dataset), "checkpoint": str(trained / "checkpoint"), "steps": 2, "batch_size": 8}
    content |= {"output": str(tmp_path), "action_noise": 0.1}
    with pytest.raises(ConfigError, match=r"score_rows is 99\. A chunk of this checkpoint has"):
        train_value(ValueConfig.from_dict(content | {"score_rows": 99}))
    train_value(
        ValueConfig.from_dict(
            content | {"score_rows": 5, "num_candidates": 7, "value_temperature": 0.5, "noise_schedule": "noise_levels"}
        )
    )
    system2 = System2.from_pretrained(tmp_path / "checkpoint")
    assert (system2.config.vqh_chunk_size, system2.config.next_obs_offset) == (5, 5)
    assert (system2.config.num_candidates, system2.config.value_temperature) == (7, 0.5)
    assert system2.config.noise_schedule == "noise_levels"
    candidates = torch.zeros(1, 2, system2.config.s2_chunk_size, system2.config.max_action_dim)
    candidates[0, 1, 4] = 1.0
    prefix = system2.embed_prefix(system2.blank_observation())
    values = system2.value_head(prefix, candidates)[0]
    assert float((values[1] - values[0]).abs()) > 1e-4
    candidates[0, 1, 4] = 0.0
    without = system2.value_head(prefix, candidates)[0]
    candidates[0, 1, 5] = 1.0
    values = system2.value_head(prefix, candidates)[0]
    assert torch.equal(values[1], without[1]), "a row that the critics do not score"


def test_refuses_an_unknown_bootstrap(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'bootstrap' is 'sarsa'\. Valid: policy, data"):
        ValueConfig.from_dict({"dataset": str(dataset), "output": str(tmp_path), "bootstrap": "sarsa"})
