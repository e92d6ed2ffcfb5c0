"""What processes use, where the system has ``/proc``: processor time and memory, by whose they are.

A service's processes are those of its daemon's session, those that descend from it, and those in
its control group, if it has one of its own (:mod:`~slashservice.supervise.platform.cgroups`). All
processes of the machine are read at once: that takes some ten microseconds for each.

The time of a child that has ended counts as its parent's, as soon as that has waited for it.
"""

from __future__ import annotations

import os

from slashservice.supervise.platform import cgroups

PARENT, SESSION, PAGES = 1, 3, 21
TIMES = slice(11, 15)
"""Places among the fields of ``/proc/PID/stat`` behind the name, see proc(5). The times are its own
for the program and for the system, and those of its children."""

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Use:
    """What the processes of a service use: seconds of processor time, bytes of memory."""

    __slots__ = ("memory", "processes", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.memory = 0
        self.processes = 0


def of(daemons: set[int], svscan: int = 0) -> dict[int, Use]:
    """Return what each of the daemons uses, with all that it has started, by pid.

    The control group of ``svscan`` is none that one of them has of its own.
    """
    rows = _rows()
    whose: dict[int, int] = {}
    found: dict[int, Use] = {}
    groups = cgroups.own(daemons, svscan)
    members = {pid: one for one, group in groups.items() for pid in cgroups.members(group)}
    for pid, (parent, session, seconds, memory) in rows.items():
        daemon = session if session in daemons else members.get(pid, 0)
        daemon = daemon or _daemon(pid, parent, rows, daemons, whose)
        if daemon:
            use = found.setdefault(daemon, Use())
            use.seconds += seconds
            use.memory += memory
            use.processes += 1
    for daemon, group in groups.items():
        seconds_of_all = cgroups.seconds(group)
        if seconds_of_all is not None and daemon in found:
            found[daemon].seconds = seconds_of_all
    return found


Row = tuple[int, int, float, int]
"""Parent, session, seconds of processor time, and bytes of memory of a process."""


def _daemon(
    pid: int, parent: int, rows: dict[int, Row], daemons: set[int], whose: dict[int, int]
) -> int:
    """Return the daemon that a process is, or descends from; 0 for none."""
    path = []
    at = pid
    while at not in daemons and at not in whose:
        path.append(at)
        row = rows.get(at)
        if row is None or row[0] <= 1 or len(path) > len(rows):
            break
        at = row[0]
    found = at if at in daemons else whose.get(at, 0)
    for one in path:
        whose[one] = found
    return found


def _rows() -> dict[int, Row]:
    """Return parent, session, processor time and memory of all processes, by pid."""
    found: dict[int, Row] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if not name.isdigit():
            continue
        try:
            fd = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fields = os.read(fd, 1024).rpartition(b")")[2].split()
        except OSError:
            continue
        finally:
            os.close(fd)
        if len(fields) > PAGES:
            ticks = sum(map(int, fields[TIMES]))
            memory = int(fields[PAGES]) * PAGE
            found[int(name)] = (int(fields[PARENT]), int(fields[SESSION]), ticks / TICKS, memory)
    return found
