"""Bags: rosbag2 MCAP recordings of a running stack, without a ROS graph where none is needed."""
