"""Bags: rosbag2 recordings of a running stack, and the regression that steps them."""
