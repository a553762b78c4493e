"""Engines give the numbers of eager operations. Their files are kept, renewed and shared."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from hume_core.engine_names import ENGINE_CHOICES
from hume_core.engines import EagerEngine, EngineError, Graph, graph_cache, make_engine, onnx_engine, onnx_export
from hume_core.engines.compiled import CompileEngine
from hume_core.engines.graph_cache import FOLDER
from hume_core.engines.onnx_engine import OnnxEngine
from hume_core.errors import ConfigError

LOG = logging.getLogger("test")


class Doubling(nn.Module):
    def __init__(self, steps: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 4).requires_grad_(False)
        self.steps = steps

    def forward(self, x):
        for _ in range(self.steps):
            x = x + torch.tanh(self.layer(x))
        return (x,)


def graph_of(module: nn.Module, rows: int = 3, **changes) -> Graph:
    x = torch.linspace(-1.0, 1.0, 4 * rows).view(rows, 4)
    return Graph(**({"name": "doubling", "module": module, "inputs": {"x": x}, "outputs": ("y",)} | changes))


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / FOLDER).glob("*"))


@pytest.fixture(autouse=True)
def user_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Modules of this file are known here alone. `test/test_engines.py` exports in processes of their own."""
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: [onnx_export.exported(graph) for graph in graphs])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    return tmp_path / "checkpoint"


@pytest.mark.parametrize("rows", [1, 3])
def test_an_engine_gives_the_numbers_of_eager_operations(folder, rows):
    graph = graph_of(Doubling(), rows)
    for engine in (EagerEngine(), CompileEngine(backend="eager"), OnnxEngine(folder)):
        run = engine.prepare(graph, LOG)
        x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            torch.testing.assert_close(run(x)[0], graph.module(x)[0], rtol=1e-5, atol=1e-5)


def test_a_free_size_may_differ_between_calls(folder):
    run = OnnxEngine(folder).prepare(graph_of(Doubling(), free={"x": 0}), LOG)
    assert run(torch.zeros(7, 4))[0].shape == (7, 4)


def test_a_graph_is_exported_once(folder, monkeypatch):
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    names = kept(folder)
    assert len(names) == 1
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: pytest.fail("exported again"))
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert kept(folder) == names


def test_other_sizes_and_constants_have_files_of_their_own(folder):
    for graph in (graph_of(Doubling()), graph_of(Doubling(), 2), graph_of(Doubling(3), constants="3 steps")):
        OnnxEngine(folder).prepare(graph, LOG)
    assert len(kept(folder)) == 3


def test_other_weights_replace_the_files_of_the_old_ones(folder):
    module = Doubling()
    OnnxEngine(folder).prepare(graph_of(module), LOG)
    OnnxEngine(folder).prepare(graph_of(module, name="other"), LOG)
    before = kept(folder)
    module.layer.weight[0, 0] += 1.0
    x = torch.ones(3, 4)
    run = OnnxEngine(folder).prepare(graph_of(module), LOG)
    torch.testing.assert_close(run(x)[0], module(x)[0])
    after = kept(folder)
    assert len(after) == 2
    assert [name for name in after if name.startswith("other-")] == [
        name for name in before if name.startswith("other")
    ]
    assert not set(after) >= set(before)


def test_other_versions_replace_the_files_of_the_old_ones(folder, monkeypatch):
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    before = kept(folder)
    monkeypatch.setattr(onnx_engine, "_FORM", "next")
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert len(kept(folder)) == 1
    assert kept(folder) != before


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 100])
def test_a_damaged_file_is_made_anew(folder, caplog, damage):
    graph = graph_of(Doubling())
    OnnxEngine(folder).prepare(graph, LOG)
    (path,) = (folder / FOLDER).iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with caplog.at_level(logging.INFO):
        OnnxEngine(folder).prepare(graph, LOG)
    assert "is made anew" in caplog.text
    assert path.read_bytes() == whole


