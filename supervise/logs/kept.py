"""The last of many lines, of which only so many are wanted, and so many bytes can be kept."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar

    One = TypeVar("One", bound=tuple[Any, ...])
    """A line, as :data:`~slashservice.supervise.logs.choice.Line`, perhaps with more behind it."""

BYTES = 1 << 26
BYTES_EACH = 1 << 12
"""Bytes that are kept of all lines, and of each that is wanted. The more of the two counts."""


class Kept:
    """The last of the lines that are given, ``most`` of them.

    ``is_cut`` tells that there are more of them, which are so long that they can't be kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.is_cut = False
        self._room = max(BYTES, most * BYTES_EACH)

    def of(self, lines: Iterable[One]) -> list[One]:
        """Return the last of the lines."""
        kept: deque[One] = deque(maxlen=self.most)
        size = 0
        is_cut = False
        for line in lines:
            if not self.most:
                continue
            if len(kept) == self.most:
                size -= len(kept[0][2])
            kept.append(line)
            size += len(line[2])
            while size > self._room and len(kept) > 1:
                size -= len(kept.popleft()[2])
                is_cut = True
        self.is_cut |= is_cut and len(kept) < self.most
        return list(kept)
