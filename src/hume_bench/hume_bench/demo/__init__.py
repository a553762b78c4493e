"""`hume demo`: the simulated arm with both systems, and its figures."""
