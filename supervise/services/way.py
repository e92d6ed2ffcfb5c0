"""The links by which a path leads to a directory, and noticing that one of them changed.

runsvchdir switches such a link. The kernel tells of the directory that is watched, but not that
the path leads to another one now. So the directories are watched in which the links are.
"""

from __future__ import annotations

import os

from slashservice.supervise.platform import watch

MOST_LINKS = 40
"""The kernel follows no more."""


class Way:
    """The way along ``path``, which is absolute."""

    def __init__(self, watcher: watch.Watcher, path: bytes) -> None:
        self._watcher = watcher
        self._path = path
        self._places: dict[int, set[bytes]] = {}
        """The names of the links in each directory, by its number."""

    def attend(self) -> None:
        """Watch the way as it is now."""
        before, self._places = self._places, {}
        for directory, name in steps(self._path):
            try:
                number = self._watcher.add(directory, watch.ENTRIES)
            except OSError:
                continue  # too many are watched, or it is gone: it is seen at the next scan
            self._places.setdefault(number, set()).add(name)
        for number in before.keys() - self._places.keys():
            self._watcher.remove(number)

    def leads_through(self, number: int) -> bool:
        """Tell whether the directory that the watcher knows by ``number`` is on the way."""
        return number in self._places

    def changed(self, number: int, mask: int, name: bytes) -> bool:
        """Tell whether what happened in a directory may have changed the way."""
        names = self._places.get(number)
        if names is None:
            return False
        if mask & watch.IGNORED:
            del self._places[number]
        return name in names or bool(mask & (watch.GONE | watch.IGNORED))


def steps(path: bytes) -> list[tuple[bytes, bytes]]:
    """Return the links on the way: the directory of each, and its name there.

    Where the way ends too early, the last one is the entry that is missing.
    """
    found: list[tuple[bytes, bytes]] = []
    here = b"/"
    left = path.split(b"/")[::-1]
    while left and len(found) < MOST_LINKS:
        name = left.pop()
        if name in (b"", b"."):
            continue
        if name == b"..":
            here = os.path.dirname(here)
            continue
        entry = os.path.join(here, name)
        try:
            link = os.readlink(entry)
        except FileNotFoundError:
            found.append((here, name))
            break
        except OSError:
            here = entry
            continue
        found.append((here, name))
        if link.startswith(b"/"):
            here = b"/"
        left += link.split(b"/")[::-1]
    return found
