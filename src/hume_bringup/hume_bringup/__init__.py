"""Launch files, robot profiles and the one description of the Hume nodes."""
