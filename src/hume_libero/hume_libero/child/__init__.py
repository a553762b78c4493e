"""The program that runs in LIBERO's own environment. It imports nothing of the stack but `hume_libero.framing`."""
