"""Where a service directory is now.

It may be renamed at any moment, and is known by its inode alone. The kernel knows the present path
of the lock file in it, which we hold open. C's supervise has the directory as its current one.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise.platform.current import system
from slashservice.supervise.services import inode

TRIES = 10
"""How often a directory may be renamed in the moment after we have its path."""


def found(lock: int, directory: int) -> bytes:
    """Return the path of a directory by the open file ``supervise/lock`` in it; nothing if gone."""
    for _ in range(TRIES):
        try:
            path = os.path.dirname(os.path.dirname(system.path_of(lock)))
        except OSError:
            break
        if inode.at(path) == directory:
            return path
    return b""


def enter(path: bytes, lock: int, directory: int) -> None:
    """Make a directory the current one, wherever it is now; it was at ``path`` a moment ago.

    Raises ``OSError``, also if another has its path now.
    """
    for _ in range(TRIES):
        try:
            os.chdir(path)
            if inode.at(b".") == directory:
                return
        except (FileNotFoundError, NotADirectoryError):
            pass
        path = found(lock, directory) or path
    raise FileNotFoundError(errno.ENOENT, "")
