"""Camera images: content, geometry, errors."""

from collections.abc import Iterator

import mujoco
import numpy as np
import pytest

from hume_core.errors import ConfigError
from hume_sim.rendering import intrinsics
from hume_sim.scene import CUBES
from hume_sim.world import TabletopWorld


@pytest.fixture(scope="module")
def world() -> Iterator[TabletopWorld]:
    world = TabletopWorld()
    yield world
    world.close()


def pixels_of(image: np.ndarray, cube: str) -> np.ndarray:
    """Pixels (n, 2) as column, row whose strongest channel is the cube's and dominates the other two."""
    channels = image.astype(int)
    strongest = CUBES.index(cube)
    others = np.delete(channels, strongest, axis=2).max(axis=2)
    return np.argwhere(channels[..., strongest] > 1.6 * others + 20)[:, ::-1]


@pytest.mark.parametrize("seed", range(5))
def test_scene_camera_sees_all_cubes(world: TabletopWorld, seed: int) -> None:
    world.reset(seed)
    image = world.render("scene")
    assert image.shape == (96, 96, 3)
    assert image.dtype == np.uint8
    for cube in CUBES:
        assert len(pixels_of(image, cube)) > 30


@pytest.mark.parametrize("cube", CUBES)
def test_wrist_camera_sees_the_cube_below_it(world: TabletopWorld, cube: str) -> None:
    world.reset(0)
    x, y, _ = world.tip_position()
    for other, place in zip(CUBES, ([0.5, 0.3], [0.5, -0.3], [0.55, 0.0]), strict=True):
        world.place_cube(other, [*place, 0.02])
    world.place_cube(cube, [x + 0.03, y, 0.02])
    assert len(pixels_of(world.render("wrist"), cube)) > 60


def test_wrist_camera_moves_with_the_arm(world: TabletopWorld) -> None:
    world.reset(0)
    before = world.render("wrist")
    world.set_arm_target(world.target[:6] + np.array([0.3, 0, 0, 0, 0, 0]))
    world.step(500)
    assert np.abs(world.render("wrist").astype(int) - before).mean() > 3


@pytest.mark.parametrize(("height", "width"), [(96, 96), (120, 160)])
def test_intrinsics_project_a_cube_onto_its_pixels(world: TabletopWorld, height: int, width: int) -> None:
    world.reset(1)
    image = world.render("scene", height, width)
    camera = world.data.camera("scene")
    to_optical = np.diag([1.0, -1.0, -1.0]) @ camera.xmat.reshape(3, 3).T
    for cube in CUBES:
        ray = to_optical @ (world.cube_pose(cube)[:3] - camera.xpos)
        expected = (intrinsics(world.model, "scene", height, width) @ (ray / ray[2]))[:2]
        box = pixels_of(image, cube)
        centre = (box.min(axis=0) + box.max(axis=0)) / 2
        np.testing.assert_allclose(centre, expected, atol=1.5)


def test_same_state_same_image(world: TabletopWorld) -> None:
    world.reset(2)
    first = world.render("wrist")
    world.reset(3)
    world.reset(2)
    np.testing.assert_array_equal(world.render("wrist"), first)


def test_rendering_does_not_change_the_future(world: TabletopWorld) -> None:
    futures = []
    for rendered in (True, False):
        world.reset(6)
        world.set_arm_target(world.target[:6] + 0.3)
        for _ in range(10):
            world.step(10)
            if rendered:
                world.render("wrist")
        futures.append(world.data.qpos.copy())
    np.testing.assert_array_equal(*futures)


def test_video_frame_has_the_asked_size(world: TabletopWorld) -> None:
    frame = world.video_frame(128)
    assert frame.shape == (128, 128, 3)
    assert frame.std() > 10


def test_shadows_and_multisampling_are_off(world: TabletopWorld) -> None:
    assert world.model.vis.quality.shadowsize == 0
    assert world.model.vis.quality.offsamples == 0


def test_unknown_camera_is_named(world: TabletopWorld) -> None:
    with pytest.raises(ConfigError, match="It has: scene, video, wrist"):
        world.render("front")


def test_own_camera_data_gives_the_same_image(world: TabletopWorld) -> None:
    from hume_sim.rendering import CameraRenderer, compute_for_rendering

    world.reset(7)
    data = mujoco.MjData(world.model)
    data.qpos[:] = world.data.qpos
    compute_for_rendering(world.model, data)
    renderer = CameraRenderer(world.model)
    np.testing.assert_array_equal(renderer.render(data, "scene"), world.render("scene"))
    renderer.close()
