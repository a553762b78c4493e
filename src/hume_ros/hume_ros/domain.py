"""Choosing a ROS domain that nobody on this machine uses."""

from __future__ import annotations

import os
import socket
from collections.abc import Container

_PORT_BASE, _DOMAIN_GAIN, _PARTICIPANT_GAIN = 7400, 250, 2  # DDS-RTPS 2.2, section 9.6.1
_HIGHEST = 101
_PARTICIPANTS = 20  # the first may have left where a later one still runs


def free_domain(avoid: Container[int] = ()) -> int:
    """A domain from 1 to 101 whose discovery ports are free here, spread by process id.

    Args:
        avoid: domains to use only where no other is free.
    """
    start = os.getpid() % _HIGHEST
    domains = [(start + k) % _HIGHEST + 1 for k in range(_HIGHEST)]
    for domain in sorted(domains, key=lambda domain: domain in avoid):
        first = _PORT_BASE + _DOMAIN_GAIN * domain + 10
        if all(_is_free(first + _PARTICIPANT_GAIN * k) for k in range(_PARTICIPANTS)):
            return domain
    return start + 1


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
