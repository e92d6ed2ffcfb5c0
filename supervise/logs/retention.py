"""The finished files of a log directory, and how many of them are kept.

Their names, ``@LABEL`` and a suffix, sort by age.
"""

from __future__ import annotations

import time

from slashservice.supervise import tai

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.logs.folder import Folder
    from slashservice.supervise.logs.steps import Attempts, Steps


SECONDS_OF_TRUST = 0.1
"""How long a list of the files is believed.

A log that fills thousands of files a second need not read its directory for each of them. Any
other log does, as somebody else may have added or removed files meanwhile.
"""


def finished(names: Iterable[bytes]) -> list[bytes]:
    """Return those of the names that a finished file can have, oldest first."""
    return sorted(name for name in names if name[:1] == b"@" and len(name) >= tai.LABEL_LENGTH)


def link_finally(attempts: Attempts, folder: Folder, name: bytes, code: bytes) -> Steps[bytes]:
    """Link the file ``name`` to a final name, the label of this moment; return that.

    Raises ``FileNotFoundError`` if the file is gone.
    """
    while True:
        final = tai.label(tai.now()) + b"." + code
        try:
            folder.link(name, final)
        except FileNotFoundError:
            attempts.succeeded("link")
            raise
        except OSError as error:
            attempts.complain(b"unable to link to %s/" + final, "link", error)
        else:
            attempts.succeeded("link")
            return final
        yield attempts.pause


class Finished:
    """Finished files in ``folder``, of which ``most`` are kept.

    Of too many, ``at_once`` are removed for each one that is added; None: all.
    """

    __slots__ = ("_at_once", "_believed_until", "_folder", "_known", "_most")

    def __init__(self, folder: Folder, most: int, at_once: int | None = None) -> None:
        self._folder = folder
        self._most = most
        self._at_once = at_once
        self._known: list[bytes] = []
        self._believed_until = 0.0

    def names(self) -> list[bytes]:
        """Return their names, oldest first. Raises the ``OSError`` of reading the directory."""
        return finished(self._folder.names())

    @property
    def newest(self) -> bytes | None:
        """The name of the newest, or nothing if there is none; None if that isn't known now."""
        if time.monotonic() >= self._believed_until:
            return None
        return self._known[-1] if self._known else b""

    def added(self, name: bytes) -> None:
        """Learn that the file ``name`` is there now; remove the oldest of too many.

        The name is empty if it isn't known.
        Raises the ``OSError`` of reading the directory or of removing.
        """
        newest = self.newest
        believed = newest is not None and name > newest
        if believed:
            self._known += self._counted([name])
        else:
            self._look()
        surplus = len(self._known) - self._most
        if self._at_once is not None:
            surplus = min(surplus, self._at_once)
        keep = len(self._known) - surplus
        while len(self._known) > keep:
            try:
                self._remove(self._known[0])
            except FileNotFoundError:
                if not believed:
                    raise
                believed = False
                self._look()
            else:
                del self._known[0]

    def _counted(self, names: list[bytes]) -> list[bytes]:
        """Return those of the names that count, and may be removed."""
        return names

    def _remove(self, name: bytes) -> None:
        self._folder.remove(name)

    def _look(self) -> None:
        self._known = self._counted(self.names())
        self._believed_until = time.monotonic() + SECONDS_OF_TRUST

    def forget(self) -> None:
        """Believe no list from before: a file has another name."""
        self._believed_until = 0.0

    def remove_one(self) -> bool:
        """Remove the oldest; return whether there was one that could be removed."""
        self.forget()
        try:
            self._folder.remove(self.names()[0])
        except (IndexError, OSError):
            return False
        return True
