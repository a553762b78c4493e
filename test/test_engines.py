"""Both systems give the same numbers and choices with every engine, and fall back where one does not work."""

import logging
import shutil

import numpy as np
import pytest
import torch

from hume_core import Observation
from hume_core.engines import EngineError, onnx_engine, onnx_export
from hume_core.engines.compiled import CompileEngine
from hume_core.engines.graph_cache import FOLDER
from hume_core.nn.gemma import StackConfig
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.default_checkpoint import shipped_checkpoint
from hume_training.initialize import create_checkpoint
from hume_training.presets import Preset

TINY = Preset(
    image=32,
    patch=16,
    siglip=(16, 32, 2, 2),
    dino=(16, 32, 2, 2),
    text=StackConfig(32, 48, 2, 2, 1, 16),
    expert=StackConfig(16, 32, 2, 2, 1, 16),
    value=StackConfig(32, 48, 2, 2, 1, 16),
    system1=StackConfig(32, 48, 2, 2, 1, 16),
    vocabulary=300,
    chunk=12,
    segment=5,
    max_dim=10,
)
SEVERAL_KEY_HEADS = {
    "text": StackConfig(32, 48, 2, 4, 2, 16),
    "expert": StackConfig(16, 32, 2, 4, 2, 16),
    "system1": StackConfig(32, 48, 2, 2, 2, 16),
}
TASKS = ("go", "stack the yellow cube on the green cube, please")


def tiny(folder, **settings):
    stacks = SEVERAL_KEY_HEADS if settings.pop("several_key_heads", False) else {}
    return create_checkpoint(folder, Preset(**(vars(TINY) | stacks)), **settings)


def observation_for(policy, batch=1, task=TASKS[0], absent=0):
    config, random = policy.config, np.random.default_rng(3)
    keys = config.camera_keys[: len(config.camera_keys) - absent]
    images = {key: random.integers(0, 256, (batch, 30, 40, 3), dtype=np.uint8) for key in keys}
    state = random.normal(size=(batch, config.s1_his_state_size, config.state_dim)).astype(np.float32)
    return Observation(images, state, [task] * batch)


