"""The Docker files name things that exist, pin their versions and give no more rights than needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
LAUNCH = ROOT / "src" / "hume_bringup" / "launch"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"])


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, continuation lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    logical = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in logical if line.strip()]


def test_each_profile_has_its_service(services: dict[str, Any]) -> None:
    assert {name: service["profiles"] for name, service in services.items()} == {
        "sim": ["sim"],
        "system1": ["robot"],
        "system2": ["gpu"],
    }


def with_defaults(text: str) -> str:
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", r"\2", text)
    return re.sub(r"\$\{(\w+):\?[^}]*\}", "wx250s_sim", text)


@pytest.mark.parametrize(("name", "kind"), [("sim", "sim"), ("system1", "robot"), ("system2", "robot")])
def test_commands_start_what_there_is(services: dict[str, Any], name: str, kind: str) -> None:
    program, verb, package, file, *arguments = [with_defaults(part) for part in services[name]["command"]]
    assert (program, verb, package) == ("ros2", "launch", "hume_bringup")
    assert (LAUNCH / file).is_file()
    options = LaunchOptions.from_text(dict(argument.split(":=", 1) for argument in arguments))
    started = {spec.name for spec in graph(kind, options)}
    assert started == {
        "sim": {"hume_sim", "hume_system2", "hume_system1"}, "system1": {"hume_system1"}, "system2": {"hume_system2"},
    }[name]  # fmt: skip


def test_the_arm_moves_only_when_asked(services: dict[str, Any]) -> None:
    assert "dry_run:=${HUME_DRY_RUN:-true}" in services["system1"]["command"]


def test_what_streams_commands_may_be_punctual(services: dict[str, Any]) -> None:
    for name in ("sim", "system1"):
        assert services[name]["ulimits"] == {"rtprio": 95, "memlock": -1}
        assert services[name]["cap_add"] == ["SYS_NICE"]
    assert "cap_add" not in services["system2"]
    assert not any(service.get("privileged") for service in services.values())
    assert "rtprio 95" in (DOCKER / "limits.conf").read_text()


def test_only_two_machines_reach_beyond_their_own(services: dict[str, Any]) -> None:
    ranges = {name: service["environment"]["ROS_AUTOMATIC_DISCOVERY_RANGE"] for name, service in services.items()}
    assert {name: with_defaults(text) for name, text in ranges.items()} == {
        "sim": "LOCALHOST",
        "system1": "SUBNET",
        "system2": "SUBNET",
    }


def test_system2_takes_the_gpu(services: dict[str, Any]) -> None:
    (device,) = services["system2"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert services["system2"]["build"]["args"] == {"VARIANT": "cuda"}
    assert services["system2"]["image"] != services["system1"]["image"]


def test_images_are_pinned_and_users_are_not_root(services: dict[str, Any]) -> None:
    parts = instructions()
    stages = [text.split(" AS ") for name, text in parts if name == "FROM"]
    assert [stage for _, stage in stages] == ["base", "build", "runtime"]
    image = next(text.partition("=")[2] for name, text in parts if name == "ARG" and text.startswith("ROS_IMAGE"))
    assert re.fullmatch(r"ros:[a-z]+-ros-base-[a-z]+", image)
    after_last_stage = parts[max(i for i, part in enumerate(parts) if part[0] == "FROM") :]
    assert [text for name, text in after_last_stage if name == "USER"] == ["1001:1001"]
    assert {service["build"]["dockerfile"] for service in services.values()} == {"docker/Dockerfile"}


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "build", "install", "log"} <= set(ignored)
    for name, text in instructions():
        if name == "COPY" and not text.startswith("--from"):
            source = text.split()[0]
            assert (ROOT / source).exists()
            assert source.split("/")[0] not in ignored


def test_arguments_are_declared_where_they_are_used() -> None:
    declared: set[str] = set()
    outside: set[str] = set()
    for name, text in instructions():
        if name == "FROM":
            assert set(re.findall(r"\$\{(\w+)\}", text)) <= outside or "$" not in text
            declared = set()
        elif name == "ARG":
            declared.add(text.partition("=")[0])
            outside |= {text.partition("=")[0]}
        else:
            assert set(re.findall(r"\$\{?(ROS_DISTRO|VARIANT)\b", text)) <= declared


def test_the_entry_point_is_a_sound_script() -> None:
    script = DOCKER / "entrypoint.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    entry = next(text for name, text in instructions() if name == "ENTRYPOINT")
    assert f'["{next(t.split()[1] for n, t in instructions() if "entrypoint.sh" in t and n == "COPY")}"]' == entry


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("hadolint", ["docker/Dockerfile"]),
        ("check-jsonschema", ["--builtin-schema", "vendor.compose-spec", "docker/compose.yaml"]),
        # The sourced files are on the image only.
        ("shellcheck", ["--exclude=SC1090,SC1091", "docker/entrypoint.sh"]),
    ],
)
def test_linters_find_nothing(program: str, arguments: list[str]) -> None:
    path = Path(sys.executable).parent / program
    finished = subprocess.run([str(path), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))))
def test_every_setting_is_documented(variable: str) -> None:
    assert f"`{variable}`" in (ROOT / "docs" / "docker.md").read_text(encoding="utf-8")
