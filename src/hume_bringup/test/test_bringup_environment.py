"""Which settings of the middleware a process gets."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hume_bringup.environment import default_environment

FILE = "FASTDDS_DEFAULT_PROFILES_FILE"
SPACE = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FILE, "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "file"),
    [
        ({}, "fastdds_local.xml"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, "fastdds_local.xml"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "fastdds_local.xml"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "fastdds_network.xml"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT"}, "fastdds_network.xml"),
        ({"ROS_STATIC_PEERS": "192.0.2.1"}, "fastdds_network.xml"),
    ],
)
def test_only_who_asks_for_a_network_gets_one(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], file: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Path(default_environment()[FILE]).name == file


def test_a_file_of_the_users_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE, "/mine.xml")
    assert FILE not in default_environment()


def test_the_two_files_differ_in_the_interfaces_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    local = ElementTree.parse(default_environment()[FILE]).getroot()
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    network = ElementTree.parse(default_environment()[FILE]).getroot()
    for transport in local.iter(f"{SPACE}transport_descriptor"):
        allowed = transport.find(f"{SPACE}interfaceWhiteList")
        if allowed is not None:
            assert [address.text for address in allowed] == ["127.0.0.1"]
            transport.remove(allowed)
    assert ElementTree.canonicalize(ElementTree.tostring(local), strip_text=True) == ElementTree.canonicalize(
        ElementTree.tostring(network), strip_text=True
    )
