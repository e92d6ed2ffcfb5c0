"""Who besides root could change what a file or a directory is."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection

Read = Callable[[str], bytes | None]
"""Returns the content of a file of the host, ``None`` when it can't be read."""


def trusted() -> Collection[int]:
    """Return the users who may change what we work on: root, and ourselves."""
    return (0, os.geteuid())


def others(status: os.stat_result, users: Collection[int], read: Read | None) -> str:
    """Say how somebody who is none of ``users`` could change a file or a directory.

    The answer continues a sentence that begins with the path; it is empty where nobody could.
    In a sticky directory nobody can touch what belongs to others. Without ``read``, which tells
    of accounts and groups, a group that may write counts as nobody.
    """
    if status.st_uid not in users:
        return f"belongs to user {status.st_uid}"
    sticky = stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)
    if status.st_mode & stat.S_IWOTH and not sticky:
        return "can be written by everybody"
    if (
        read
        and status.st_mode & stat.S_IWGRP
        and not sticky
        and _has_members(status.st_gid, read, users)
    ):
        return f"can be written by group {status.st_gid}"
    return ""


def foreign(status: os.stat_result, users: Collection[int]) -> bool:
    """Tell whether a directory is somebody else's, or everybody's."""
    everybodys = status.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
    return status.st_uid not in users or everybodys


def _has_members(gid: int, read: Read, users: Collection[int]) -> bool:
    """Tell whether a group has any member that is none of ``users``."""
    if gid == 0:
        return False
    trusted = {str(uid) for uid in users}
    names = {"", "root"}
    for line in (read("/etc/passwd") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if len(fields) > 3 and fields[2] in trusted:
            names.add(fields[0])
        elif len(fields) > 3 and fields[3] == str(gid):
            return True
    for line in (read("/etc/group") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if len(fields) > 3 and fields[2] == str(gid):
            return any(member not in names for member in fields[3].split(","))
    return True
