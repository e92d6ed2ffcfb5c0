"""The BSDs and macOS tell that a directory changes, but not what changes in it."""

from __future__ import annotations

import os
import select
import sys

from slashservice.supervise.platform.watch import MOVE_SELF, OVERFLOW, Event, Watcher

# Where this does not hold, the type checker leaves out the rest of the module.
assert sys.platform != "linux"

MOST_EVENTS = 64
"""How many events are taken at a time."""

GONE = select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME


class Kqueue(Watcher):
    """A kernel queue (kqueue(2)), with an open descriptor for each directory."""

    tells_names = False

    def __init__(self) -> None:
        self._queue = select.kqueue()
        self.fd: int = self._queue.fileno()

    def add(self, path: bytes, mask: int) -> int:
        """Watch the directory at ``path``; return its number."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        notes = select.KQ_NOTE_WRITE | GONE
        flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
        self._queue.control([select.kevent(fd, select.KQ_FILTER_VNODE, flags, notes)], 0)
        return fd

    def remove(self, watch: int) -> None:
        """Stop watching."""
        os.close(watch)

    def events(self) -> list[Event]:
        """Return what happened since."""
        events = []
        for event in self._queue.control(None, MOST_EVENTS, 0):
            mask = MOVE_SELF if event.fflags & GONE else OVERFLOW
            events.append(Event(event.ident, mask, b""))
        return events
