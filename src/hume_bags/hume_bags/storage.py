"""One file of a bag, whatever its storage: what it holds, and its messages block by block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from mcap.records import Channel, Message, Metadata, Schema

from hume_core.texts import shortened

_MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Block:
    """Messages that are read at once.

    Attributes:
        start, end: lowest and highest log time, ns.
        place: where it lies in the file, in the storage's own terms.
        channels: numbers of the channels that have messages in it.
        chunk: whether it is one record of the file, such as a chunk of MCAP.
    """

    start: int
    end: int
    place: tuple[int, ...]
    channels: frozenset[int]
    chunk: bool = True


@dataclass
class BagFile(ABC):
    """What a file holds. Channels, schemas and messages are described as MCAP does it, in every storage.

    Attributes:
        path: of the file, for messages to people.
        channels, schemas: by number.
        counts: messages by channel number.
        blocks: in file order.
        metadata: the metadata records in file order.
        problems: what could not be read. Grows while messages are read.
    """

    path: Path
    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @abstractmethod
    def messages(self, block: Block, channels: Collection[int]) -> list[Message]:
        """The messages of a block in file order. None, and a problem, where it is damaged.

        Args:
            block: one of the file's.
            channels: numbers of the wanted channels. Others may be left out.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def note(self, problem: str) -> None:
        """Report a problem once, and no more than `_MOST_PROBLEMS` of them."""
        if problem not in self.problems and len(self.problems) <= _MOST_PROBLEMS:
            full = len(self.problems) == _MOST_PROBLEMS
            self.problems.append(f"{self.path.name}: further problems are not listed" if full else problem)


def reason(error: BaseException) -> str:
    """What an error says, in a line."""
    return shortened(str(error) or type(error).__name__)
