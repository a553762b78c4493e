"""The LIBERO benchmark as a world for both systems and the control core. No ROS.

LIBERO has packages of other versions than the stack, so it runs as a child process in an environment of its own.
`LiberoProcess` speaks with it. `child` is the program over there. This file and `framing` are imported by both.
"""
