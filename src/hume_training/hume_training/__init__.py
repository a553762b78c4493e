"""Datasets, losses and training of Hume policies. ROS-free."""
