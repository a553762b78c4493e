"""System 1's control core: bounded joint commands whatever arrives, whenever it arrives (numpy only, no ROS)."""
