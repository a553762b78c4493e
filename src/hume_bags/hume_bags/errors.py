"""What can be wrong with a bag."""

from hume_core.errors import HumeError


class BagError(HumeError):
    """A bag cannot be opened, written or used for what was asked."""
