"""Closed-loop evaluation in the simulator, without ROS."""
