"""The checkpoints that the tools take where none is named: those of the launch files."""

from hume_training.default_checkpoint import default_checkpoint, random_checkpoint, shipped_checkpoint

__all__ = ["default_checkpoint", "random_checkpoint", "shipped_checkpoint"]