def test_a_file_with_other_numbers_is_made_anew(folder):
    graph, wrong = graph_of(Doubling()), graph_of(Doubling(1))
    OnnxEngine(folder).prepare(graph, LOG)
    (path,) = (folder / FOLDER).iterdir()
    path.write_bytes(onnx_export.exported(wrong))
    run = OnnxEngine(folder).prepare(graph, LOG)
    torch.testing.assert_close(run(torch.ones(3, 4))[0], graph.module(torch.ones(3, 4))[0])


def test_a_graph_with_other_numbers_is_refused(folder, monkeypatch):
    content = onnx_export.exported(graph_of(Doubling(1)))
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: [content])
    with pytest.raises(EngineError, match="y differs by"):
        OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert not (folder / FOLDER).exists()


def test_without_the_runtime_it_says_what_to_type(folder, monkeypatch):
    monkeypatch.setattr(onnx_engine, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="pip install onnxruntime onnx"):
        OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert isinstance(make_engine("auto", Doubling(), folder), EagerEngine)


def test_what_cannot_be_exported_is_refused(folder):
    class Unknown(nn.Module):
        def forward(self, x):
            return (torch.linalg.eigvalsh(x @ x.T),)

    with pytest.raises(EngineError, match="was not exported"):
        OnnxEngine(folder).prepare(graph_of(Unknown()), LOG)


def test_what_one_file_cannot_hold_is_refused(folder, monkeypatch):
    monkeypatch.setattr(onnx_export, "LARGEST", 10)
    with pytest.raises(EngineError, match="GiB of weights"):
        onnx_export.exported_apart([graph_of(Doubling())])


def test_what_another_process_cannot_read_is_refused():
    class Local(Doubling):
        pass

    with pytest.raises(EngineError, match="doubling was not exported"):
        onnx_export.exported_apart([graph_of(Local())])


def unwritable(monkeypatch, *folders: Path) -> None:
    """As root every folder can be written, so the refusal is played."""
    make = graph_cache.tempfile.mkstemp

    def refuse(dir: Path, **options):
        if any(Path(dir).is_relative_to(folder) for folder in folders):
            raise PermissionError(13, "Permission denied", str(dir))
        return make(dir=dir, **options)

    monkeypatch.setattr(graph_cache.tempfile, "mkstemp", refuse)


def test_a_folder_that_cannot_be_written_leaves_it_to_the_users_cache(folder, user_cache, monkeypatch):
    unwritable(monkeypatch, folder)
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert kept(folder) == []
    (path,) = (user_cache / "hume" / "engines").rglob("*.onnx")
    assert path.parent.name.startswith("checkpoint-")
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: pytest.fail("exported again"))
    OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)


def test_without_any_place_the_graph_stays_in_memory(folder, user_cache, monkeypatch, caplog):
    unwritable(monkeypatch, folder, user_cache)
    with caplog.at_level(logging.INFO):
        run = OnnxEngine(folder).prepare(graph_of(Doubling()), LOG)
    assert run(torch.zeros(3, 4))[0].shape == (3, 4)
    assert "Kept nowhere" in caplog.text


PROGRAM = """
import logging, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_core_engines import Doubling, OnnxEngine, graph_of, onnx_engine, onnx_export
onnx_engine.exported_apart = lambda graphs: [onnx_export.exported(graph) for graph in graphs]
run = OnnxEngine(Path(sys.argv[1])).prepare(graph_of(Doubling()), logging.getLogger())
print(run(graph_of(Doubling()).inputs["x"])[0].sum().item())
"""


def test_two_processes_may_export_at_the_same_time(folder):
    command = [sys.executable, "-c", PROGRAM, str(folder), str(Path(__file__).parent)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    outputs = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len(kept(folder)) == 1
    assert kept(folder)[0].endswith(".onnx")


def test_auto_is_onnx_for_float32_on_the_cpu(folder):
    assert make_engine("auto", Doubling(), folder).name == "onnx"
    assert make_engine("auto", Doubling().to(torch.bfloat16), folder).name == "eager"


def test_every_choice_but_auto_is_an_engine_of_that_name(folder):
    for name in ENGINE_CHOICES[1:]:
        assert make_engine(name, Doubling(), folder).name == name
    with pytest.raises(ConfigError, match=r"engine is 'quick'\. Valid: auto, eager, compile, onnx"):
        make_engine("quick", Doubling(), folder)
