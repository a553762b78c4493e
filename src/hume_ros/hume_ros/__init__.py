"""Conversions, observations, lifecycle base and diagnostics of the Hume robot stack."""
