"""Names of the ways to run a model. Apart from them, so that settings need no torch."""

from __future__ import annotations

AUTO, EAGER, COMPILE, ONNX = "auto", "eager", "compile", "onnx"
ENGINE_CHOICES = (AUTO, EAGER, COMPILE, ONNX)
"""What the setting `engine` takes."""
