"""A world that answers like LIBERO, without LIBERO."""

from __future__ import annotations

import pytest
from fake_libero import InProcess

from hume_libero.world import LiberoWorld


@pytest.fixture
def fake() -> InProcess:
    return InProcess()


@pytest.fixture
def world(fake: InProcess) -> LiberoWorld:
    found = LiberoWorld(fake, picture_size=16)
    found.open("libero_object", 1)
    found.reset(0)
    return found
