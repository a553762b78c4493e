"""Datasets on disk in the LeRobot v3.0 layout."""
