"""The real-time world: threads, commands, resets, cameras. No assertion on how fast anything is."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hume_core.errors import ConfigError, HumeError
from hume_sim.arm import HOME
from hume_sim.cameras import CameraStream
from hume_sim.realtime import RealtimeWorld, SimTimer
from hume_sim.trajectory import JointTrajectory
from hume_sim.world import TabletopWorld

TARGET = HOME + np.array([0.4, 0.1, -0.1, 0.2, -0.2, 0.3])


@pytest.fixture
def physics() -> Iterator[RealtimeWorld]:
    physics = RealtimeWorld(TabletopWorld())
    physics.start()
    yield physics
    physics.stop()


def wait_until(condition: Callable[[], bool], timeout: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def at(physics: RealtimeWorld, joints: np.ndarray) -> bool:
    return bool(np.abs(physics.sample.joints.position[:6] - joints).max() < 0.01)


def test_start_and_stop_leave_no_thread() -> None:
    before = set(threading.enumerate())
    world = TabletopWorld()
    physics = RealtimeWorld(world)
    cameras = CameraStream(world.model, lambda: physics.sample, lambda *_: None)
    physics.start()
    cameras.start()
    assert len(set(threading.enumerate()) - before) == 2
    cameras.stop()
    physics.stop()
    physics.stop()
    assert not physics.running
    assert set(threading.enumerate()) == before


def test_newest_command_wins_and_is_kept(physics: RealtimeWorld) -> None:
    physics.command_arm(HOME - 0.3)
    physics.command_arm(TARGET)
    physics.command_gripper(0.02)
    assert wait_until(lambda: at(physics, TARGET))
    assert wait_until(lambda: abs(physics.sample.joints.position[6] - 0.02) < 1e-3)
    then = physics.sample.time
    assert wait_until(lambda: physics.sample.time > then + 0.2)
    assert at(physics, TARGET)


def test_trajectory_is_followed_in_time(physics: RealtimeWorld) -> None:
    start = physics.sample.time
    physics.follow(JointTrajectory(np.array([0.5, 1.0]), np.stack([HOME, TARGET])))
    assert wait_until(lambda: at(physics, TARGET))
    assert physics.sample.time - start > 0.9


def test_command_replaces_a_trajectory(physics: RealtimeWorld) -> None:
    physics.follow(JointTrajectory(np.array([60.0]), HOME[None] - 0.5))
    physics.command_arm(TARGET)
    assert wait_until(lambda: at(physics, TARGET))


def test_reset_drops_old_commands(physics: RealtimeWorld) -> None:
    physics.command_arm(TARGET)
    assert wait_until(lambda: at(physics, TARGET))
    episode = physics.reset(9, "stack red on green")
    assert (episode.seed, episode.task, episode.success) == (9, "stack red on green", False)
    assert wait_until(lambda: physics.sample.episode.elapsed > 0.1)
    assert at(physics, HOME)
    assert physics.sample.episode.instruction == episode.instruction


def test_bad_reset_keeps_the_episode_and_the_thread(physics: RealtimeWorld) -> None:
    with pytest.raises(ConfigError, match="juggle"):
        physics.reset(0, "juggle")
    with pytest.raises(ConfigError, match="seed"):
        physics.reset(-5)
    then = physics.sample.time
    assert wait_until(lambda: physics.sample.time > then)


def test_reset_without_physics_says_so() -> None:
    with pytest.raises(HumeError, match="does not answer"):
        RealtimeWorld(TabletopWorld()).reset(0)


def test_refused_priority_is_reported_and_physics_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    physics = RealtimeWorld(TabletopWorld(), priority=40)
    physics.start()
    assert wait_until(lambda: physics.sample.time > 0.1)
    physics.stop()
    assert "physics: SCHED_FIFO 40 refused (not permitted)" in caplog.text


def test_simulated_time_follows_the_clock(physics: RealtimeWorld) -> None:
    assert wait_until(lambda: physics.sample.time > 0.5)
    timing = physics.timing()
    assert 0.0 < timing.realtime_factor < 1.2
    assert timing.lateness_p50 <= timing.lateness_p99 <= timing.lateness_max


def test_cameras_show_the_sample_they_name(physics: RealtimeWorld) -> None:
    seen = []
    world = TabletopWorld()
    cameras = CameraStream(
        world.model, lambda: physics.sample, lambda *frame: seen.append(frame), rate=60, height=48, width=64
    )
    cameras.start()
    physics.command_arm(TARGET)
    assert wait_until(lambda: len(seen) > 20)
    cameras.stop()
    assert [camera for camera, *_ in seen[:4]] == ["scene", "wrist", "scene", "wrist"]
    stamps = [sample.time for _, _, sample in seen]
    assert stamps == sorted(stamps)
    camera, image, sample = seen[-1]
    world.data.qpos[:] = sample.qpos
    np.testing.assert_array_equal(image, world.render(camera, 48, 64))
    world.close()


def test_timer_skips_missed_periods() -> None:
    timer = SimTimer(10.0)
    assert [timer.due(t) for t in (0.0, 0.05, 0.1, 0.15, 0.35, 0.36, 0.46)] == [
        True, False, True, False, True, False, True,
    ]  # fmt: skip
