"""Stepping recorded sessions through the code of the nodes, and comparing the command streams that come of it."""
