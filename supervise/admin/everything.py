"""Which services there are: those in the scan directory, and those that svscan still has besides.

A service whose link was removed is supervised until it is told to exit. Its svscan has it open,
which only root and svscan's own account can see.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin.seen import Seen, deleted, look
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
        held, self._pids = _held(self.svscan)
        self._places = {**_unlinked(held, self._linked), **self._linked}
        self._deleted = _deleted(self._pids, self._places)
        """The paths of services that were deleted while svscan has them, by name."""
        self._places = {**self._deleted, **self._places}
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
            linked = name.removesuffix(LOG) in self._linked
            if name in self._deleted:
                where = self._deleted[name]
                self._seen[name] = deleted(name, where, self._pids, is_linked=linked)
            elif name in self._places:
                self._seen[name] = look(name, self._places[name], is_linked=linked)

    def _find(self, word: str) -> str:
        """Return the name of a service that is meant; empty if there is none, which is noted."""
        if word in self._places:
            return word
        bare = word.rstrip("/")
        if bare in self._places and not os.path.isdir(word):
            return bare
        path = os.path.realpath(word) if "/" in word or word in (".", "..") else ""
        for name, place in list(self._places.items()):
            if path and os.path.realpath(place) == path:
                return name
            if bare == name + LOG or (path and os.path.realpath(place + LOG) == path):
                self._places[name + LOG] = place + LOG
                return name + LOG
        self.unknown.append(word)
        return ""


def unlinked(directory: str, name: str) -> str:
    """Return the path of a service that svscan has though no link leads to it; or nothing."""
    linked = {os.path.basename(path): path for path in _linked(directory)}
    held, pids = _held(scan_directory.running(os.fsencode(directory)))
    found = {**_deleted(pids, linked), **_unlinked(held, linked)}
    main = found.get(name.removesuffix(LOG), "")
    return found.get(name, "") or (main and main + LOG)


def still_has(directory: str, path: str) -> Seen | None:
    """Return what is known of a service whose directory was deleted while svscan has it."""
    _, pids = _held(scan_directory.running(os.fsencode(directory)))
    real = os.path.realpath(path)
    return deleted(os.path.basename(path), real, pids, is_linked=True) if real in pids else None


def _linked(directory: str) -> list[str]:
    return [os.fsdecode(path) for path in scan_directory.services(os.fsencode(directory))]


def _held(svscan: int) -> tuple[set[str], dict[str, int]]:
    """Return the paths of the services and logs that svscan has, and those of deleted ones.

    Of the latter the pids are known.
    """
    paths, gone = (scan_directory.held_by(svscan) if svscan else None) or ([], {})
    return set(map(os.fsdecode, paths)), {os.fsdecode(path): pid for path, pid in gone.items()}


def _deleted(pids: dict[str, int], places: dict[str, str]) -> dict[str, str]:
    """Return the paths of deleted services, without their logs, by the names to show them under.

    It is the name of a link that leads nowhere now; or that of the directory. If another service is
    called so by now, the path tells them apart.
    """
    nowhere = {os.path.realpath(path): name for name, path in places.items()} if pids else {}
    found = {}
    for path in pids:
        if path.endswith(LOG) and os.path.dirname(path) in pids:
            continue
        name = nowhere.get(path, "")
        if not name or os.path.lexists(path):
            name = os.path.basename(path)
            name = f"{path} (deleted)" if name in places else name
        found[name] = path
    return found


def _unlinked(paths: set[str], linked: dict[str, str]) -> dict[str, str]:
    """Return the paths of the services, without their logs, that svscan has and no link leads to.

    Each has its name; if a linked one is called so, too, its path is what it is called. Of a
    service that is given up already its log may be left: that is called ``NAME/log``.
    """
    real = {os.path.realpath(path) for path in linked.values()} if paths else set()
    known = paths | real
    left = [path for path in paths if path not in real and os.path.dirname(path) not in known]
    found = {}
    for path in left:
        main = scan_directory.main_of(path)
        name = os.path.basename(main)
        found[path if name in linked else name + path[len(main) :]] = path
    return found
