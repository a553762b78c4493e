"""Conversions, observation gathering, quality of service, lifecycle base and diagnostics of the Hume robot stack."""
