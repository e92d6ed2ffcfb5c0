"""A limit on descriptors that is in force only for what our commands open for the child.

``softlimit -o5`` in a chain must not keep us from reading our own code, yet the commands
behind it have to find that the sixth descriptor can't be had, as they would in C.
"""

from __future__ import annotations

import os

limit: int | None = None
"""Descriptors from this number on do not exist; None leaves it to the kernel."""


def allowed(fd: int) -> int:
    """Return ``fd``, just opened; close it and raise ``OSError`` if the limit forbids it."""
    if limit is not None and fd >= limit:
        from errno import EMFILE

        os.close(fd)
        raise OSError(EMFILE, os.strerror(EMFILE))
    return fd
