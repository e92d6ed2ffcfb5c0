"""The status file as runit's clients read it: its words, and whether a command has taken effect.

runsv and we write 20 bytes. Of daemontools' 18 the state is told by the pid, and that TERM was
sent is not known. What is wanted is ``d`` for runsv after *once*, and zero for us and daemontools:
here anything but ``u`` counts as *not to be started again*.
"""

from __future__ import annotations

import time

from slashservice.supervise import tai
from slashservice.supervise.protocol.status import DAEMONTOOLS_SIZE, SIZE

DOWN, RUN, FINISH = 0, 1, 2
"""The states: nothing runs, the run script does, the finish script does."""

WORDS = {DOWN: b"down: ", RUN: b"run: ", FINISH: b"finish: "}

NEGATIVE = 1 << 31
"""runit takes pids from here on for negative ones, which no system has."""


class Seen:
    """What a status file says; ``stamp`` tells one run from another."""

    __slots__ = ("old", "paused", "pid", "stamp", "state", "termed", "want")

    def __init__(self, data: bytes) -> None:
        self.stamp = data[:12]
        self.pid = int.from_bytes(data[12:16], "little")
        self.paused = data[16] != 0
        self.want = data[17:18]
        self.old = len(data) < SIZE
        """Whether daemontools' supervise wrote it."""
        self.termed = not self.old and data[18] != 0
        self.state = (RUN if self.pid else DOWN) if self.old else data[19]

    @property
    def run(self) -> tuple[int, bytes]:
        """What no other run of the service has."""
        return self.pid, self.stamp


def parse(data: bytes) -> Seen | None:
    """Read a status file; None if it has another length than those of daemontools and runit."""
    return Seen(data) if len(data) in (DAEMONTOOLS_SIZE, SIZE) else None


def words(seen: Seen, name: bytes, normally_up: bool) -> bytes:
    """Put a status into the words of runit's sv; ``name`` is what the service is called."""
    label = int.from_bytes(seen.stamp[:8], "big")
    seconds = max(0, tai.EPOCH + int(time.time()) - label)
    text = WORDS.get(seen.state, b"") + name + b": "
    if seen.state != DOWN:
        pid = seen.pid if seen.pid < NEGATIVE else seen.pid + (1 << 64) - 2 * NEGATIVE
        text += b"(pid %d) " % pid
    text += b"%ds" % seconds
    up = seen.pid != 0
    if up and not normally_up:
        text += b", normally down"
    if not up and normally_up:
        text += b", normally up"
    if up and seen.paused:
        text += b", paused"
    if not up and seen.want == b"u":
        text += b", want up"
    if up and seen.want == b"d":
        text += b", want down"
    if up and seen.termed:
        text += b", got TERM"
    return text


def has_effect(letter: str, seen: Seen, before: Seen | None) -> bool:
    """Tell whether a command that was sent has taken effect, ``before`` being how it was then.

    That of ``x`` is the end of supervision, which no status tells.
    """
    up = seen.pid != 0
    wanted = seen.want == b"u"
    another = before is None or seen.run != before.run
    if letter == "u":
        return seen.state == RUN and up and wanted
    if letter == "d":
        return seen.state == DOWN and not up and not wanted
    if letter in "tk":
        if not up:  # runsv says "finish" before there is a pid of it
            return seen.state == DOWN and not wanted
        return seen.state == RUN and not seen.termed and another
    if letter == "o":
        return not wanted if up else another
    if letter == "p":
        return seen.paused or not up
    if letter == "c":
        return not (seen.paused and up)
    return letter != "x"
