"""Launch files, robot profiles and the one description of which Hume nodes run with which parameters."""
