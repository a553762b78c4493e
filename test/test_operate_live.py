"""A stack is operated by the commands alone: the script of the README, and what each command says when it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from hume_bags.episodes import find_episodes
from hume_bags.reader import BagReader
from hume_training.data.reader import load_demonstrations

pytestmark = pytest.mark.ros

README = Path(__file__).parents[1] / "README.md"
TASK = "lift the red cube"
LONGEST = 500.0
# A machine that stands still for 0.3 s would end the task, and make the recorded images too old.
SLACK = {"joint_state_age": 5.0, "heartbeat_age": 10.0, "clock_frozen": 5.0, "clock_jump": 10.0}
PROGRAM = """#!/bin/sh
case "$1" in
    up) set -- "$@" "params_file:={slack}" ;;
    export) set -- "$@" --max-age 5 ;;
esac
exec "{python}" -m hume_tools "$@"
"""


def script() -> str:
    """The commands of the README's section, as they stand there."""
    section = README.read_text(encoding="utf-8").partition("### Operate it")[2]
    return section.partition("```bash\n")[2].partition("```")[0]


def hume(*arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hume_tools", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def left_behind(domain: int) -> list[psutil.Process]:
    """Other processes in this ROS domain."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("ROS_DOMAIN_ID") == str(domain)
            if mine and process.pid != os.getpid() and "hume" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def _end_what_is_left(ros_domain: int) -> Iterator[None]:
    """A script that failed leaves its stack running."""
    yield
    for process in left_behind(ros_domain):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.usefixtures("_end_what_is_left")
@pytest.mark.timeout(1200)
def test_the_script_of_the_readme(ros_domain: int, tmp_path: Path) -> None:
    commands = [line for line in script().splitlines() if line.strip()]
    assert len(commands) == 8
    assert {"up", "task", "status", "estop", "reset", "label", "export"} <= set(re.findall(r"\./hume (\w+)", script()))
    slack = tmp_path / "slack.yaml"
    slack.write_text(yaml.safe_dump({"hume_system1": {"ros__parameters": SLACK}}), encoding="utf-8")
    program = tmp_path / "hume"
    program.write_text(PROGRAM.format(python=sys.executable, slack=slack), encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", script()], cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    log = (tmp_path / "run_1.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"
    assert f"task: {TASK}" in done.stdout
    assert "estop: emergency stop" in log
    assert 'idle. Give a task: hume task "TEXT"' in log
    (episode,) = find_episodes(BagReader(tmp_path / "run_1"))
    assert (episode.instruction, episode.label, episode.success) == (TASK, "failure", False)
    judged = {item.message.instruction for item in BagReader(tmp_path / "run_1").messages(["/sim/episode"])}
    assert TASK in judged
    data = load_demonstrations(tmp_path / "dataset_1")
    assert list(data.tasks) == [TASK]
    assert data.success is not None
    assert not data.success[-1]
    deadline = time.monotonic() + 20.0
    while left_behind(ros_domain) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_behind(ros_domain) == []


@pytest.mark.parametrize(
    ("words", "who"),
    [
        (("task", TASK), "System 2"),
        (("task", TASK, "--no-wait"), "System 2"),
        (("cancel",), "System 2"),
        (("status",), "System 1"),
        (("status", "--watch"), "System 1"),
        (("estop",), "System 1"),
        (("limits", "--velocity", "0.5"), "System 1"),
        (("label", "success"), "recorder"),
    ],
)
def test_where_nobody_answers_one_line_says_where_it_was_asked(
    ros_domain: int, words: tuple[str, ...], who: str
) -> None:
    answer = hume(*words, "--timeout", "1", "--namespace", "left")
    (line,) = answer.stderr.splitlines()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert line.startswith(f"hume: no {who} answers in domain {ros_domain}, namespace '/left': ")
    assert "./hume" in line


@pytest.mark.parametrize("command", ["reset", "enable", "disable", "takeover", "handback"])
def test_as_json_an_error_is_json_too(ros_domain: int, command: str) -> None:
    answer = hume(command, "--timeout", "1", "--json")
    content = json.loads(answer.stdout)
    assert (answer.returncode, answer.stderr, content["success"]) == (2, "", False)
    assert f"domain {ros_domain}" in content["message"]


def test_a_wrong_namespace_is_named(ros_domain: int) -> None:
    answer = hume("estop", "--namespace", "left arm")
    (line,) = answer.stderr.splitlines()
    assert answer.returncode == 2
    assert "'left arm'" in line
