"""Reading YAML that may come from anywhere: whatever is wrong is one typed error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hume_core.errors import ConfigError, HumeError
from hume_core.text_files import BIGGEST_INTEGER, read_text
from hume_core.texts import shortened

_LARGEST = 1024 * 1024
_MOST_NODES = 50_000
_DEEPEST = 50


class _Loader(yaml.SafeLoader):
    """Safe, and bounded: an alias counts as often as it is expanded."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._weights: dict[int, int] = {}
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As the base class, counting nodes and their depth."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested deeper than {_DEEPEST} levels")
        alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if alias and id(node) not in self._weights:
            raise yaml.YAMLError("a value holds itself")
        if not alias:
            self._weights[id(node)] = self._weight(node)
        if self._weights[id(node)] > _MOST_NODES or len(self._weights) > _MOST_NODES:
            raise yaml.YAMLError(f"it has more than {_MOST_NODES} values")
        return node

    def construct_yaml_int(self, node: Any) -> int:
        """As the base class, up to 64 bits."""
        number = int(super().construct_yaml_int(node))
        if abs(number) > BIGGEST_INTEGER:
            raise yaml.YAMLError(f"a number is too large\n{node.start_mark}")
        return number

    def _weight(self, node: Any) -> int:
        """How many values a node stands for."""
        if isinstance(node, yaml.ScalarNode):
            return 1
        parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
        return 1 + sum(self._weights[id(part)] for part in parts)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(path: str | Path, what: str, failure: type[HumeError] = ConfigError) -> Any:
    """Content of a YAML file.

    Args:
        path: of the file.
        what: what to call it in the message, such as "limits file".
        failure: error to raise.

    Raises:
        HumeError: of the type `failure`. The file cannot be read.
    """
    try:
        text = read_text(path, failure, _LARGEST)
    except FileNotFoundError as error:
        raise failure(f"{what} '{path}' cannot be read as YAML: it does not exist") from error
    return parse_yaml(text, f"{what} '{path}'", failure)


def parse_yaml(text: str, where: str, failure: type[HumeError] = ConfigError) -> Any:
    """Content of a YAML text.

    Args:
        text: to parse.
        where: begins the message, such as "limits file 'x.yaml'".
        failure: error to raise.

    Raises:
        HumeError: of the type `failure`. It is no YAML, too large, nested too deep, or holds a number beyond 64 bits.
    """
    if len(text) > _LARGEST:
        raise failure(f"{where} has {len(text)} characters. Valid: at most {_LARGEST}")
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.YAMLError as error:
        raise failure(f"{where} cannot be read as YAML: {shortened(str(error), 500)}") from error
    except Exception as error:  # PyYAML lets out whatever the text of a date, a number or a key provokes
        raise failure(
            f"{where} cannot be read as YAML: a value in it is malformed ({shortened(str(error))})"
        ) from error
    finally:
        if loader is not None:
            loader.dispose()
