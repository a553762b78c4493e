"""Where files that can be made again are kept."""

from pathlib import Path

import pytest

from hume_core.cache_folder import cache_folder
from hume_core.engines.graph_cache import GraphCache
from hume_core.errors import ConfigError


@pytest.mark.parametrize("kind", ["checkpoints", "views"])
def test_the_place_that_the_user_has_chosen_counts(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder(kind) == tmp_path / "hume" / kind
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder(kind) == tmp_path / "home/.cache/hume" / kind


def test_a_user_without_a_home_is_told_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ConfigError, match="Set XDG_CACHE_HOME"):
        cache_folder("views")
    GraphCache(tmp_path, "1")  # graphs are kept beside the checkpoint only
