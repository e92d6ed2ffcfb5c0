"""What is left of a service that was stopped: processes that its daemon has started.

Each daemon leads a session of its own. What stays in that session when it has ended is its own; a
process that has made itself another session can't be told from others.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.platform import processes
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen

SHOWN = 5

SECONDS_TO_FOLLOW = 1.0
"""A daemon that ends often has told its children to end as well: so long they are given for it."""

SECONDS_BETWEEN_LOOKS = 0.02

SUPERVISORS = ("svscan", "svcontainer", "supervise", "runsvdir", "runsv")
"""They keep the pipe to a log for the next start."""


def pipe_to(logger: int, home: str) -> bytes:
    """Return what the descriptors lead to that have the pipe to the log of a service.

    ``logger`` is the pid of its log, ``home`` the service's directory.
    """
    leads = processes.input_of(logger)
    # A logger among others reads from another descriptor.
    usual = os.path.realpath(os.path.join(os.fsencode(home), names.PIPE))
    return leads if leads.startswith(b"pipe:") else usual


def holders(pipe: bytes, logger: int) -> list[tuple[int, str]]:
    """Return pid and name of the processes, but for supervisors, that can write to a log."""
    found = [one for one in processes.writers(pipe) if one[0] not in (logger, os.getpid())]
    return [one for one in found if one[1] not in SUPERVISORS]


def of(leader: int) -> list[tuple[int, str]]:
    """Return pid and name of what still runs of a daemon that has ended, and does not end now."""
    deadline = time.monotonic() + SECONDS_TO_FOLLOW
    while True:
        left = [one for one in processes.of_session(leader) if one[0] != leader]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(SECONDS_BETWEEN_LOOKS)


def told(before: Seen, seen: Seen) -> list[str]:
    """Return what is to be said of the processes of a service that still run, though it is down."""
    left = of(before.pid) if before.pid and not seen.pid else []
    if not left:
        return []
    shown = ", ".join(f"{pid} ({name})" for pid, name in left[:SHOWN])
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return [f"of its processes these still run: {shown}{more}"]
