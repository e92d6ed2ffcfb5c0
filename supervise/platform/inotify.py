"""Linux tells what changes in a directory, and to which entry.

The standard library has no way to inotify. This is a thin layer over the C library's three
functions for it, and the only place that calls them.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise.platform.watch import OVERFLOW, Event, Watcher

READ_SIZE = 65536

ONLYDIR = 0x01000000


class Inotify(Watcher):
    """An inotify descriptor (inotify(7))."""

    tells_names = True

    def __init__(self) -> None:
        import ctypes

        self._libc = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self.fd = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: bytes, mask: int) -> int:
        """Watch the directory at ``path`` for what ``mask`` says; return its number."""
        return self._checked(self._libc.inotify_add_watch(self.fd, path, mask | ONLYDIR))

    def remove(self, watch: int) -> None:
        """Stop watching; that it is gone already is no trouble."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def events(self) -> list[Event]:
        """Return what happened since."""
        try:
            data = os.read(self.fd, READ_SIZE)
        except BlockingIOError:
            return []
        except OSError:  # no memory, perhaps: whoever is told has to look for himself
            return [Event(-1, OVERFLOW, b"")]
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
