"""System 1 of Hume: the denoising model, the control core and the nodes that stream joint commands."""
