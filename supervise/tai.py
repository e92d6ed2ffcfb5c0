"""TAI64N: the time stamps of status files and log lines.

A label counts seconds. At the start of 1970 it was 2^62, plus the ten seconds that TAI was
ahead of UTC then. Leap seconds since then are not counted: daemontools on a POSIX clock never
counted them.
"""

from __future__ import annotations

import time

EPOCH = (1 << 62) + 10
"""The label's seconds at Unix time 0."""

LABEL_LENGTH = 25
"""Characters of a label in its external form."""

STAMP_LENGTH = 12
"""Bytes of a stamp."""


def now() -> bytes:
    """Return the time as 12 bytes: 8 of seconds and 4 of nanoseconds, big-endian."""
    return pack(time.time_ns())


def pack(unix_ns: int) -> bytes:
    """Return Unix time in nanoseconds as the 12 bytes of a TAI64N stamp."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return (EPOCH + seconds).to_bytes(8, "big") + nanoseconds.to_bytes(4, "big")


def unpack(stamp: bytes) -> int:
    """Return Unix time in nanoseconds of the 12 bytes of a TAI64N stamp."""
    seconds = int.from_bytes(stamp[:8], "big") - EPOCH
    return seconds * 1_000_000_000 + int.from_bytes(stamp[8:12], "big")


def label(stamp: bytes) -> bytes:
    """Return a stamp in its external form: ``@`` and 24 hexadecimal digits."""
    return b"@" + stamp.hex().encode()
