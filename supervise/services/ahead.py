"""Making the files of fresh services ahead of the first scan, on another processor.

A service that is started for the first time needs a directory and four files in it, and
the file system may take longer to make these than we take for all the rest (ext4 passes over
inodes that were freed in the last minutes, one by one). The first scan does one service
after the other; so a child process of ours makes the files meanwhile, from the other end.
Whatever it can't do is left for the scan to do, or to complain about.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 32
"""From so many services on a process is worth it."""


def make(services: Sequence[bytes]) -> None:
    """Let a child make what the service directories lack, if the last of them is fresh.

    It ends by itself; nobody waits for it.
    """
    if len(services) < FEWEST or os.path.lexists(services[-1] + b"/supervise"):
        return
    # It shares our signal pipe: a signal to it would be taken for one to us.
    before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
    try:
        if os.fork() == 0:
            _make_all(services)
    except OSError:
        pass
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)


def _make_all(services: Sequence[bytes]) -> None:
    try:
        for path in reversed(services):
            for part in (path, path + b"/log"):
                try:
                    _make(part + b"/supervise")
                except OSError:
                    pass
    finally:
        os._exit(0)


def _make(path: bytes) -> None:
    """Make one supervise directory and what is in it, unless there is something already."""
    os.mkdir(path, 0o700)
    _touch(path + b"/status.new", 0o644)  # first, as it must not come behind the real one
    os.mkfifo(path + b"/control", 0o600)
    os.mkfifo(path + b"/ok", 0o600)
    _touch(path + b"/lock", 0o600)


def _touch(path: bytes, mode: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode))
