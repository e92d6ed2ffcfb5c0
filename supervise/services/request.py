"""A request to a log host that may have to wait until it can be sent."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Request:
    """A message to a host; if it has to wait, with copies of its descriptors.

    ``since`` is since when it waits, ``error`` why it could not be sent.
    """

    __slots__ = ("data", "descriptors", "error", "number", "since", "word")

    def __init__(self, word: bytes, number: int, data: bytes) -> None:
        self.word = word
        self.number = number
        self.data = data
        self.descriptors: list[int] = []
        self.since = 0.0
        self.error: OSError | None = None

    def keep(self, descriptors: Sequence[int]) -> None:
        """Keep copies of descriptors: all of them, or none. Raises ``OSError``."""
        try:
            for fd in descriptors:
                self.descriptors.append(os.dup(fd))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the copies."""
        while self.descriptors:
            os.close(self.descriptors.pop())
