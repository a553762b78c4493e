"""System1: loading its own tensors only, refining, saving."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hume_core import Observation
from hume_core.errors import CheckpointError, ChunkError
from hume_system1.model import System1

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.fixture(scope="module")
def system1():
    return System1.from_pretrained(FIXTURE)


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "checkpoint"
    shutil.copytree(FIXTURE, target, ignore=shutil.ignore_patterns("*.npz"))
    return target


def _observation(batch=1, history=1):
    random = np.random.default_rng(0)
    images = {
        "image": random.integers(0, 256, (batch, 40, 50, 3), dtype=np.uint8),
        "wrist_image": random.integers(0, 256, (batch, 30, 20, 3), dtype=np.uint8),
    }
    return Observation(images, random.normal(size=(batch, history, 8)).astype(np.float32), ["go"] * batch)


def _chunk(batch=1):
    return torch.randn(batch, 16, 32, generator=torch.Generator().manual_seed(0))


def test_segment_is_in_real_units(system1):
    segment = system1.refine(_observation(2), _chunk(2), progress=0.25)
    assert segment.shape == (2, 8, 7)
    rows, progress = system1.segment(_chunk(2), 0.25, 2)
    expected = system1.unnormalise(system1.denoise(_observation(2), rows, progress))
    assert torch.equal(segment, expected)


def test_refining_from_the_newest_state_is_a_change_of_origin(folder):
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"s1_origin": "newest_state"}))
    system1 = System1.from_pretrained(folder)
    moved = np.array([[0.3, -0.2, 0.1], [0.0, 0.4, -0.5]])
    offset = np.zeros((2, 1, 7))
    offset[:, 0, :3] = moved
    rows, progress = system1.segment(_chunk(2), 0.26, 2)
    torch.testing.assert_close(rows, torch.lerp(_chunk(2)[:, 4:12], _chunk(2)[:, 5:13], 0.16))
    from_here = system1.normalizer.action(system1.unnormalise(rows) - torch.from_numpy(offset).float())
    from_here[..., 7:] = rows[..., 7:]
    expected = system1.unnormalise(system1.denoise(_observation(2), from_here, progress)).numpy() + offset
    segment = system1.refine(_observation(2), _chunk(2), 0.26, moved=moved)
    np.testing.assert_allclose(segment.numpy(), expected, atol=1e-5)
    system1.warm_up()
    with pytest.raises(ChunkError, match="`moved` must be given"):
        system1.refine(_observation(2), _chunk(2), 0.25)


def test_segment_rows_start_at_the_progress_and_end_with_the_chunk(system1):
    chunk = _chunk(3)
    rows, _ = system1.segment(chunk, torch.tensor([0.0, 0.49, 0.9]), 3)
    assert torch.equal(rows[0], chunk[0, :8])
    assert torch.equal(rows[1], chunk[1, 7:15])
    assert torch.equal(rows[2, :2], chunk[2, 14:])
    assert torch.equal(rows[2, 2:], chunk[2, 15:].expand(6, -1))


def test_one_progress_or_one_per_element(system1):
    single = system1.refine(_observation(2), _chunk(2), 0.5)
    assert torch.equal(single, system1.refine(_observation(2), _chunk(2).numpy(), np.array([0.5, 0.5])))


def test_progress_matters(system1):
    chunk = _chunk()[:, :1].expand(-1, 16, -1)
    early, late = (system1.refine(_observation(), chunk, progress) for progress in (0.0, 0.5))
    assert not torch.allclose(early, late, atol=1e-3)


@pytest.mark.parametrize(
    ("chunk", "progress", "message"),
    [
        (torch.zeros(1, 16, 7), 0.0, r"chunk has shape \[1, 16, 7\]. Expected \(B, H, A\) = \[1, 16, 32\]"),
        (torch.zeros(2, 16, 32), 0.0, "chunk has shape"),
        (torch.zeros(1, 16, 32), 1.0, "progress is 1.0"),
        (torch.zeros(1, 16, 32), -0.1, "progress"),
        (torch.zeros(1, 16, 32), float("nan"), "progress is nan"),
        (torch.zeros(1, 16, 32), [0.0, 0.5], r"progress has shape \[2\]"),
    ],
)
def test_chunk_or_progress_that_does_not_fit(system1, chunk, progress, message):
    with pytest.raises(ChunkError, match=message):
        system1.refine(_observation(), chunk, progress)


def test_reads_no_tensor_of_system2(system1):
    foreign = [name for name in system1.tensors_read if name.startswith(("s2_model", "value_query_head"))]
    assert foreign == []
    assert len(system1.tensors_read) == len(set(system1.tensors_read)) == len(system1.state_dict())


def test_memory_does_not_hold_system2(tmp_path):
    """A checkpoint whose System 2 part is made of 200 MB more leaves the resident memory alone."""
    heavy = tmp_path / "heavy"
    shutil.copytree(FIXTURE, heavy, ignore=shutil.ignore_patterns("*.npz"))
    tensors = load_file(heavy / "model.safetensors")
    tensors["s2_model.ballast"] = torch.zeros(50_000_000)
    save_file(tensors, heavy / "model.safetensors")
    code = (
        "import sys, resource\nfrom hume_system1.model import System1\n"
        "def mb(): return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) / 1024\n"
        "System1.from_pretrained(sys.argv[1])\nbefore = mb()\n"
        "policy = System1.from_pretrained(sys.argv[2])\nprint(mb() - before)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(FIXTURE), str(heavy)]
    grown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert float(grown.stdout) < 50.0


def test_no_module_of_system2_is_imported():
    code = "import sys, hume_system1.model; assert not [m for m in sys.modules if m.startswith('hume_system2')]"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_short_history_is_filled_with_its_oldest_state(folder):
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"s1_his_state_size": 3}))
    system1 = System1.from_pretrained(folder)
    long = _observation(history=4)
    assert torch.equal(system1.state_history(long), system1.prepare_state(long)[:, -3:])
    short = Observation(long.images, long.state[:, :2], long.task)
    filled = Observation(long.images, long.state[:, [0, 0, 1]], long.task)
    assert torch.equal(system1.refine(short, _chunk()), system1.refine(filled, _chunk()))


def test_recorded_history_order_is_kept(folder):
    content = json.loads((folder / "config.json").read_text())
    changes = {"s1_his_state_size": 2, "state_history_order": "newest_first"}
    (folder / "config.json").write_text(json.dumps(content | changes))
    system1 = System1.from_pretrained(folder)
    observation = _observation(history=2)
    assert torch.equal(system1.state_history(observation), system1.prepare_state(observation).flip(1))


def test_save_and_load_is_identical(system1, tmp_path):
    system1.save_pretrained(tmp_path)
    before, after = load_file(FIXTURE / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(
        torch.equal(after[name], tensor) and after[name].dtype == tensor.dtype for name, tensor in before.items()
    )


def test_missing_tensor_is_named(folder):
    path, name = (
        folder / "model.safetensors",
        "s1_model.fast_visuo_expert.vision_tower.encoder.layer.0.attention.attention.query.bias",
    )
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=f"'{name}' is missing"):
        System1.from_pretrained(folder)


def test_bfloat16_stays_near_float32(system1):
    half = System1.from_pretrained(FIXTURE, dtype=torch.bfloat16)
    difference = half.refine(_observation(), _chunk()) - system1.refine(_observation(), _chunk())
    assert difference.abs().max() < 2e-2


def test_saved_folder_is_complete(system1, tmp_path):
    system1.save_pretrained(tmp_path)
    expected = {path.name for path in FIXTURE.iterdir() if path.is_file() and path.suffix != ".npz"}
    assert {path.name for path in tmp_path.iterdir()} == expected
