"""The lock of svscan 0.1.0: ``.svscan/lock`` in the scan directory, and its pid beside it.

Several clients take that folder for a service, so svscan makes it no more. But a svscan of that
version may still run when a later one is installed.
"""

from __future__ import annotations

import fcntl
import os
import stat

from slashservice.supervise.protocol import names


def pid(directory: bytes) -> int:
    """Return the pid that a svscan of that version wrote down, 0 if there is none."""
    try:
        fd = os.open(os.path.join(directory, names.SCANNER_PID), os.O_RDONLY | names.AT_ONCE)
        try:
            found = int(os.read(fd, 20) or b"0")
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return 0
    return max(found, 0)


def take_over(directory: bytes) -> None:
    """Remove what a svscan of that version has left; raise ``BlockingIOError`` if it runs.

    A folder with anything else in it is somebody's service, and left as it is.
    """
    path = os.path.join(directory, names.SCANNER)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _take_over(path, folder)
    except BlockingIOError:
        raise
    except OSError:
        pass  # a read-only file system, or not ours to remove
    finally:
        os.close(folder)


def _take_over(path: bytes, folder: int) -> None:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(os.path.basename(names.SCANNER_LOCK), flags, dir_fd=folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = [os.path.basename(name) for name in (names.SCANNER_PID, names.SCANNER_LOCK)]
        found = [name for name in ours if _is_plain(name, folder)]
        if set(map(os.fsencode, os.listdir(folder))) == set(found):
            for name in found:
                os.unlink(name, dir_fd=folder)
            os.rmdir(path)
    finally:
        os.close(lock)


def _is_plain(name: bytes, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
