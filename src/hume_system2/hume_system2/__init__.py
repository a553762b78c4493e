"""System 2 of Hume: the thinking model and the node that publishes action chunks."""
