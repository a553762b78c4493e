"""System 2 of Hume: vision-language backbone, flow-matching action expert, value-query head, and the node that publishes action chunks."""
