"""Only one installer at a time works on a host or an image.

Each locks a file that root alone can open, in a folder that root alone can write to: nobody else
can hold the lock, or have us lock something else. The kernel lets go of it when the process ends,
however it ends; no command has it. The file is there only while it is locked.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import scratch
from slashservice.installer.host.descent import DIRECTORY, Place
from slashservice.installer.host.host import Host

PAUSE = 0.02
"""Seconds between two looks whether a lock is free."""

_held: list[int] = []
"""Descriptors of the locks that we hold. A fork has them, too."""


def let_go() -> None:
    """Hold no lock any more, in a fork whose parent has died."""
    while _held:
        os.close(_held.pop())


@contextlib.contextmanager
def held(host: Host, patience: float = 0) -> Iterator[None]:
    """Hold the lock of a host; :class:`Refusal` where another installer holds it.

    For ``patience`` seconds it is waited for.

    That of an image is beside that of the machine which works on it, under a name for the
    image: nothing in an image is a place that only we can write to.
    """
    folder = os.open(os.path.realpath(scratch.closed_place()), DIRECTORY)
    try:
        place = Place(folder, _name(host))
        fd = _take(place, time.monotonic() + patience)
        _held.append(fd)
        try:
            yield
        finally:
            _held.remove(fd)
            os.unlink(place.name, dir_fd=folder)
            os.close(fd)
    finally:
        os.close(folder)


def _name(host: Host) -> str:
    mine = f".{os.geteuid()}" if os.geteuid() != 0 else ""
    if host.root == "/":
        return f"slashservice{mine}.lock"
    device, inode = host.identity
    return f"slashservice{mine}.{device:x}.{inode:x}.lock"


def _take(place: Place, until: float) -> int:
    """Lock the file, which another may be about to remove; return its descriptor."""
    while True:
        fd = place.open(os.O_RDWR | os.O_CREAT, 0o600)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise Trouble(f"{place.name} can't be locked", "it is somebody else's file")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(found, place.lstat()):
                return fd
        except BlockingIOError:
            os.close(fd)
            if time.monotonic() >= until:
                raise Refusal("another slashservice installer is at work on this host") from None
            time.sleep(PAUSE)
            continue
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
