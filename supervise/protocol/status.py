"""The status file ``supervise/status``: what every client reads.

Twenty bytes in runit's layout, the first 18 being daemontools': a TAI64N stamp of the last
change between up and down (12), the pid (4, little-endian, 0 when down), whether it is
paused, what is wanted (``u``, ``d`` or 0), whether the process was sent TERM, and the
state (0 down, 1 run).
"""

from __future__ import annotations

SIZE = 20
DAEMONTOOLS_SIZE = 18
"""What daemontools itself writes, and all that its clients read."""


class Status:
    """What a status file says; ``stamp`` is 12 bytes of TAI64N, ``want`` one byte."""

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
    """Read what daemontools, runit or we wrote; None if it is too short to be a status."""
    if len(data) < DAEMONTOOLS_SIZE:
        return None
    pid = int.from_bytes(data[12:16], "little")
    return Status(data[:12], pid, bool(data[16]), data[17:18], data[18:19] == b"\1")


def read(path: bytes | str, *, dir_fd: int | None = None) -> bytes:
    """Return the first bytes of the file at ``path``, at most ``SIZE``; raises ``OSError``."""
    import os

    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        return os.read(fd, SIZE)
    finally:
        os.close(fd)
