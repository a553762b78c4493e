"""What a chunk needs to become actions without System 1: its checkpoint's statistics."""

from __future__ import annotations

import torch

from hume_core.checkpoint import CheckpointReader, prefix_map
from hume_core.config import HumeConfig
from hume_core.normalization import NORMALIZER_NAMES
from hume_core.policy import PretrainedPolicy


class ActionUnits(PretrainedPolicy):
    """Between normalised and real units, without any network: the checkpoint may be a System 2 alone."""

    to_stored = staticmethod(prefix_map(NORMALIZER_NAMES))

    @classmethod
    def build(cls, config: HumeConfig, reader: CheckpointReader) -> ActionUnits:
        """The policy without statistics."""
        return cls(config)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next((buffer.device for buffer in self.buffers()), torch.device("cpu"))
