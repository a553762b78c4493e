"""When System 1 changes to a newer chunk."""

from __future__ import annotations

from enum import Enum


class ChunkSwitch(str, Enum):
    """When a newer chunk replaces the one in use."""

    BOUNDARY = "boundary"
    """Once the rows of the first segment made from the old chunk are over, as in the paper. Or once the old chunk no
    longer holds a whole segment."""
    AT_ONCE = "at_once"
    """With the next segment."""
