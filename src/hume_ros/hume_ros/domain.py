"""Choosing a ROS domain that nobody on this machine uses."""

from __future__ import annotations

import os
import socket

_PORT_BASE, _DOMAIN_GAIN = 7400, 250  # DDS-RTPS 2.2, section 9.6.1
_HIGHEST = 101


def free_domain() -> int:
    """A domain from 1 to 101 whose discovery port is free here, spread by process id."""
    start = os.getpid() % _HIGHEST
    for k in range(_HIGHEST):
        domain = (start + k) % _HIGHEST + 1
        if _is_free(_PORT_BASE + _DOMAIN_GAIN * domain + 10):
            return domain
    return start + 1


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
