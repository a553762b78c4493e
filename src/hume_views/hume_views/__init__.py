"""Views of a running stack and of bags: markers of the candidates, rerun, layouts for Foxglove and rviz."""
