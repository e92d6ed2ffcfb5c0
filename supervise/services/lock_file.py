"""The file ``supervise/lock``: it is locked as long as a service is supervised, and has the record.

The record is described in :mod:`slashservice.supervise.protocol.record`.
"""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise.platform import posix
from slashservice.supervise.protocol import names, record
from slashservice.supervise.services import inode


def opened(path: bytes) -> int:
    """Open the file for reading and writing, made with its directory if need be."""
    # Not through a link: unlike C we write into it.
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        try:
            # As a link that leads nowhere yet, make what it leads to.
            os.mkdir(os.path.dirname(path), 0o700)
        except FileExistsError:
            pass  # made ahead of us, a moment ago
        return os.open(path, flags, 0o600)


def is_left(service: bytes, life: bytes) -> bool:
    """Tell whether a killed supervisor may have left a process of the service, or of its log.

    Or one that has died since, or whose finish script is still to be run.
    """
    return any(
        _is_left(os.path.join(part, names.LOCK), life) for part in (service, service + b"/log")
    )


def _is_left(path: bytes, life: bytes) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            found = record.parse(os.pread(fd, record.LENGTH + 1, 0))
        finally:
            os.close(fd)
        if found is None or not record.same_life(found.life, life):
            return False
        return found.mark > 0 or found.pid > 0 or found.finish
    except OSError as error:
        return posix.may_pass(error)


def make_again(path: bytes, new: bytes, held: int, directory: int) -> bytes:
    """Somebody has removed the file that ``held`` has open: make it again; return its place.

    ``directory`` is the inode of the service directory. The file is made as ``new``. It gets its
    name when it is locked and has the record, so that whoever finds it finds our daemon.
    """
    if os.path.lexists(new):
        os.unlink(new)
    fd = opened(new)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place = record.place(directory, inode.of(os.fstat(fd)))
        about = record.parse(os.pread(held, record.LENGTH, 0))
        if about:
            about.place = place
            os.pwrite(fd, about.line(), 0)
        os.link(new, path)
        os.dup2(fd, held, inheritable=False)
        return place
    finally:
        os.close(fd)
        try:
            os.unlink(new)
        except OSError:
            pass  # it is removed before the next one is made
