"""The programs of this package.

Until a node listens to signals itself, a Ctrl-C ends its process without a word. Python alone would print a traceback
of what it was importing.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def hume_sim() -> None:
    """Entry point `hume_sim`."""
    from hume_sim.node import main

    main()


def hume_mock() -> None:
    """Entry point `hume_mock`."""
    from hume_sim.mock import main

    main()
