"""Recording demonstrations in the simulator."""
