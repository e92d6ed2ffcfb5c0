"""Hosts of earlier svscans that are on no record any more, found by the journals they hold.

An svscan that is killed in its first scan has put its own hosts on record by then, and may not
have sent TERM to the host of the svscan before it. The new loggers would wait for that one's
journals for ever. The kernel tells in ``/proc/locks`` who holds a lock.
"""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOCKS = "/proc/locks"


def is_held(journal: int) -> bool:
    """Tell whether some logger still has this journal, newly opened, for its own."""
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(journal, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def holders(journals: set[tuple[int, int]], ours: set[int]) -> Iterator[tuple[int, int]]:
    """Yield pid and start time of the log hosts, except ``ours``, that hold such a lock.

    The journals are known by device and inode.
    """
    inodes = {b"%d" % inode for _, inode in journals}
    try:
        with open(LOCKS, "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return
    found = {
        int(words[4])
        for words in lines
        if len(words) > 5 and words[1] == b"FLOCK" and words[5].rpartition(b":")[2] in inodes
    }
    for pid in sorted(found - ours):
        start = system.started(pid) if pid > 0 else 0
        if start and _is_host(pid) and _has_one_open(pid, journals):
            yield pid, start


def _is_host(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            return b"loghost" in file.read()
    except OSError:
        return False


def _has_one_open(pid: int, files: set[tuple[int, int]]) -> bool:
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            about = os.stat(f"/proc/{pid}/fd/{fd}")
            if (about.st_dev, about.st_ino) in files:
                return True
    except OSError:
        pass
    return False
