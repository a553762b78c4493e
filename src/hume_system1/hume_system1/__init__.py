"""System 1 of Hume: visuomotor denoiser, real-time control core, and the nodes that stream joint commands."""
