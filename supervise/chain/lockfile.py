"""A lock on a file. A descriptor holds it, and the child inherits the descriptor."""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise.chain.pending import PENDING


def open_for(file: bytes) -> int:
    """Open ``file`` for locking; make it if it is missing, never change it. Raises ``OSError``."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
    fd = PENDING.allowed(os.open(file, flags, 0o600))
    os.set_inheritable(fd, True)
    return fd


def lock(fd: int, wait: bool) -> None:
    """Lock the file that ``fd`` is open on, against all others. Raises ``OSError``."""
    fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