def noise_for(policy, count, batch=1):
    shape = (count, batch, policy.config.s2_chunk_size, policy.config.max_action_dim)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Spares most tests the start of another process with torch in it."""
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: [onnx_export.exported(graph) for graph in graphs])


@pytest.fixture
def shipped(tmp_path):
    return shutil.copytree(shipped_checkpoint("wx250s_tabletop"), tmp_path / "shipped", ignore=lambda *_: [FOLDER])


SHAPES = {
    "plain": {},
    "several_key_heads": {"several_key_heads": True},
    "history": {"s1_his_state_size": 3},
    "absent_camera": {"cameras": ("image", "wrist", "side"), "empty_cameras": 1},
    "early_stop": {"theta1": 0.7, "theta2": 0.6, "num_steps": 7, "s1_num_steps": 3},
}


def test_another_process_exports(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_engine, "exported_apart", onnx_export.exported_apart)
    monkeypatch.setattr(onnx_export, "exported", lambda graph: pytest.fail("exported in this process"))
    folder = tiny(tmp_path / "tiny")
    eager, system1 = System1.from_pretrained(folder), System1.from_pretrained(folder, engine="onnx")
    system1.warm_up()
    assert system1.engine.name == "onnx"
    assert len(list((folder / FOLDER).iterdir())) == 2
    chunk = noise_for(system1, 1)[0]
    close(system1.refine(observation_for(system1), chunk, 0.2), eager.refine(observation_for(system1), chunk, 0.2))


@pytest.mark.parametrize("shape", SHAPES)
def test_exported_graphs_of_any_shape_give_the_same_numbers(shape, tmp_path):
    check_both_systems(tiny(tmp_path / "tiny", **SHAPES[shape]), SHAPES[shape].get("empty_cameras", 0))


def test_exported_graphs_of_the_shipped_checkpoint_give_the_same_numbers(shipped):
    check_both_systems(shipped, absent=0)


def check_both_systems(folder, absent):
    eager2, system2 = System2.from_pretrained(folder), System2.from_pretrained(folder, engine="onnx")
    observation = observation_for(system2, absent=absent)
    system2.prepare(observation, 3)
    for task in TASKS:
        observation = observation_for(system2, task=task, absent=absent)
        for noise in (noise_for(system2, 3), noise_for(system2, 3) * 0.5):
            expected, found = (policy.think(observation, 3, noise=noise) for policy in (eager2, system2))
            close(found.candidates, expected.candidates)
            close(found.values, expected.values)
            assert torch.equal(found.index, expected.index)
    eager1, system1 = System1.from_pretrained(folder), System1.from_pretrained(folder, engine="onnx")
    system1.prepare(observation)
    moved = torch.zeros(1, 3)
    for progress in (0.0, 0.4, 0.9):
        inputs = (observation, found.chunk, progress)
        close(system1.refine(*inputs, moved=moved), eager1.refine(*inputs, moved=moved))
    assert (system1.engine.name, system2.engine.name) == ("onnx", "onnx")
    assert len(list((folder / FOLDER).iterdir())) == 3


def test_what_was_not_prepared_runs_with_eager_operations(tmp_path):
    folder = tiny(tmp_path / "tiny")
    eager, system2 = System2.from_pretrained(folder), System2.from_pretrained(folder, engine="onnx")
    system2.warm_up(3)
    noise, observation = noise_for(system2, 2), observation_for(system2)
    found, expected = (policy.think(observation, 2, noise=noise).candidates for policy in (system2, eager))
    assert torch.equal(found, expected)
    both = observation_for(system2, 2)
    assert torch.equal(
        system2.think(both, 3, noise=noise_for(system2, 3, 2)).values,
        eager.think(both, 3, noise=noise_for(system2, 3, 2)).values,
    )


def test_compiled_graphs_give_the_same_numbers(tmp_path):
    folder = tiny(tmp_path / "tiny")
    eager2, system2 = (System2.from_pretrained(folder) for _ in range(2))
    system2.engine = CompileEngine(backend="eager")
    system2.warm_up(3)
    for task in TASKS:
        observation, noise = observation_for(system2, task=task), noise_for(system2, 3)
        close(system2.think(observation, 3, noise=noise).values, eager2.think(observation, 3, noise=noise).values)
    eager1, system1 = (System1.from_pretrained(folder) for _ in range(2))
    system1.engine = CompileEngine(backend="eager")
    system1.warm_up()
    chunk = noise_for(system1, 1)[0]
    close(system1.refine(observation, chunk, 0.2), eager1.refine(observation, chunk, 0.2))


@pytest.mark.parametrize("system", [System1, System2])
def test_an_engine_that_fails_is_replaced_with_one_warning(system, tmp_path, monkeypatch, caplog):
    def fail(graphs):
        raise EngineError(f"{graphs[0].name} was not exported: no reason")

    folder = tiny(tmp_path / "tiny")
    monkeypatch.setattr(onnx_engine, "exported_apart", fail)
    policy = system.from_pretrained(folder, engine="onnx")
    with caplog.at_level(logging.WARNING):
        policy.warm_up()
    assert policy.engine.name == "eager"
    assert len(caplog.records) == 1
    assert "engine 'onnx' is not used" in caplog.text


def test_bfloat16_is_not_for_the_runtime(tmp_path, caplog):
    folder = tiny(tmp_path / "tiny")
    assert System1.from_pretrained(folder, dtype=torch.bfloat16, engine="auto").engine.name == "eager"
    policy = System1.from_pretrained(folder, dtype=torch.bfloat16, engine="onnx")
    with caplog.at_level(logging.WARNING):
        policy.warm_up()
    assert "float32 on the CPU" in caplog.text
    assert policy.engine.name == "eager"
