"""Remembers what became of lines that look alike to the patterns.

A pattern knows nothing of a character that is in none of the patterns, but that it is none of its
own. With all those made one, the lines of a log have few *shapes*: most differ by numbers alone.
What is decided about a shape goes for all its lines.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


MOST_SHAPES = 1000
"""So many are remembered; then all are forgotten."""

FEWEST_LINES = 100
"""In a block with fewer lines, to look at shapes does not pay."""

PROBED = 100
"""The first lines of a block, which tell whether most of its shapes are known."""

BATCHES_WITHOUT = 16
"""For so many batches shapes are not tried again after there were too many new ones."""


class Shapes(dict[bytes, bool]):
    """What ``decide`` says of the shapes of lines, where lines are matched with ``patterns``."""

    __slots__ = ("_decide", "_idle", "_table")

    def __init__(self, patterns: Iterable[bytes], decide: Callable[[bytes], bool]) -> None:
        super().__init__()
        special = {*b"\n", *b"".join(patterns)}
        others = [number for number in range(256) if number not in special]
        self._decide = decide
        self._table = (
            bytes(others[0] if n not in special else n for n in range(256)) if others else b""
        )
        self._idle = 0 if others else -1
        """Batches until the next attempt; negative if there is no use in any."""

    def __missing__(self, shape: bytes) -> bool:
        decided = self[shape] = self._decide(shape)
        return decided

    @property
    def is_idle(self) -> bool:
        """Whether there were too many new shapes lately."""
        return self._idle != 0

    def flags(self, text: bytes, view: int) -> list[bool] | None:
        """Return for each line of ``text`` what was decided; None if there are too many shapes.

        The first ``view`` characters of a line are its shape.
        """
        if self._idle:
            self._idle -= self._idle > 0
            return None
        shapes = text.translate(self._table).split(b"\n")
        shapes.pop()
        if view < len(text):
            shapes = [shape[:view] for shape in shapes]
        known = len(self)
        flags = [*map(self.__getitem__, shapes[:PROBED])]
        if len(self) - known > PROBED // 2:
            self._idle = BATCHES_WITHOUT
            flags = []
        else:
            flags += map(self.__getitem__, shapes[PROBED:])
            if len(self) - known > len(shapes) // 8 > PROBED // 8:
                self._idle = BATCHES_WITHOUT
        if len(self) > MOST_SHAPES:
            self.clear()
        return flags or None
