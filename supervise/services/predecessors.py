"""Hosts of earlier svscans that are on no record any more, found by the journals they hold.

An svscan that is killed in its first scan has put its own hosts on record by then, and may not
have sent TERM to the host of the svscan before it. The new loggers would wait for that one's
journals for ever. The kernel tells who holds a lock.
"""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise.platform import flocks
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LITTLE = 1 << 18
"""Bytes of room on a disk that may be too few for a block in a journal."""


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


def waits_for_space(directory: bytes) -> bool:
    """Tell whether a logger of the log service there may have lines that found no room yet.

    It holds the journal, which can't be written, or it could open none.
    """
    path = os.path.join(directory, names.JOURNAL)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        disk = os.fstatvfs(fd)
        return is_held(fd) and disk.f_bavail * disk.f_frsize < LITTLE and disk.f_blocks > 0
    except OSError:
        return False
    finally:
        os.close(fd)


def holders(journals: set[tuple[int, int]], ours: set[int]) -> Iterator[tuple[int, int]]:
    """Yield pid and start time of the log hosts, except ``ours``, that hold such a lock.

    The journals are known by device and inode.
    """
    for pid in sorted(flocks.holders_of_any(journals) - ours):
        try:
            start = system.started(pid)
        except OSError:
            continue
        if start and any(b"loghost" in word for word in system.words_of(pid)):
            yield pid, start
