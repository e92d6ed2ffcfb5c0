"""Telling directories and files apart: by device and inode, as C svscan does.

Names say little: two may lead to one directory, and a directory may be renamed.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    Inode = tuple[int, int]


def of(found: os.stat_result) -> Inode:
    """Return the device and inode in the result of a ``stat``."""
    return found.st_dev, found.st_ino


def at(path: bytes) -> Inode | None:
    """Return the device and inode of what ``path`` leads to; None if it can't be reached."""
    try:
        return of(os.stat(path))
    except OSError:
        return None
