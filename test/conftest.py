"""Real processes for the tests of the whole stack, each test file on a ROS domain of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import rclpy
from lifecycle_msgs.srv import GetState
from rclpy.node import Node
from safetensors.torch import load_file, save_file
from standstill import StandstillWatch

from hume_bringup.environment import default_environment
from hume_bringup.programs import find_executable
from hume_ros.domain import free_domain
from hume_ros.lifecycle import make_executor
from hume_ros.service_calls import call_until_answered
from hume_training.default_checkpoint import random_checkpoint

_watch = pytest.StashKey[StandstillWatch]()
_begun = 0.0


def pytest_sessionstart(session: pytest.Session) -> None:
    """From here on it is known when the machine stands still."""
    session.config.stash[_watch] = StandstillWatch()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave no process behind."""
    session.config.stash[_watch].close()


def pytest_runtest_setup() -> None:
    """Each run of a test has a time of its own."""
    global _begun
    _begun = time.monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A live test that fails while the machine stands still runs again: the robot and its watchdogs stood still too.

    A failure on a machine that runs is a failure.
    """

    def stood_still() -> bool:
        return config.stash[_watch].longest(_begun) > 0.0

    for item in items:
        if item.get_closest_marker("ros"):
            item.add_marker(pytest.mark.flaky(reruns=4, reruns_delay=20, condition=stood_still))
            item.add_marker(pytest.mark.timeout(1200))  # of all its runs together


@pytest.fixture(scope="session", autouse=True)
def _signals() -> None:
    """Under nohup, or in the background of a script, some signals are ignored, by all children too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_used_domains: set[int] = set()


@pytest.fixture(scope="module")
def ros_domain() -> Iterator[int]:
    """A domain that nobody uses, for this process and its children, with rclpy running in it."""
    before = dict(os.environ)
    # What an earlier test has left in the graph by mistake must not be heard.
    domain = free_domain(avoid=_used_domains)
    _used_domains.add(domain)
    os.environ.update(default_environment(), ROS_DOMAIN_ID=str(domain))
    rclpy.init(args=[])
    yield domain
    rclpy.try_shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    """The small checkpoint with random weights."""
    return random_checkpoint()


@pytest.fixture(scope="session")
def system2_alone() -> Callable[[Path, Path], Path]:
    """Makes a folder of what is published of a pre-trained System 2 from a whole checkpoint's folder."""

    def make(source: Path, folder: Path) -> Path:
        folder.mkdir()
        for path in (*source.glob("*token*"), *source.glob("policy_contract.json")):
            shutil.copy(path, folder)
        tensors = {
            f"model.{name.removeprefix('s2_model.')}" if name.startswith("s2_model.") else name: tensor
            for name, tensor in load_file(source / "model.safetensors").items()
            if name.startswith("s2_model.") or "normalize_" in name
        }
        save_file(tensors, folder / "model.safetensors")
        content = json.loads((source / "config.json").read_text(encoding="utf-8"))
        alone = {"type": "system2", "chunk_size": content["s2_chunk_size"]}
        other = ("s1_", "s2_", "vqh_", "theta", "num_candidates", "value_temperature")
        kept = {name: value for name, value in content.items() if not name.startswith(other)}
        (folder / "config.json").write_text(json.dumps(kept | alone), encoding="utf-8")
        return folder

    return make


class Observer:
    """A node with its executor, driven by the test.

    Args:
        name: node name.
    """

    def __init__(self, name: str) -> None:
        self.node = Node(name)
        self.executor = make_executor()
        self.executor.add_node(self.node)

    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        """Spin until the condition holds and return its value. Fail the test otherwise."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            self.executor.spin_once(timeout_sec=0.02)
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not happen within {timeout} s")
        return value

    def spin(self, seconds: float) -> None:
        """Spin for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, srv_type: Any, name: str, request: Any, timeout: float = 20.0) -> Any:
        """Call a service that may be called twice."""
        client = self.node.create_client(srv_type, name)
        self.until(client.service_is_ready, timeout, f"service {name}")
        answer = call_until_answered(client, request, lambda: self.executor.spin_once(timeout_sec=0.02), timeout)
        if answer is None:
            pytest.fail(f"an answer of {name} did not happen within {timeout} s")
        self.node.destroy_client(client)
        return answer

    def lifecycle_state(self, node: str) -> str:
        """Label of a node's lifecycle state."""
        return str(self.call(GetState, f"/{node}/get_state", GetState.Request()).current_state.label)

    def close(self) -> None:
        """Leave the graph."""
        self.executor.shutdown(timeout_sec=0.5)
        self.node.destroy_node()


@pytest.fixture(scope="module")
def observer(ros_domain: int) -> Iterator[Observer]:
    """A node of the test's own."""
    node = Observer("hume_test")
    yield node
    node.close()


class Process:
    """One node as a child process whose output is read by the test."""

    def __init__(self, package: str, executable: str, parameters: dict[str, Any], log: Path) -> None:
        arguments = [sys.executable, find_executable(package, executable), "--ros-args"]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
        self._log = log
        with log.open("wb") as stream:
            self._child = subprocess.Popen(arguments, stdout=stream, stderr=stream, start_new_session=True)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        """Still running."""
        return self._child.poll() is None

    def crash(self) -> None:
        """Kill it: it leaves the graph only when the others miss it."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Interrupt, then kill."""
        family = [psutil.Process(self._child.pid), *psutil.Process(self._child.pid).children(recursive=True)]
        self._child.terminate()
        _, left = psutil.wait_procs(family, timeout=5)
        for process in left:
            process.kill()


@pytest.fixture
def start(tmp_path: Path, ros_domain: int) -> Iterator[Callable[..., Process]]:
    """Start nodes that are stopped when the test ends."""
    running: list[Process] = []

    def begin(package: str, executable: str, **parameters: Any) -> Process:
        process = Process(package, executable, parameters, tmp_path / f"{executable}_{len(running)}.log")
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.alive:
            process.stop()
        print(process.output)  # pytest shows it where the test failed
