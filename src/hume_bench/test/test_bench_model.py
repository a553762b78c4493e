"""The shipped models equal the straightforward schedule, whatever the shape of the checkpoint."""

import json

import numpy as np
import pytest
import torch

from hume_bench import model
from hume_bench.reference import straightforward_refine, straightforward_think
from hume_core import Observation
from hume_core.nn.gemma import StackConfig
from hume_system1.model import System1
from hume_system2.model import System2
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

SHAPES = {
    "plain": {},
    "history": {"s1_his_state_size": 3},
    "one_camera": {"cameras": ("image_0",)},
    "absent_camera": {"cameras": ("image", "wrist", "side"), "empty_cameras": 2},
    "early_stop": {"theta1": 0.7, "theta2": 0.6},
    "long_value_chunk": {"vqh_chunk_size": 5},
    "other_steps": {"num_steps": 7, "s1_num_steps": 3},
    "unnormalised": {"normalization_mapping": {"VISUAL": "IDENTITY", "STATE": "IDENTITY", "ACTION": "IDENTITY"}},
    "all": {
        "cameras": ("a", "b", "c"),
        "empty_cameras": 1,
        "s1_his_state_size": 4,
        "theta1": 0.8,
        "theta2": 0.9,
        "vqh_chunk_size": 3,
        "num_steps": 6,
        "state_dim": 5,
        "action_dim": 4,
    },
}


def _sharpen(policy):
    """Larger weights than at the start of a training, so that a wrong mask or position shows."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in policy.named_parameters():
        if "norm" in name or name.endswith("query"):
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        elif parameter.ndim == 2:
            parameter.mul_(2.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_shipped_equals_straightforward(shape, tmp_path):
    settings = SHAPES[shape]
    folder = create_checkpoint(tmp_path, TINY, **settings)
    system2, system1 = System2.from_pretrained(folder), System1.from_pretrained(folder)
    for policy in (system2, system1):
        _sharpen(policy)
    config = system2.config
    present = config.camera_keys[: len(config.camera_keys) - config.empty_cameras]
    random = np.random.default_rng(0)
    images = {key: random.integers(0, 256, (2, 30, 40, 3), dtype=np.uint8) for key in present}
    state = random.normal(size=(2, config.s1_his_state_size, config.state_dim)).astype(np.float32)
    observation = Observation(images, state, ["go", "stack the yellow cube on the green cube, please"])
    noise = torch.randn(3, 2, 12, 10, generator=torch.Generator().manual_seed(0))
    thought = system2.think(observation, 3, noise=noise)
    candidates, values = straightforward_think(system2, observation, noise)
    torch.testing.assert_close(thought.candidates, candidates, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(thought.values, values, rtol=1e-4, atol=1e-4)
    segment, stamps = system1.segment(thought.chunk, 0.3, 2)
    expected = straightforward_refine(system1, observation, thought.chunk, 0.3)
    torch.testing.assert_close(system1.denoise(observation, segment, stamps), expected, rtol=1e-4, atol=1e-4)


def test_bench_writes_figures_and_plot(tmp_path, monkeypatch):
    monkeypatch.setitem(model.find_preset.__globals__["PRESETS"], "tiny", TINY)
    size = model.Size("tiny", "tiny", (32, 32), ("system2", "system1"), 2)
    path, plot = tmp_path / "out" / "bench.json", tmp_path / "pictures" / "bench.svg"
    assert model.run_bench(path, sizes=(size,), candidates=(1, 5), repeats=2, plot=plot) == 0
    content = json.loads(path.read_text())
    assert set(content["ratios"]) == {"system2_tiny_n1", "system2_tiny_n5", "system1_tiny"}
    assert set(content["candidate_cost_n5_over_n1"]) == {"system2_tiny"}
    first = content["results"][0]
    assert first["shipped"]["repeats"] == 2
    assert first["shipped"]["peak_memory_mb"] > 0
    assert "System 2, tiny" in plot.read_text()
    assert set(content["engines"]) == {"eager", "onnx"}
    for figures in content["engines"].values():
        assert {"system1_shipped_ms", "system2_shipped_n16_ms"} <= set(figures)
        for name in ("system1_shipped_ms", "system2_shipped_n16_ms"):
            assert figures[name] > content["limits"][name] / 2 > 0


def test_schedules_that_disagree_are_not_timed(tmp_path):
    folder = create_checkpoint(tmp_path, TINY)
    system1 = System1.from_pretrained(folder)
    system1.normalizer.state_mean.fill_(1.0)
    observation = Observation(
        {key: np.zeros((1, 32, 32, 3), np.uint8) for key in system1.config.camera_keys},
        np.zeros((1, 1, 7), np.float32),
        ["go"],
    )
    plain = system1.denoise
    system1.denoise = lambda *inputs: plain(*inputs) * 1.01
    with pytest.raises(model.BenchError, match="differ"):
        model.bench_system1(system1, observation, "tiny", 1)
