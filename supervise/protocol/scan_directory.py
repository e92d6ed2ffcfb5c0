"""A scan directory as its clients see it: which services it has, and whether svscan runs.

svscan holds a lock on ``names.SCANNER_LOCK`` while it runs, and has its pid in
``names.SCANNER_PID``. The constants are what the commands and the installer agree on.
"""

from __future__ import annotations

import errno
import fcntl
import os

from slashservice.supervise.protocol import names

PATH = b"/command:/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/X11R6/bin"
"""The PATH that svscanboot gives to all services."""

SECONDS_TO_DRAIN = 120
"""A drain that takes longer has failed."""


def services(directory: bytes) -> list[bytes]:
    """Return the paths of what svscan takes for services, sorted; none without a directory."""
    try:
        found = sorted(name for name in os.listdir(directory) if not name.startswith(b"."))
    except OSError:
        return []
    return [os.path.join(directory, name) for name in found]


def running(directory: bytes) -> int:
    """Return the pid of the svscan that runs on ``directory``, 0 if none does.

    The pid comes first and the lock second, so that a look does not take the lock away from
    a svscan that is just starting.
    """
    try:
        fd = os.open(os.path.join(directory, names.SCANNER_PID), os.O_RDONLY | names.AT_ONCE)
        try:
            pid = int(os.read(fd, 20) or b"0")
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return 0
    return pid if pid > 0 and is_alive(pid) and is_locked(directory) else 0


def is_locked(directory: bytes) -> bool:
    """Tell whether a svscan holds the lock of ``directory``; it may not have a pid there yet."""
    return is_held(os.path.join(directory, names.SCANNER_LOCK))


def is_held(lock: bytes) -> bool:
    """Tell whether a process has the file ``lock`` locked; true if that can't be told."""
    try:
        fd = os.open(lock, os.O_RDONLY | names.AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(fd)
    return False


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # there is one, of somebody else
    return True
