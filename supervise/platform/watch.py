"""Being told what changes in a directory, instead of looking every five seconds.

The standard library has no way to inotify, so this is a thin layer over the C library's
three functions (inotify(7)), used nowhere else. With kqueue a change is seen but not what
changed; where there is neither, :func:`watcher` returns None and the caller looks.
"""

from __future__ import annotations

import os
import select
import sys

READ_SIZE = 65536

CREATE = 0x100
MOVED_TO = 0x80
MOVED_FROM = 0x40
DELETE = 0x200
CLOSE_WRITE = 0x8
ATTRIB = 0x4
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
ISDIR = 0x40000000
_ONLYDIR = 0x01000000

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


class Inotify:
    """Linux."""

    tells_names = True

    def __init__(self) -> None:
        import ctypes

        self._libc = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self.fd = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: bytes, mask: int) -> int:
        """Watch the directory at ``path`` for what ``mask`` says; return its number."""
        return self._checked(self._libc.inotify_add_watch(self.fd, path, mask | _ONLYDIR))

    def remove(self, watch: int) -> None:
        """Stop watching; that it is gone already is no trouble."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def events(self) -> list[Event]:
        """Return what happened since."""
        try:
            data = os.read(self.fd, READ_SIZE)
        except BlockingIOError:
            return []
        events = []
        at = 0
        while at < len(data):
            watch = int.from_bytes(data[at : at + 4], sys.byteorder, signed=True)
            mask = int.from_bytes(data[at + 4 : at + 8], sys.byteorder)
            size = int.from_bytes(data[at + 12 : at + 16], sys.byteorder)
            name = data[at + 16 : at + 16 + size].rstrip(b"\0")
            events.append(Event(watch, mask, name))
            at += 16 + size
        return events

    def _checked(self, result: int) -> int:
        if result < 0:
            number = self._errno()
            raise OSError(number, os.strerror(number))
        return result


class Kqueue:
    """The BSDs and macOS: an open descriptor per directory, and no names."""

    tells_names = False

    def __init__(self) -> None:
        self._queue = select.kqueue()  # type: ignore[attr-defined,unused-ignore]
        self.fd: int = self._queue.fileno()

    def add(self, path: bytes, mask: int) -> int:
        """Watch the directory at ``path``; return its number."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        s = select
        notes = s.KQ_NOTE_WRITE | s.KQ_NOTE_DELETE | s.KQ_NOTE_RENAME  # type: ignore[attr-defined,unused-ignore]
        flags = s.KQ_EV_ADD | s.KQ_EV_CLEAR  # type: ignore[attr-defined,unused-ignore]
        self._queue.control(
            [s.kevent(fd, s.KQ_FILTER_VNODE, flags, notes)],  # type: ignore[attr-defined,unused-ignore]
            0,
        )
        return fd

    def remove(self, watch: int) -> None:
        """Stop watching."""
        os.close(watch)

    def events(self) -> list[Event]:
        """Return what happened since."""
        events = []
        gone = select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME  # type: ignore[attr-defined,unused-ignore]
        for event in self._queue.control(None, 64, 0):
            mask = MOVE_SELF if event.fflags & gone else OVERFLOW
            events.append(Event(event.ident, mask, b""))
        return events


def watcher() -> Inotify | Kqueue | None:
    """Return what this kernel offers; None if that is nothing."""
    try:
        if sys.platform == "linux":
            return Inotify()
        if hasattr(select, "kqueue"):
            return Kqueue()
    except (OSError, AttributeError, ImportError):
        pass
    return None
