"""The last lines of a log, read from its newest file to its oldest, as far as it takes."""

from __future__ import annotations

from slashservice.supervise.logs.kept import Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.logs.choice import Choice, Line

LOOK_BACK = 1 << 20
"""Bytes in which the time of lines is looked for that begin a file without having stamps."""


class Backwards:
    """Takes the lines of files, the newest file first, until there are ``number`` of them.

    Lines that are before the first stamp of their file are of the time that a file before it tells.
    """

    def __init__(self, number: int, choice: Choice) -> None:
        self.is_cut = False
        self.time: int | None = None
        """The last time that was told in the newest file that tells one."""
        self._number = number
        self._choice = choice
        self._found: list[Line] = []
        self._untold: list[Line] = []
        """Lines whose time is not known; they are older than those that are found."""
        self._looked_back = 0

    def take(self, lines: Iterable[Line]) -> list[Line]:
        """Return the last of the lines of a file, of which so many are still wanted."""
        kept = Kept(self._number - len(self._found))
        taken = kept.of(lines)
        self.is_cut |= kept.is_cut
        return taken

    def add(self, lines: list[Line], time: int | None, size: int) -> None:
        """Add what ``take`` returned of a file of this size; ``time`` is its last one, or None."""
        if time is None:
            self._untold = self._last([*lines, *self._untold])
        else:
            told = sum(line[0] is None for line in lines)
            self._tell(time)
            self._found = self._last([*lines[told:], *self._found])
            self._untold = lines[:told]
            self.time = time if self.time is None else self.time
        if len(self._untold) + len(self._found) >= self._number:
            self._looked_back += size

    def is_enough(self) -> bool:
        """Tell whether no more files need to be read."""
        return len(self._found) >= self._number or self._looked_back > LOOK_BACK

    def lines(self) -> list[Line]:
        """Return the lines. Those whose time no file tells count as older than all others."""
        self._tell(0)
        return self._found

    def _tell(self, time: int) -> None:
        """Learn the time of the lines that had none."""
        if self._choice.takes_time(time):
            told = [(time, *line[1:]) for line in self._untold]
            self._found = self._last([*told, *self._found])
        self._untold = []

    def _last(self, lines: list[Line]) -> list[Line]:
        return lines[max(0, len(lines) - self._number) :]
