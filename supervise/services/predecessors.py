"""Hosts of earlier svscans that are on no record any more, found by the journals they hold.

An svscan that is killed in its first scan has put its own hosts on record by then, and may not
have sent TERM to the host of the svscan before it. The new loggers would wait for that one's
journals for ever. The kernel tells who holds a lock.
"""

from __future__ import annotations

import fcntl

from slashservice.supervise.platform import flocks
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


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
    for pid in sorted(flocks.holders_of_any(journals) - ours):
        start = system.started(pid)
        if start and any(b"loghost" in word for word in system.words_of(pid)):
            yield pid, start
