"""Accounts: looking them up, and what their numbers are used for."""

from __future__ import annotations

import os
import pwd


def look_up(name: bytes) -> tuple[int, int] | None:
    """Return the user and group number of account ``name``; None if there is no such account."""
    try:
        entry = pwd.getpwnam(os.fsdecode(name))
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def settings(user: int, group: int) -> list[bytes]:
    """Return GID and UID as settings for :func:`environment.changed`, in C's order."""
    return [b"GID=%d" % group, b"UID=%d" % user]
