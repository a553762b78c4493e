"""Whether a checkpoint fits a robot, by what its numbers mean."""

from __future__ import annotations

from collections.abc import Iterator

from hume_core.checkpoint import resolve_folder
from hume_core.config import HumeConfig
from hume_core.errors import HumeError
from hume_core.policy_contract import PolicyContract, find_contract, missing_contract
from hume_core.robot import RobotProfile
from hume_tools.doctor.installation import Finding

_WHAT = "policy contract"


def judge_checkpoint(profile: RobotProfile, checkpoint: str, contract: str = "") -> Iterator[Finding]:
    """One finding per thing that the robot cannot give or do as the checkpoint wants it.

    Args:
        profile: the robot.
        checkpoint: folder or hub name.
        contract: name or path of what its numbers mean. Empty: its own.
    """
    try:
        folder = resolve_folder(checkpoint)
        config = HumeConfig.load(folder / "config.json")
        found = find_contract(checkpoint, folder, contract)
    except HumeError as error:
        yield Finding("checkpoint", False, str(error), "name a checkpoint folder or a hub name")
        return
    if found is None:
        yield Finding(_WHAT, False, str(missing_contract(checkpoint)), "add contract:=NAME, or write one")
        return
    yield from _judged(config, found, profile)


def _judged(config: HumeConfig, contract: PolicyContract, profile: RobotProfile) -> Iterator[Finding]:
    sizes, wanted = (contract.state_dim, contract.action_dim), (config.state_dim, config.action_dim)
    if sizes != wanted:
        text = f"it describes {sizes[0]} and {sizes[1]} numbers, config.json {wanted[0]} and {wanted[1]}"
        yield Finding(_WHAT, False, text, "name the contract of this checkpoint")
    lines = contract.differences(profile)
    for line in lines:
        yield Finding(_WHAT, False, line, "another checkpoint or contract, or correct the profile")
    missing = [key for key in config.camera_keys if not lines and key not in contract.seen_by(profile).cameras]
    for key in missing:
        yield Finding(_WHAT, False, f"the checkpoint wants camera '{key}'", "add it to the profile's cameras")
    if sizes == wanted and not lines and not missing:
        pictures = "; ".join(f"{key} {camera.describe()}" for key, camera in contract.cameras.items()) or "as they are"
        yield Finding(_WHAT, True, f"state: {', '.join(contract.state_names)}. Pictures: {pictures}")
