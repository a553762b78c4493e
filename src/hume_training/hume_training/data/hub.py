"""Datasets on the Hugging Face hub: read by name, and published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hume_core.errors import DatasetError
from hume_core.texts import shortened
from hume_training.data.layout import INFO, VERSION

_NAME = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w][\w./-]*))?")
_FILES = ["meta/*", "meta/**", "data/**", "videos/**"]
_PRIVATE_FILES = ["cache*", "cache*/**", "staging/**"]
"""What is no part of the dataset."""


def dataset_folder(name: str | Path) -> Path:
    """Folder of a dataset, downloaded from the Hugging Face hub where a hub name is given.

    Args:
        name: a folder, ``owner/name``, or ``owner/name@revision`` with a commit, tag or branch.

    Raises:
        DatasetError: there is no such folder, and the hub cannot be reached or does not have it.
    """
    path = Path(name).expanduser()
    found = None if isinstance(name, Path) else _NAME.fullmatch(name)
    if path.exists() or found is None:
        return path
    return _snapshot(found["repository"], found["revision"])


def _snapshot(repository: str, revision: str | None) -> Path:
    """The newest snapshot. The one in the local cache where the hub cannot be reached."""
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=_FILES)
        )
    except Exception as error:  # the library raises its own errors, the client's, and the system's
        kept = _kept(repository, revision)
        if kept is not None:
            return kept
        raise DatasetError(
            f"'{repository}' is no folder here, and cannot be had from the Hugging Face hub: {_line(error)}. Without a "
            f"network, download it elsewhere (hf download {repository} --repo-type dataset --local-dir FOLDER), copy "
            "the folder here and give its path"
        ) from error


def _kept(repository: str, revision: str | None) -> Path | None:
    import huggingface_hub

    try:
        folder = Path(
            huggingface_hub.snapshot_download(repository, repo_type="dataset", revision=revision, local_files_only=True)
        )
    except Exception:
        return None
    return folder if (folder / INFO).exists() else None


def push_dataset(folder: Path, repository: str) -> str:
    """Publish a dataset, or a new state of it, with the tag by which LeRobot finds its version.

    Args:
        folder: of the dataset.
        repository: ``owner/name`` on the hub. It is made where it does not exist, for its owner alone to see.

    Returns:
        Its address.

    Raises:
        DatasetError: the name is none, or the hub cannot be reached or refuses.
    """
    import huggingface_hub

    check_name(repository)
    hub = huggingface_hub.HfApi()
    try:
        address = hub.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        hub.upload_folder(repo_id=repository, repo_type="dataset", folder_path=folder, ignore_patterns=_PRIVATE_FILES)
        if _has_tag(hub, repository):
            hub.delete_tag(repository, tag=VERSION, repo_type="dataset")
        hub.create_tag(repository, tag=VERSION, repo_type="dataset")
    except Exception as error:  # as above
        raise DatasetError(
            f"{folder} is written, but could not be published as '{repository}': {_line(error)}. Log in with "
            f"hf auth login, then publish it with: hf upload {repository} {folder} --repo-type dataset"
        ) from error
    return str(address)


def check_name(repository: str) -> None:
    """Refuse what is no name on the hub, before anything is recorded.

    Raises:
        DatasetError: see there.
    """
    found = _NAME.fullmatch(repository)
    if found is None or found["revision"] is not None:
        raise DatasetError(f"'{repository}' is no name on the Hugging Face hub. Valid: OWNER/NAME")


def _has_tag(hub: Any, repository: str) -> bool:
    refs = hub.list_repo_refs(repository, repo_type="dataset")
    return any(tag.name == VERSION for tag in refs.tags)


def _line(error: Exception) -> str:
    return shortened(next(iter(str(error).strip().splitlines()), type(error).__name__))
