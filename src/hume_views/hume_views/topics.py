"""Topics that the views publish."""

MARKERS = "hume/markers"
JOINTS = {"commanded": "hume/joints/commanded", "measured": "hume/joints/measured"}
"""Positions of the arm in policy order, whatever the driver's order and the controller's messages are."""
