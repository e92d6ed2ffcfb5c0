"""What can be seen of other processes, where the system has ``/proc``; elsewhere nothing is."""

from __future__ import annotations

import os

SESSION = 3
"""The place of the session among the fields of ``/proc/PID/stat`` behind the name: see proc(5)."""


def opened(pid: int) -> list[bytes] | None:
    """Return what the descriptors of a process lead to; None where that can't be seen."""
    folder = b"/proc/%d/fd/" % pid
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return None
    found = []
    for fd in descriptors:
        try:
            found.append(os.readlink(folder + fd))
        except OSError:
            continue
    return found


def of_session(leader: int) -> list[tuple[int, str]]:
    """Return pid and name of the processes in the session that the process ``leader`` began.

    Those that have ended are left out.
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
