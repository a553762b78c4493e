"""The programs of this package.

Until a node listens to signals itself, a Ctrl-C ends its process without a word. Python alone would print a traceback
of what it was importing.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def system2_node() -> None:
    """Entry point `system2_node`."""
    from hume_system2.node import main

    main()
