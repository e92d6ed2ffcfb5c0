"""The status file: its bytes, and svstat's words for it.

Twenty bytes in runit's layout, the first 18 being daemontools': a TAI64N stamp of the last
change between up and down (12), the pid (4, little-endian, 0 when down), whether it is
paused (1), what is wanted (1: ``u``, ``d`` or 0), whether the process was sent TERM (1: 2 if that
is about to be done, and KILL is to follow), and the state (1: 0 down, 1 run, 2 finish).

runit's ``stat`` and ``pid`` beside it say the same in words.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import tai
from slashservice.supervise.protocol import names

SIZE = 20
DAEMONTOOLS_SIZE = 18
"""Bytes that daemontools itself writes; its clients read no more."""

RUN, FINISH = 1, 2
"""The state of a service that has a process. As with runsv it is *finish* even before there is one:
whoever waits for a service to be down waits for that, too."""


class Status:
    """The contents of a status file; ``stamp`` is 12 bytes of TAI64N, ``want`` one byte.

    ``termed`` is whether TERM was sent: 0, 1, or 2 if it is about to be. ``finish`` tells that the
    process is that of the finish script, or that this is about to be started. Where ``want`` is
    ``d`` as runsv writes it, ``meant`` is what is wanted, and ``exits`` tells that supervision is
    to end.
    """

    __slots__ = ("exits", "finish", "meant", "paused", "pid", "stamp", "termed", "want")

    def __init__(
        self,
        stamp: bytes,
        pid: int,
        paused: bool,
        want: bytes,
        termed: int = 0,
        finish: bool = False,
    ) -> None:
        self.stamp = stamp
        self.pid = pid
        self.paused = paused
        self.want = want
        self.termed = termed
        self.finish = finish
        self.meant = b""
        self.exits = False

    def pack(self) -> bytes:
        """Return the 20 bytes of the file."""
        return b"%b%b%c%b%c%c" % (
            self.stamp,
            self.pid.to_bytes(4, "little"),
            self.paused,
            self.want,
            self.termed,
            FINISH if self.finish else RUN if self.pid else 0,
        )

    def stat(self) -> bytes:
        """Return the words that runsv writes to ``stat``."""
        text = b"finish" if self.finish else b"run" if self.pid else b"down"
        if self.paused:
            text += b", paused"
        if self.termed == 1:
            text += b", got TERM"
        if self.pid and self.want != b"u":
            text += b", want exit" if self.exits else b", want down"
        return text + b"\n"


def unpack(data: bytes) -> Status | None:
    """Parse a file written by daemontools, runit or us; None if it is too short."""
    if len(data) < DAEMONTOOLS_SIZE:
        return None
    pid = int.from_bytes(data[12:16], "little")
    termed, state = [*data[18:SIZE], 0, 0][:2]
    return Status(
        data[:12],
        pid,
        bool(data[16]),
        data[17:18],
        termed if termed <= 2 else 0,
        finish=state == FINISH,
    )


def read(path: bytes | str) -> bytes:
    """Return the first bytes of the file at ``path``, at most ``SIZE``; raises ``OSError``."""
    fd = os.open(path, os.O_RDONLY | names.AT_ONCE)
    try:
        return os.read(fd, SIZE)
    finally:
        os.close(fd)


def words(now: Status, normally_up: bool) -> bytes:
    """Put a status into svstat's words."""
    label = int.from_bytes(now.stamp[:8], "big")
    # A stamp that makes no sense is shown as C does, which calculates in floating point.
    seconds = int(float(max(0, tai.EPOCH + int(time.time()) - label)))
    text = b"up (pid %d) " % now.pid if now.pid else b"down "
    text += b"%d seconds" % seconds
    if now.pid and not normally_up:
        text += b", normally down"
    if not now.pid and normally_up:
        text += b", normally up"
    if now.pid and now.paused:
        text += b", paused"
    if not now.pid and now.want == b"u":
        text += b", want up"
    if now.pid and now.want == b"d":
        text += b", want down"
    return text
