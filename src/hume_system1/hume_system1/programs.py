"""The programs of this package.

Until a node listens to signals itself, a Ctrl-C ends its process without a word. Python alone would print a traceback
of what it was importing.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def system1_node() -> None:
    """Entry point `system1_node`."""
    from hume_system1.node import main

    main()


def denoiser_node() -> None:
    """Entry point `denoiser_node`."""
    from hume_system1.denoiser_node import main

    main()


if __name__ == "__main__":
    denoiser_node()
