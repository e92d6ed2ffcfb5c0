"""The finished files of a log directory, of which so many are kept.

Their names, ``@LABEL`` and a suffix, sort by age.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.folder import Folder


LABEL_LENGTH = 25

SECONDS_OF_TRUST = 0.1
"""How long what we know is believed. A log that fills files by the thousand a second need not
read its directory for each; any other does, as somebody may have been there meanwhile.
"""


class Finished:
    """Finished files in ``folder``; with ``current`` there are to be ``number`` at most."""

    __slots__ = ("_believed_until", "_folder", "_known", "_number")

    def __init__(self, folder: Folder, number: int) -> None:
        self._folder = folder
        self._number = number
        self._known: list[str] = []
        self._believed_until = 0.0

    def names(self) -> list[str]:
        """Return their names, oldest first. Raises the ``OSError`` of reading the directory."""
        names = self._folder.names()
        names = [name for name in names if name[0] == "@" and len(name) >= LABEL_LENGTH]
        names.sort()
        return names

    def added(self, name: str) -> None:
        """The file ``name`` is there now: remove the oldest until there are not too many.

        Raises the ``OSError`` of reading the directory or of removing.
        """
        believed = time.monotonic() < self._believed_until and name > "".join(self._known[-1:])
        if believed:
            self._known.append(name)
        else:
            self._look()
        while len(self._known) >= self._number:
            try:
                self._folder.remove(self._known[0])
            except FileNotFoundError:
                if not believed:
                    raise
                believed = False
                self._look()
            else:
                del self._known[0]

    def _look(self) -> None:
        self._known = self.names()
        self._believed_until = time.monotonic() + SECONDS_OF_TRUST

    def remove_one(self) -> bool:
        """Remove the oldest; return whether there was one that could be."""
        self._believed_until = 0.0
        try:
            self._folder.remove(self.names()[0])
        except (IndexError, OSError):
            return False
        return True
