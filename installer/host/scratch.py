"""Where short-lived files go: a place where nobody can put something else in their place.

``TMPDIR`` and its kind may name a directory of anybody's, and the last resort of
:mod:`tempfile` is the current directory. So root does not ask for them.
"""

from __future__ import annotations

import os
import stat
import tempfile

from slashservice.installer.errors import Trouble
from slashservice.installer.host.owners import others, trusted

CLOSED = ("/run", "/var/run", "/var/lib", "/var/db")
OPEN = ("/tmp", "/var/tmp")


def place() -> str:
    """Return a directory to make files in, under names that nobody can foresee."""
    if os.geteuid() == 0:
        return _first(*CLOSED[:2], *OPEN)
    return _first(tempfile.gettempdir(), *OPEN)


def closed_place() -> str:
    """Return a directory in which nobody else can make anything, for files with known names."""
    if os.geteuid() == 0:
        return _first(*CLOSED, closed=True)
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    return _first(own, os.path.expanduser("~"), closed=True)


def folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new directory that nobody else can enter, to be removed after use."""
    return tempfile.TemporaryDirectory(
        prefix="slashservice-", dir=place(), ignore_cleanup_errors=True
    )


def _first(*paths: str, closed: bool = False) -> str:
    found = {}
    for path in paths:
        if path.startswith("/") and path not in found:
            found[path] = _unfit(path, closed)
            if not found[path]:
                return path
    said = "; ".join(f"{path} {why}" for path, why in found.items())
    raise Trouble("there is no place for short-lived files", said)


def _unfit(path: str, closed: bool) -> str:
    """Say why we may not write there, or somebody else may to what is ours; nothing if we may."""
    try:
        about = os.stat(path)
        disk = os.statvfs(path)
    except OSError as error:
        return f"can't be used ({error.strerror})"
    if not stat.S_ISDIR(about.st_mode):
        return "is no directory"
    if closed and about.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if disk.f_flag & os.ST_RDONLY:
        return "is on a file system that is mounted read-only"
    if not os.access(path, os.W_OK | os.X_OK):
        return "can't be written to by you"
    return others(about, trusted(), None)
