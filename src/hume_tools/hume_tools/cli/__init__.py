"""The `hume` command line."""
