"""Namespaces as people write them."""

from __future__ import annotations

from rclpy.exceptions import InvalidNamespaceException
from rclpy.validate_namespace import validate_namespace

from hume_core.errors import ConfigError


def full_namespace(namespace: str) -> str:
    """A namespace with the slash that it begins with. "/" for the root.

    Args:
        namespace: with or without slashes around it. Empty: the root.

    Raises:
        ConfigError: it is no valid one.
    """
    found = "/" + namespace.strip("/")
    try:
        validate_namespace(found)
    except InvalidNamespaceException as error:
        raise ConfigError(
            f"namespace '{namespace}' is not valid. Use letters, digits, underscores and slashes"
        ) from error
    return found
