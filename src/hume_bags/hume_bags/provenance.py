"""Where a recording comes from: code, checkpoint, robot and limits."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import yaml

from hume_core.robot import RobotProfile, find_profile
from hume_core.robot_prefix import with_prefix

_DESCRIBING = (".json", ".safetensors", ".model")
_BLOCK = 1024 * 1024


def recording_provenance(robot: str, prefix: str = "", prefix_controllers: bool = True) -> dict[str, Any]:
    """What is known when a recording starts.

    Args:
        robot: name or path of the robot profile.
        prefix, prefix_controllers: see `RobotProfile.load`.

    Returns:
        `git_commit` (with `+changes` where the tree differs; empty outside a repository), `robot`, `prefix` and
        `prefix_controllers` where they are not the defaults, `profile` (the text of its YAML, with both),
        `profile_hash`, `limits` (rad, rad/s, rad/s2, rad/s3, rad by joint), `host`.
    """
    path = find_profile(robot)
    profile = RobotProfile.load(path, prefix, prefix_controllers)
    limits = profile.motion_limits()
    text = path.read_text(encoding="utf-8")
    if prefix or not prefix_controllers:
        content = with_prefix(yaml.safe_load(text), prefix, prefix_controllers)
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    fields = ("lower", "upper", "velocity", "acceleration", "jerk", "tracking", "continuous")
    return {
        "git_commit": workspace_commit(),
        "robot": profile.name,
        **({"prefix": profile.prefix} if profile.prefix else {}),
        **({} if profile.prefix_controllers else {"prefix_controllers": False}),
        "profile": text,
        "profile_hash": hashlib.sha256(text.encode()).hexdigest(),
        "limits": {"names": list(limits.names), **{name: getattr(limits, name).tolist() for name in fields}},
        "host": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
    }


def checkpoint_provenance(checkpoint: str) -> dict[str, Any]:
    """Name and content of a checkpoint.

    Args:
        checkpoint: folder or hub name, as nodes have it in their parameters.

    Returns:
        `checkpoint` and `checkpoint_id`, which is empty where there is no such folder on this machine.
    """
    folder = _local_folder(checkpoint)
    return {"checkpoint": checkpoint, "checkpoint_id": "" if folder is None else checkpoint_id(folder)}


def checkpoint_id(folder: Path) -> str:
    """SHA-256 of the names and contents of a checkpoint's files: weights, configuration, tokenizer."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _DESCRIBING):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _local_folder(checkpoint: str) -> Path | None:
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return path
    try:
        import huggingface_hub

        return Path(huggingface_hub.snapshot_download(checkpoint, local_files_only=True))
    except Exception:  # not in the cache, or not even a hub name
        return None


def workspace_commit() -> str:
    """Commit of the workspace that runs, with `+changes` where the tree differs. Empty outside a repository."""
    root = os.environ.get("HUME_ROOT") or str(Path(__file__).resolve().parent)
    commit = _git(root, "rev-parse", "HEAD")
    return f"{commit}+changes" if commit and _git(root, "status", "--porcelain", "-uno") else commit


def _git(root: str, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
