"""Being told what changes in a directory, instead of looking every five seconds.

The words are inotify's. :func:`~slashservice.supervise.platform.current.watcher` returns what
the kernel offers: with kqueue a change is seen but not what changed.
"""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class Loop(Protocol):
        """What calls back when a descriptor is readable: of ``loop.Loop``, all that we need."""

        def add(self, fd: int, readable: Callable[[], None]) -> None:
            """Call ``readable`` whenever ``fd`` can be read."""


MODIFY = 0x2
ATTRIB = 0x4
CLOSE_WRITE = 0x8
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
ISDIR = 0x40000000

ENTRIES = CREATE | MOVED_TO | MOVED_FROM | DELETE | DELETE_SELF | MOVE_SELF
"""Entries come and go, or the directory itself does."""

CONTENT = CREATE | MOVED_TO | CLOSE_WRITE | ATTRIB
"""Something is being put into the directory."""

GONE = DELETE_SELF | MOVE_SELF | UNMOUNT
"""The directory is not, or no longer, where it was."""


class Event:
    """What happened: in which directory (as ``add`` numbered it), what, to which entry.

    An empty name with ``OVERFLOW`` means that anything may have changed.
    """

    __slots__ = ("mask", "name", "watch")

    def __init__(self, watch: int, mask: int, name: bytes) -> None:
        self.watch = watch
        self.mask = mask
        self.name = name


class Watcher:
    """Watches directories. ``fd`` is readable when something has happened.

    ``tells_names`` is whether an event says which entry changed, and how.
    """

    fd: int
    tells_names: bool

    def listen(self, loop: Loop, changed: Callable[[Sequence[Event]], None]) -> None:
        """Have ``loop`` call ``changed`` with what happened, whenever something has."""
        loop.add(self.fd, lambda: changed(self.events()))

    def wait(self, seconds: float) -> None:
        """Wait until something happens, so many seconds at most."""
        select.select([self.fd], [], [], seconds)

    def add(self, path: bytes, mask: int) -> int:
        """Watch the directory at ``path`` for what ``mask`` says; return its number.

        Raises ``OSError``.
        """
        raise NotImplementedError

    def remove(self, watch: int) -> None:
        """Stop watching; that it is gone already is no trouble."""
        raise NotImplementedError

    def events(self) -> list[Event]:
        """Return what happened since."""
        raise NotImplementedError
