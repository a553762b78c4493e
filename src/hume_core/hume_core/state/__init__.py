"""The parts of `observation.state`: what they mean and how they are written."""
