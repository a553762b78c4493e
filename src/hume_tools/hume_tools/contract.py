"""`hume contract`: what a checkpoint's numbers mean, or a draft of it."""

from __future__ import annotations

import sys
from pathlib import Path

from hume_core.checkpoint import resolve_folder
from hume_core.json_report import json_text
from hume_core.policy_contract import CONTRACT_FILE, find_contract
from hume_core.policy_contract.draft import draft_contract
from hume_core.robot import RobotProfile


def run_contract(checkpoint: str, robot: str = "") -> int:
    """Print a contract or a draft as JSON. What to do with a draft goes to the standard error.

    Returns:
        The exit code, 0.

    Raises:
        CheckpointError: there is no such checkpoint.
        ContractError: its contract is damaged, or a draft that is not filled in yet.
    """
    folder = resolve_folder(checkpoint)
    profile = RobotProfile.load(robot) if robot else None
    known = None if _is_empty(folder / CONTRACT_FILE) else find_contract(checkpoint, folder)
    if known is not None:
        print(known.to_json())
        return 0
    print(json_text(draft_contract(folder, profile), indent=2))
    print(
        f"A draft: replace every 'FILL IN'. Save it as {folder / CONTRACT_FILE}, or name it with the parameter "
        "'contract'. See docs/released_checkpoints.md",
        file=sys.stderr,
    )
    return 0


def _is_empty(path: Path) -> bool:
    """A shell makes the file that the output goes to before this program runs."""
    return path.is_file() and path.stat().st_size == 0
