"""The environment of a container: kept in files, given to no service unless it asks for it.

What starts a container puts passwords into the environment of its first process. That would hand
them on to every service, and the kernel would show them in ``/proc/1/environ``. So it is moved
into a directory of files as ``envdir`` reads them, which only our account can enter.
"""

from __future__ import annotations

import os

from slashservice.supervise.chain import environment
from slashservice.supervise.messages import write_all

PASSED = (b"PATH", b"HOME", b"LANG", b"TZ")
"""Variables that every service gets."""

PATH = b"/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where services look for programs if nobody says so."""


def passed(entries: list[bytes]) -> list[bytes]:
    """Return what every service gets of an environment."""
    kept = [entry for entry in entries if entry.partition(b"=")[0] in PASSED]
    return kept if environment.get(b"PATH", kept) else [b"PATH=" + PATH, *kept]


def keep(entries: list[bytes], directory: bytes) -> None:
    """Write a file for each variable; those of an earlier start go. Raises ``OSError``.

    envdir reads the first line of a file, and takes NUL for the end of a line in a value.
    """
    new = directory + b".new"
    _remove(new)
    os.mkdir(new, 0o700)
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if not (name and equals) or b"/" in name or name[:1] == b".":
            continue  # envdir knows no such name, and no shell either
        fd = os.open(new + b"/" + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(fd, value.replace(b"\n", b"\0") + b"\n")
        finally:
            os.close(fd)
    _remove(directory)
    os.rename(new, directory)


def _remove(directory: bytes) -> None:
    """Remove a directory of files, if it is there. Raises ``OSError``."""
    if os.path.lexists(directory):
        for name in os.listdir(directory):
            os.unlink(directory + b"/" + name)
        os.rmdir(directory)
