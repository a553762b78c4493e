"""Checkpoint folders: lazy reading, damage, shards, hub names, saving."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.checkpoint_writer import save_tensors
from hume_core.errors import CheckpointError
from hume_core.tokenizer import InstructionTokenizer

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.fixture
def folder(tmp_path):
    tensors = {"a.weight": torch.arange(6.0).view(2, 3), "b.weight": torch.ones(2, dtype=torch.bfloat16)}
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt", "alias": "a.weight"})
    return tmp_path


def test_reads_only_what_is_asked_for(folder):
    reader = CheckpointReader(folder)
    assert reader.names == ("a.weight", "b.weight")
    assert reader.shape("a.weight") == (2, 3)
    assert reader.dtype("b.weight") == torch.bfloat16
    assert reader.names_read == []
    reader.read("b.weight", (2,))
    assert reader.names_read == ["b.weight"]


def test_missing_tensor_and_wrong_shape_are_named(folder):
    reader = CheckpointReader(folder)
    with pytest.raises(CheckpointError, match=r"'c.weight' is missing.*expected shape \[4\], found none"):
        reader.read("c.weight", (4,))
    with pytest.raises(CheckpointError, match=r"'a.weight'.*expected \[3, 2\] from config.json, found \[2, 3\]"):
        reader.read("a.weight", (3, 2))


@pytest.mark.parametrize("keep", [4, 60, -8])
def test_truncated_file(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="truncated or no safetensors"):
        CheckpointReader(folder)


def test_folder_without_weights(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(CheckpointError, match="only safetensors"):
        CheckpointReader(tmp_path)


def test_unsupported_type(tmp_path):
    save_file({"a": torch.ones(2, dtype=torch.int16)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="'a' is stored as I16"):
        CheckpointReader(tmp_path).read("a")


def _shard(source, target):
    tensors = load_file(source / "model.safetensors")
    weight_map = {}
    for i, name in enumerate(tensors):
        shard = f"model-{i % 2 + 1:05d}-of-00002.safetensors"
        weight_map[name] = shard
    for shard in set(weight_map.values()):
        save_file({n: t for n, t in tensors.items() if weight_map[n] == shard}, target / shard)
    (target / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_shards_read_like_one_file(folder, tmp_path_factory):
    sharded = tmp_path_factory.mktemp("sharded")
    _shard(folder, sharded)
    reader, whole = CheckpointReader(sharded), CheckpointReader(folder)
    assert reader.names == whole.names
    for name in whole.names:
        assert torch.equal(reader.read(name), whole.read(name))


def test_missing_shard_is_named(folder, tmp_path_factory):
    sharded = tmp_path_factory.mktemp("sharded")
    _shard(folder, sharded)
    (sharded / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="shard 'model-00002-of-00002"):
        CheckpointReader(sharded)


def test_shard_outside_the_folder_is_refused(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../model.safetensors"}}')
    with pytest.raises(CheckpointError, match=r"Valid: a \.safetensors file beside it"):
        CheckpointReader(tmp_path)


def test_broken_index(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(CheckpointError, match="no index"):
        CheckpointReader(tmp_path)


def test_repeated_value_head_tensors_are_ignored(tmp_path):
    copies = {
        "value_query_head.paligemma_with_expert.x": torch.ones(1),
        "s2_model.paligemma_with_expert.x": torch.ones(1),
    }
    save_file(copies, tmp_path / "model.safetensors")
    assert CheckpointReader(tmp_path).names == ("s2_model.paligemma_with_expert.x",)


def test_saving_keeps_what_others_own(folder, tmp_path):
    target = tmp_path / "new"
    save_tensors(target, {"a.weight": torch.zeros(2, 3)}, CheckpointReader(folder))
    saved = CheckpointReader(target)
    assert torch.equal(saved.read("a.weight"), torch.zeros(2, 3))
    assert saved.dtype("b.weight") == torch.bfloat16
    assert saved.metadata["alias"] == "a.weight"
    save_tensors(target, {"b.weight": torch.zeros(2)}, CheckpointReader(folder))
    again = CheckpointReader(target)
    assert torch.equal(again.read("a.weight"), torch.zeros(2, 3))
    assert torch.equal(again.read("b.weight"), torch.zeros(2))


def test_saving_over_shards_leaves_one_file(folder, tmp_path_factory):
    sharded = tmp_path_factory.mktemp("sharded")
    _shard(folder, sharded)
    save_tensors(sharded, {"a.weight": torch.zeros(2, 3)}, None)
    assert sorted(path.name for path in sharded.iterdir()) == ["model.safetensors"]
    assert CheckpointReader(sharded).names == ("a.weight", "b.weight")


def test_unwritable_folder(folder):
    with pytest.raises(CheckpointError, match="cannot write"):
        save_tensors(folder / "model.safetensors" / "below", {}, None)


def test_folder_or_hub_name(folder, tmp_path):
    assert resolve_folder(folder) == folder
    with pytest.raises(CheckpointError, match="no folder and no hub name"):
        resolve_folder(str(tmp_path / "nothing"))
    with pytest.raises(CheckpointError, match="no folder and no hub name"):
        resolve_folder(Path("organisation/name"))


@pytest.fixture
def hub(folder, tmp_path_factory, monkeypatch):
    """A cache with one repository; the network is out of reach."""
    import huggingface_hub
    from huggingface_hub import constants

    cache = tmp_path_factory.mktemp("cache")
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = cache / "models--organisation--name"
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    cached = huggingface_hub.snapshot_download

    def without_network(name, **options):
        if not options.get("local_files_only"):
            raise OSError("network is unreachable")
        return cached(name, cache_dir=cache, **options)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", without_network)
    return repository / "snapshots" / commit


def test_hub_cache_is_used_without_network(hub):
    assert CheckpointReader(resolve_folder("organisation/name")).names == ("a.weight", "b.weight")
    with pytest.raises(CheckpointError, match=r"cannot be had.*network is unreachable"):
        resolve_folder("organisation/other")


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("revision", [COMMIT, "v1.0", "main"])
def test_a_cached_revision_is_used_without_network(hub, revision):
    (hub.parents[1] / "refs" / "v1.0").write_text(COMMIT)
    assert resolve_folder(f"organisation/name@{revision}") == hub


@pytest.mark.parametrize("revision", ["v2.0", "fedcba9876543210fedcba9876543210fedcba98"])
def test_another_revision_is_not_taken_for_the_cached_one(hub, revision):
    with pytest.raises(CheckpointError, match=rf"'organisation/name' at revision '{revision}'.*network is unreachable"):
        resolve_folder(f"organisation/name@{revision}")


@pytest.mark.parametrize("revision", ["v1.0", "refs/pr/3", COMMIT])
def test_a_revision_is_what_is_downloaded(folder, monkeypatch, revision):
    import huggingface_hub

    asked = []

    def download(name, revision=None, local_files_only=False, **_):
        if local_files_only:
            raise OSError("not in the cache")
        asked.append((name, revision))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert resolve_folder(f"organisation/name@{revision}") == folder
    assert asked == [("organisation/name", revision)]


def test_an_unknown_revision_is_named(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import RevisionNotFoundError

    def refuse(name, **_):
        # Versions of the library differ in what its constructor wants.
        raise RevisionNotFoundError.__new__(RevisionNotFoundError, "404")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"'organisation/name' .*no revision 'v9'. Give a commit, tag or"):
        resolve_folder("organisation/name@v9")


@pytest.mark.parametrize("name", ["organisation/name@", "organisation@v1", "organisation/name@v1@v2", "a/b@-x", "@v1"])
def test_a_malformed_revision_is_no_hub_name(name):
    with pytest.raises(CheckpointError, match="no hub name like 'organisation/name' or 'organisation/name@revision'"):
        resolve_folder(name)


def test_half_a_cached_repository_is_completed(hub, folder, monkeypatch):
    import huggingface_hub

    (hub / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="network is unreachable"):
        resolve_folder("organisation/name")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(folder))
    assert resolve_folder("organisation/name") == folder


def test_tokenizer_pads_truncates_and_ends_with_a_newline(tmp_path):
    tokenizer = InstructionTokenizer(FIXTURE, 12)
    with pytest.warns(UserWarning, match="would be cut before"):
        ids, mask = tokenizer(["open the drawer", "open the drawer\n", "open " * 40])
    assert ids.shape == mask.shape == (3, 12)
    assert torch.equal(ids[0], ids[1])
    assert mask[0].sum() < 12
    assert mask[2].all()
    assert (ids[0][~mask[0]] == 0).all()
    tokenizer.save(tmp_path)
    assert torch.equal(InstructionTokenizer(tmp_path, 12)(["open the drawer"])[0][0], ids[0])


def test_missing_or_broken_tokenizer(tmp_path):
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        InstructionTokenizer(tmp_path, 4)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no tokenizer file"):
        InstructionTokenizer(tmp_path, 4)
