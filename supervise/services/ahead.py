"""Making the files of fresh services ahead of the first scan, on another processor.

A service that is started for the first time needs a directory and four files in it, and
the file system may take longer to make these than we take for all the rest (ext4 passes over
inodes that were freed in the last minutes, one by one). The first scan goes through the
services one by one. Meanwhile a child process of ours makes the files, beginning with the
last service. If it fails, the scan makes them itself, or complains.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.protocol import names
from slashservice.supervise.services.status_file import NEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.services.heritage import Heritage

FEWEST = 32
"""With fewer services than this, a process costs more than it saves."""


def make(heritage: Heritage, services: Sequence[bytes]) -> None:
    """Let a child make what the service directories lack, if the last of them is fresh.

    It ends by itself; nobody waits for it. It keeps nothing of ours.
    """
    if len(services) < FEWEST or os.path.lexists(os.path.join(services[-1], names.SUPERVISE)):
        return
    # It shares our signal pipe: a signal to it would be taken for one to us.
    before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
    try:
        if os.fork() == 0:
            _make_all(heritage, services)
    except OSError:
        pass
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)


def _make_all(heritage: Heritage, services: Sequence[bytes]) -> None:
    try:
        heritage.let_go(set())
        for path in reversed(services):
            for part in (path, path + b"/log"):
                try:
                    _make(part)
                except OSError:
                    pass
    finally:
        os._exit(0)


def _make(service: bytes) -> None:
    """Make the supervise directory and what is in it, unless there is something already."""
    os.mkdir(os.path.join(service, names.SUPERVISE), 0o700)
    # At once: made after the scan has renamed its own, an empty one would stay there.
    _touch(os.path.join(service, NEW), 0o644)
    os.mkfifo(os.path.join(service, names.CONTROL), 0o600)
    os.mkfifo(os.path.join(service, names.OK), 0o600)
    _touch(os.path.join(service, names.LOCK), 0o600)


def _touch(path: bytes, mode: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode))
