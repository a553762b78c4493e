"""The hume command: doctor, demo, up, parity, bench."""
