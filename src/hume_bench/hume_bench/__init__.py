"""Benchmarks behind `hume bench`."""
