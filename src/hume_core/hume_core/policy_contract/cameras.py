"""What a checkpoint's camera pictures are, seen from upright pictures of a robot's cameras."""

from __future__ import annotations

from collections.abc import Mapping

from hume_core.camera_operations import CameraOperations
from hume_core.field_types import Name
from hume_core.robot_sections import Camera


class ContractCamera(CameraOperations):
    """What the training did to an upright picture before the model resized it.

    Attributes:
        source: the robot's camera that serves where it has none of the same key.
    """

    source: Name | None = None

    def operations(self) -> CameraOperations:
        """Without the source."""
        return CameraOperations(**self.model_dump(exclude={"source"}))


def robot_camera(key: str, wanted: ContractCamera, cameras: Mapping[str, Camera]) -> Camera | None:
    """The robot's camera for a key of the policy. None: it has none."""
    return cameras.get(key) or cameras.get(wanted.source or key)


def camera_problems(wanted: Mapping[str, ContractCamera], cameras: Mapping[str, Camera]) -> list[str]:
    """What a robot cannot give of the cameras, a line each."""
    return [
        f"camera '{key}': the robot has {', '.join(cameras) or 'none'}. Add it to the profile's cameras"
        for key, camera in wanted.items()
        if robot_camera(key, camera, cameras) is None
    ]


def policy_cameras(wanted: Mapping[str, ContractCamera], cameras: Mapping[str, Camera]) -> dict[str, Camera]:
    """The robot's cameras under the policy's keys. Those of the robot where nothing is wanted."""
    if not wanted:
        return dict(cameras)
    found = {key: (robot_camera(key, camera, cameras), camera.operations()) for key, camera in wanted.items()}
    return {
        key: camera.model_copy(update={"policy": None if plain(done) else done})
        for key, (camera, done) in found.items()
        if camera is not None
    }


def plain(operations: CameraOperations) -> bool:
    """Whether a picture stays as it is."""
    return operations == CameraOperations()
