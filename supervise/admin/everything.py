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

LOG = "/log"


class Everything:
    """The services of a scan directory, at one moment; ``svscan`` is the pid of its svscan, or 0.

    ``named`` are those that are wanted, by name or by path, none for all; of a service ``NAME``,
    ``NAME/log`` is its log. Of them ``unknown`` are not there.
    """

    def __init__(self, directory: str, named: list[str] | None = None) -> None:
        self.directory = directory
        self.svscan = scan_directory.running(os.fsencode(directory))
        self.is_drained = bool(self.svscan) and scan_directory.is_drained(
            os.fsencode(directory), self.svscan
        )
        self._linked = {os.path.basename(path): path for path in _linked(directory)}
        self._places = {**_unlinked(self.svscan, self._linked), **self._linked}
        self.unknown: list[str] = []
        wanted = list(filter(None, map(self._find, named))) if named else sorted(self._places)
        self._seen: dict[str, Seen] = {}
        self.look_again(wanted)

    @property
    def is_left_alone(self) -> bool:
        """Whether no svscan runs here, and no other supervisor, such as C's or runit's."""
        return not self.svscan and not any(one.is_supervised for one in self.services)

    @property
    def services(self) -> list[Seen]:
        """What was seen of each."""
        return list(self._seen.values())

    def look_again(self, names: Iterable[str]) -> None:
        """Look at some of the services again; those that are not there are passed over."""
        for name in names:
            if name in self._places:
                linked = name.removesuffix(LOG) in self._linked
                self._seen[name] = look(name, self._places[name], is_linked=linked)

    def _find(self, word: str) -> str:
        """Return the name of a service that is meant; empty if there is none, which is noted."""
        if word in self._places:
            return word
        path = os.path.realpath(word) if "/" in word else ""
        for name, place in list(self._places.items()):
            if path and os.path.realpath(place) == path:
                return name
            if word == name + LOG or (path and os.path.realpath(place + LOG) == path):
                self._places[name + LOG] = place + LOG
                return name + LOG
        self.unknown.append(word)
        return ""


def unlinked(directory: str, name: str) -> str:
    """Return the path of a service that svscan has though no link leads to it; or nothing."""
    linked = {os.path.basename(path): path for path in _linked(directory)}
    return _unlinked(scan_directory.running(os.fsencode(directory)), linked).get(name, "")


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
