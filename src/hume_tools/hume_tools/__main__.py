"""`python -m hume_tools`: the `hume` command."""

from hume_tools.cli import main

main()
