"""What is left of a service that was stopped: processes that its daemon has started.

Each daemon leads a session of its own. What stays in that session when it has ended is its own; a
process that has made itself another session can't be told from others.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen

SESSION = 3
"""The place of the session among the fields of ``/proc/PID/stat`` behind the name: see proc(5)."""

SHOWN = 5


def of_session(leader: int) -> list[tuple[int, str]]:
    """Return pid and name of the processes in the session of a process that has ended.

    Nothing where the system does not tell.
    """
    found = []
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        start, _, rest = text.rpartition(")")
        fields = rest.split()
        if fields[SESSION : SESSION + 1] == [str(leader)] and fields[0] != "Z":
            found.append((pid, start.partition("(")[2]))
    return sorted(found)


def tell(before: Seen, seen: Seen) -> None:
    """Say which processes of a service that has gone down still run."""
    if not before.pid or seen.pid:
        return
    left = of_session(before.pid)
    if left:
        shown = ", ".join(f"{pid} ({output.clean(name)})" for pid, name in left[:SHOWN])
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        output.write([f"    of its processes these still run: {shown}{more}"])
