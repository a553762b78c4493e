"""`python -m hume_tools`: the `hume` command."""

import signal

# Nothing has begun: a Ctrl-C while Python imports ends the command without a traceback.
_before = signal.getsignal(signal.SIGINT)
signal.signal(signal.SIGINT, signal.SIG_DFL)

from hume_tools.cli.main import main  # noqa: E402

signal.signal(signal.SIGINT, _before)
main()
