"""The contracts of released checkpoints, and which contract a checkpoint has."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from hume_core.errors import ContractError
from hume_core.policy_contract.contract import CONTRACT_FILE, PolicyContract
from hume_core.yaml_file import parse_yaml, read_yaml

_RELEASED = (
    (r"hume-vla/libero-goal(-\d+)?", "libero_goal"),
    (r"hume-vla/libero-object(-\d+)?", "libero_object"),
    (r"hume-vla/libero-spatial(-\d+)?", "libero_spatial"),
)
"""Hub names, in lower case -> built-in contract."""


def built_in_contracts() -> tuple[str, ...]:
    """Names of the contracts that come with this package."""
    folder = files("hume_core.policy_contract") / "released"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def named_contract(name: str) -> PolicyContract:
    """A built-in contract, or the one in a file (JSON or YAML) or checkpoint folder.

    Raises:
        ContractError: there is none of that name, or it is damaged.
    """
    if name in built_in_contracts():
        text = (files("hume_core.policy_contract") / "released" / f"{name}.yaml").read_text(encoding="utf-8")
        return PolicyContract.from_content(parse_yaml(text, name), f"built-in contract '{name}'")
    path = Path(name).expanduser()
    found = PolicyContract.load(path) if path.is_dir() else None
    if found is not None:
        return found
    if not path.is_file():
        raise ContractError(
            f"contract '{name}' is neither built in nor a file. Built in: {', '.join(built_in_contracts())}"
        )
    return PolicyContract.from_content(read_yaml(path, "policy contract", ContractError), str(path))


def released_contract(checkpoint: str) -> str:
    """Name of the built-in contract of a released checkpoint, by its hub name. Empty: it is no such name."""
    name = checkpoint.partition("@")[0].lower()
    return next((contract for pattern, contract in _RELEASED if re.fullmatch(pattern, name)), "")


def find_contract(checkpoint: str | Path, folder: Path, named: str = "") -> PolicyContract | None:
    """What is known of a checkpoint's numbers.

    Args:
        checkpoint: folder or hub name, as it was given.
        folder: where its files are.
        named: contract that was asked for, see `named_contract`. Empty: the folder's own, or that of the release.

    Returns:
        None where nothing is known.

    Raises:
        ContractError: it is damaged, or there is none of that name.
    """
    if named:
        return named_contract(named)
    own = PolicyContract.load(folder)
    released = released_contract(str(checkpoint))
    return named_contract(released) if own is None and released else own


def missing_contract(checkpoint: str | Path) -> ContractError:
    """What to say where nothing is known."""
    path = Path(checkpoint).expanduser()
    file = path / CONTRACT_FILE if path.is_dir() else CONTRACT_FILE
    return ContractError(
        f"checkpoint '{checkpoint}' does not say what its numbers mean: it has no {CONTRACT_FILE}, and sizes alone do "
        f"not tell joints from tool poses. Name a built-in contract with the parameter 'contract' "
        f"({', '.join(built_in_contracts())}), or write a draft with ./hume contract {checkpoint} > {file} and "
        "replace every 'FILL IN' in it. See docs/released_checkpoints.md"
    )
