"""The record of a service's process: its pid, when it started, and in which life of the machine.

Pids are used again and clocks are set, so a pid alone says nothing after a restart. The
record is one line of fixed length in the lock file: the pid, its start time as the kernel
counts it, and the name of this life of the machine. As a rule the process writes it about
itself before it becomes the daemon, while it still holds the lock. So the next holder of the
lock finds the record complete (:mod:`~slashservice.supervise.services.starters`), and may adopt
the process (:mod:`~slashservice.supervise.services.adoption`). Being of fixed length the line is
overwritten in place, which a full disk can't prevent.
"""

from __future__ import annotations

from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH = 128

NAMELESS = b"-"
"""Stands for no life of the machine, in a record that no supervisor shall go on with."""

INTENT_TICKS = 500
"""A process counts as the one that was intended if it started at most this many clock ticks
after the intent (5 s at 100 Hz)."""


class Record:
    """What is known of a service's process: ``pid``, 0 for none, ``start``, ``life``.

    ``hosted`` tells that the process is a log host, with other loggers in it. ``after`` is
    only in an *intent*, which is written before the process is started: the pid that had
    been given last by then, ``start`` being the time. An intent gets the pid as soon as
    that is known, and becomes a full record when there is time to look at the process.
    """

    __slots__ = ("after", "hosted", "life", "pid", "start")

    def __init__(
        self, pid: int, start: int, life: bytes, hosted: bool = False, after: int | None = None
    ) -> None:
        self.pid = pid
        self.start = start
        self.life = life
        self.hosted = hosted
        self.after = after

    def line(self) -> bytes:
        """Compose the line of ``LENGTH`` bytes."""
        words = b"%d %d %s" % (self.pid, self.start, self.life)
        if self.hosted:
            words += b" hosted"
        if self.after is not None:
            words += b" after %d" % self.after
        return words.ljust(LENGTH - 1) + b"\n"

    def find(self, directory: bytes, environment: Sequence[bytes] = ()) -> None:
        """Complete an intent that got no pid: look for the process started in ``directory``.

        ``environment`` is what the process was given. The pid stays 0 if there is none.
        """
        if self.after is not None and not self.pid:
            latest = self.start + INTENT_TICKS
            found = system.find(self.start, latest, self.after, directory, environment)
            self.pid, self.start = found
            self.after = None

    def runs(self) -> int:
        """Return when the process started, in the unit of ``start``; 0 if it runs no more."""
        start = system.started(self.pid) if self.pid else 0
        if self.after is None:
            return start if start == self.start else 0
        return start if self.start <= start <= self.start + INTENT_TICKS else 0


def life() -> bytes:
    """Name this life of the machine; ``NAMELESS`` where the system has no name for it.

    Without a name no process is adopted.
    """
    return system.boot() or NAMELESS


def of(pid: int, life: bytes, hosted: bool = False) -> Record:
    """Return the record of the process ``pid``; 0 stands for none."""
    return Record(pid, system.started(pid), life, hosted)


def intent(life: bytes) -> Record:
    """Return the record of a process that is about to be started."""
    return Record(0, system.now(), life, after=system.last_pid())


def parse(line: bytes) -> Record | None:
    """Take a record apart; None if it is none, or only half of one."""
    words = line.split()
    if len(line) != LENGTH or len(words) < 3 or not (words[0].isdigit() and words[1].isdigit()):
        return None
    found = Record(int(words[0]), int(words[1]), words[2])
    if words[3:] == [b"hosted"]:
        found.hosted = True
    elif words[3:4] == [b"after"] and len(words) == 5 and words[4].isdigit():
        found.after = int(words[4])
    elif len(words) > 3:
        return None
    return found
