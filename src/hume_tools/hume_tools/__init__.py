"""The hume command: what its subcommands are, the doctor, and parity."""
