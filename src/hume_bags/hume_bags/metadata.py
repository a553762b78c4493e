"""What a bag's `metadata.yaml` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_bags.errors import BagError
from hume_bags.writer import METADATA
from hume_core.yaml_file import read_yaml

_INFORMATION = "rosbag2_bagfile_information"


def read_information(folder: Path, problems: list[str]) -> dict[str, Any]:
    """The content of `metadata.yaml`. Empty, and a problem more, where it is missing or damaged.

    Args:
        folder: of the bag.
        problems: takes one.

    Returns:
        At least `relative_file_paths`, a list of names, or nothing.
    """
    path = folder / METADATA
    if not path.exists():
        problems.append(f"{METADATA} is missing, so the recording did not end; the MCAP files were read")
        return {}
    try:
        return _checked(read_yaml(path, "bag metadata", BagError))
    except BagError as error:
        problems.append(f"{METADATA} cannot be read ({error}); the MCAP files were read")
        return {}


def _checked(content: Any) -> dict[str, Any]:
    information = content.get(_INFORMATION) if isinstance(content, dict) else None
    names = information.get("relative_file_paths") if isinstance(information, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BagError(f"it needs '{_INFORMATION}' with a list 'relative_file_paths'")
    return dict(information or {})
