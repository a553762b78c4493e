"""Training loops: configuration, exact resume, the three objectives."""
