"""hume parity: the committed recording passes, and a wrong number does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hume_core.engines import onnx_engine, onnx_export
from hume_tools.parity import compare, run_parity
from hume_tools.parity.half import clearly_best
from hume_tools.parity.report import Report

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.fixture(scope="module")
def report():
    return compare(FIXTURE)["float32"]


def test_recording_passes(report):
    assert [item for item in report.comparisons if not item.passed] == []


def test_what_matters_is_compared(report):
    compared = {item.name for item in report.comparisons}
    assert {
        "prep/state",
        "prep/lang_tokens",
        "s2/step_velocity",
        "s1/step_velocity",
        "vqh/query_feature",
        "think_time/index",
        "think_noise/candidates",
        "think_both/q_values",
        "think_both/s1_action",
        "train/calql/critic_loss",
        "train/calql/policy_loss",
        "train/calql/temperature_loss",
    } <= compared


def test_wrong_number_fails(tmp_path, capsys):
    shutil.copytree(FIXTURE, tmp_path / "copy")
    path = tmp_path / "copy" / "io.npz"
    with np.load(path) as content:
        arrays = {name: content[name] for name in content.files if not name.startswith(("think_noise", "think_both"))}
    arrays["think_time/q_values"] = arrays["think_time/q_values"] * 1.001
    np.savez(path, **arrays)
    assert run_parity(tmp_path / "copy") == 1
    assert "think_time/q_values" in capsys.readouterr().out


def test_folder_that_cannot_be_read(tmp_path, capsys):
    assert run_parity(tmp_path) == 2
    assert "config.json" in " ".join(capsys.readouterr().out.split())


def test_relative_error_is_relative_to_the_largest_recorded_magnitude():
    report = Report({"a": np.array([0.0, 10.0], np.float32), "i": np.array([1, 2]), "s": np.float32(1e-6)})
    report.add("a", np.array([5e-4, 10.0], np.float32))
    report.add("i", np.array([1, 3]))
    report.add("s", np.float32(2e-6))
    report.add("unrecorded", np.zeros(1))
    first, second, third = report.comparisons
    assert first.relative == pytest.approx(5e-5)
    assert first.passed
    assert not second.passed
    assert third.passed


def test_wrong_shape_and_nan_fail():
    report = Report({"a": np.zeros((2, 3)), "b": np.ones(2)})
    report.add("a", np.zeros((3, 2)))
    report.add("b", np.array([1.0, np.nan]))
    assert [item.passed for item in report.comparisons] == [False, False]
    assert not report.passed
    assert not Report({}).passed


def test_clear_leads_only():
    float32 = np.array([[1.0, 2.0], [1.0, 1.001]])
    half = float32 + np.array([[0.0, 0.01], [0.01, 0.0]])
    assert clearly_best(float32, half).tolist() == [True, False]


def test_the_recording_passes_with_graphs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(onnx_engine, "exported_apart", lambda graphs: [onnx_export.exported(graph) for graph in graphs])
    folder = shutil.copytree(FIXTURE, tmp_path / "copy", ignore=shutil.ignore_patterns(".engines", "io_bf16.npz"))
    assert run_parity(folder, "onnx") == 0
    assert "engine onnx" in capsys.readouterr().out
    assert len(list((folder / ".engines").iterdir())) > 3


def test_an_engine_that_does_not_run_the_models_is_no_success(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("hume_core.engines.onnx_engine.find_spec", lambda name: None)
    folder = shutil.copytree(FIXTURE, tmp_path / "copy", ignore=shutil.ignore_patterns(".engines", "io_bf16.npz"))
    assert run_parity(folder, "onnx") == 2
    assert "did not run the models" in " ".join(capsys.readouterr().out.split())
