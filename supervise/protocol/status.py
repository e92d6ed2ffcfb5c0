"""The status file: its bytes, and svstat's words for it.

Twenty bytes in runit's layout, the first 18 being daemontools': a TAI64N stamp of the last
change between up and down (12), the pid (4, little-endian, 0 when down), whether it is
paused (1), what is wanted (1: ``u``, ``d`` or 0), whether the process was sent TERM (1), and
the state (1: 0 down, 1 run).
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import tai
from slashservice.supervise.protocol import names

SIZE = 20
DAEMONTOOLS_SIZE = 18
"""Bytes that daemontools itself writes; its clients read no more."""


class Status:
    """The contents of a status file; ``stamp`` is 12 bytes of TAI64N, ``want`` one byte."""

    __slots__ = ("paused", "pid", "stamp", "termed", "want")

    def __init__(
        self, stamp: bytes, pid: int, paused: bool, want: bytes, termed: bool = False
    ) -> None:
        self.stamp = stamp
        self.pid = pid
        self.paused = paused
        self.want = want
        self.termed = termed

    def pack(self) -> bytes:
        """Return the 20 bytes of the file."""
        return b"%b%b%c%b%c%c" % (
            self.stamp,
            self.pid.to_bytes(4, "little"),
            self.paused,
            self.want,
            self.termed,
            bool(self.pid),
        )


def unpack(data: bytes) -> Status | None:
    """Parse a file written by daemontools, runit or us; None if it is too short."""
    if len(data) < DAEMONTOOLS_SIZE:
        return None
    pid = int.from_bytes(data[12:16], "little")
    return Status(data[:12], pid, bool(data[16]), data[17:18], data[18:19] == b"\1")


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
