#!/usr/bin/env bash
# Sources ROS and the workspace, then runs what the container was told to run.
set -eo pipefail
source "/opt/ros/$ROS_DISTRO/setup.bash"
source /opt/hume/install/setup.bash
export PYTHONPATH="/opt/hume/python:$PYTHONPATH"
exec "$@"
