"""Which services there are: those in the scan directory, and those that svscan still has besides.

A service whose link was removed is supervised until it is told to exit. Its svscan has it open,
which only root and svscan's own account can see.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin.seen import Seen, look
from slashservice.supervise.protocol import scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Everything:
    """The services of a scan directory, at one moment; ``svscan`` is the pid of its svscan, or 0.

    ``named`` are the names of those that are wanted, none for all. Of them ``unknown`` are not
    there.
    """

    def __init__(self, directory: str, named: list[str] | None = None) -> None:
        self.directory = directory
        self.svscan = scan_directory.running(os.fsencode(directory))
        self.is_drained = bool(self.svscan) and scan_directory.is_drained(
            os.fsencode(directory), self.svscan
        )
        self._linked = {os.path.basename(path): path for path in _linked(directory)}
        self._places = {**_unlinked(self.svscan, self._linked), **self._linked}
        wanted = named or sorted(self._places)
        self.unknown = [name for name in wanted if name not in self._places]
        self._seen: dict[str, Seen] = {}
        self.look_again(name for name in wanted if name in self._places)

    @property
    def services(self) -> list[Seen]:
        """What was seen of each."""
        return list(self._seen.values())

    def look_again(self, names: Iterable[str]) -> None:
        """Look at some of the services again."""
        for name in names:
            self._seen[name] = look(name, self._places[name], is_linked=name in self._linked)


def _linked(directory: str) -> list[str]:
    return [os.fsdecode(path) for path in scan_directory.services(os.fsencode(directory))]


def _unlinked(svscan: int, linked: dict[str, str]) -> dict[str, str]:
    """Return the paths of the services, without their logs, that svscan has and no link leads to.

    Each has its name; if a linked one is called so, too, its path is what it is called.
    """
    held = scan_directory.supervised_by(svscan) if svscan else None
    paths = {os.fsdecode(path) for path in held or ()}
    real = {os.path.realpath(path) for path in linked.values()} if paths else set()
    known = paths | real
    left = [path for path in paths if path not in real and os.path.dirname(path) not in known]
    return {path if (name := os.path.basename(path)) in linked else name: path for path in left}
