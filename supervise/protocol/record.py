"""The record of a service's process: its pid, a time, and the life of the machine it is of.

Pids are used again and clocks are set, so a pid alone says nothing after a restart. The record
is one line of fixed length in the lock file: the pid, two times on the kernel's own clock, the
name of this life of the machine, and which directory the record was made for. Being of fixed
length the line is overwritten in place, which a full disk can't prevent.

The first time was taken before the process was started, the second one while it ran. A process
that has the same pid and started between them must be the same, as no pid is given to a second
process before the first is gone. So nobody has to look up when the process started, which is
slow while it becomes another program. Where that was looked up, both times are the same, and only
one is written.

As a rule the process writes the record about itself before it becomes the daemon. Before one is
started in the other way (:mod:`~slashservice.supervise.services.spawner`), an *intent* is
written: it has a *mark* instead of a pid, a number that the process will bear.

A service directory may be copied with all that is in it. So a record has a word for the place it
was written in: made of the device and inode of the directory and of the lock file, which no copy
has in common with its original, while a renamed directory keeps them.
"""

from __future__ import annotations

import os
from binascii import crc32

from slashservice.supervise.platform.current import system

LENGTH = 128

NOTES = b"\t\n"
"""The end of a line whose writer blanks it once the death of its process is noted.

Versions before that left the line of a dead process, and ended it with a space. They take one for
the other.
"""

NAMELESS = b"-"
"""Stands for no life of the machine, in a record that no supervisor shall go on with."""


class Record:
    """What is known of a service's process: ``pid``, 0 for none, ``life``, ``place``.

    It started at ``since`` at the earliest, at ``time`` at the latest, in the unit of
    ``system.started``. ``hosted`` tells that the process is a log host, with other loggers in it,
    ``finish`` that it is the finish script's; with no pid, that this is still to be run. ``notes``
    is whether the line ended with ``NOTES``.
    ``mark`` is 0 but in an intent. ``place`` is empty in records of versions that wrote none.
    """

    __slots__ = ("finish", "hosted", "life", "mark", "notes", "pid", "place", "since", "time")

    def __init__(
        self,
        pid: int,
        time: int,
        life: bytes,
        place: bytes = b"",
        hosted: bool = False,
        mark: int = 0,
        since: int | None = None,
        finish: bool = False,
    ) -> None:
        self.pid = pid
        self.since = time if since is None else since
        self.time = time
        self.life = life
        self.place = place
        self.hosted = hosted
        self.finish = finish
        self.notes = True
        self.mark = mark

    def line(self) -> bytes:
        """Compose the line of ``LENGTH`` bytes."""
        times = b"%d" % self.time
        if self.since != self.time:
            times = b"%d-%d" % (self.since, self.time)
        words = b"%d %s %s" % (self.pid, times, self.life)
        if self.hosted:
            words += b" hosted"
        if self.finish:
            words += b" finish"
        if self.mark:
            words += b" mark %d" % self.mark
        if self.place:
            words += b" in " + self.place
        return words.ljust(LENGTH - 2) + NOTES

    def is_for(self, place: bytes) -> bool:
        """Tell whether it was made for the directory at ``place``, and not for one it is a copy of.

        A record without a place is believed.
        """
        return self.place in (b"", place)

    def find(self, directory: bytes) -> None:
        """Complete an intent: look for the process that was started in ``directory``.

        The pid stays 0 if there is none.
        """
        if self.mark:
            self.pid = system.find(self.mark, self.time, directory)
            self.since = self.time = system.started(self.pid) if self.pid else 0
            self.mark = 0

    def runs(self) -> int:
        """Return when the process started, in the unit of ``time``; 0 if it runs no more."""
        start = system.started(self.pid) if self.pid else 0
        around = system.STARTS_VARY_BY
        return start if start and self.since - around <= start <= self.time + around else 0


def life() -> bytes:
    """Name this life of the machine; ``NAMELESS`` where the system has no name for it.

    Without a name no process is adopted.
    """
    return system.boot() or NAMELESS


def same_life(recorded: bytes, life: bytes) -> bool:
    """Tell whether a record is of ``life``, which is the life now. Raises ``OSError``."""
    return system.is_this_life(recorded, life)


def place(directory: int, lock: int) -> bytes:
    """Return the word for a place: ``directory`` and ``lock`` are each device and inode in one."""
    return b"%08x%08x" % (crc32(b"%x" % directory), crc32(b"%x" % lock))


def of(
    pid: int,
    life: bytes,
    place: bytes = b"",
    hosted: bool = False,
    since: int = 0,
    finish: bool = False,
) -> Record:
    """Return the record of the process ``pid``, which runs; 0 stands for none.

    It was started at the time ``since`` at the earliest; with 0 that is looked up.
    """
    if not pid or not since:
        start = system.started(pid) if pid else 0
        return Record(pid, start, life, place, hosted, finish=finish)
    return Record(pid, system.now(), life, place, hosted, since=since, finish=finish)


def intent(life: bytes, mark: int, place: bytes = b"") -> Record:
    """Return the record of a process that is about to be started, and will bear ``mark``."""
    return Record(0, system.now(), life, place, mark=mark)


def new_mark() -> int:
    """Return a number that no other supervisor has, in all likelihood."""
    return int.from_bytes(os.urandom(5), "little") + 1


def parse(line: bytes) -> Record | None:
    """Take a record apart; None if it is none, or only half of one."""
    words = line.split()
    if len(line) != LENGTH or len(words) < 3 or not words[0].isdigit():
        return None
    since, _, time = words[1].partition(b"-")
    if not (since.isdigit() and (time or since).isdigit()):
        return None
    found = Record(int(words[0]), int(time or since), words[2], since=int(since))
    found.notes = line.endswith(NOTES)
    rest = words[3:]
    if rest[:1] == [b"hosted"]:
        found.hosted = True
        del rest[0]
    if rest[:1] == [b"finish"]:
        found.finish = True
        del rest[0]
    if len(rest) > 1 and rest[0] == b"mark" and rest[1].isdigit():
        found.mark = int(rest[1])
        del rest[:2]
    if len(rest) > 1 and rest[0] == b"in":
        found.place = rest[1]
        del rest[:2]
    return None if rest else found
