"""Control groups, where the system has them (cgroup v2): those that services have of their own.

All services are in the group of svscan, unless somebody gives them one: a run script, a container
engine, ``systemd-run``. Such a group has also what has left the session of its daemon, and it knows
the processor time of all that have ended. See cgroups(7).
"""

from __future__ import annotations

import os

UNIFIED = b"0::"
"""What begins the line of the one hierarchy of version 2."""


def own(pids: set[int], svscan: int) -> dict[int, bytes]:
    """Return the directory of the group of each process that has another group than svscan."""
    top = _mount_point()
    common = _group(svscan) if top and svscan else b""
    if not common:
        return {}
    found = {}
    for pid in pids:
        group = _group(pid)
        # What is above svscan has much else in it.
        if group and not _is_within(common, group):
            found[pid] = top + group
    return found


def members(group: bytes) -> list[int]:
    """Return the processes in a group, and in those below it; none where that can't be seen."""
    found = []
    for folder, _, _ in os.walk(group):
        try:
            with open(os.path.join(folder, b"cgroup.procs"), "rb") as file:
                found += [int(word) for word in file.read().split()]
        except (OSError, ValueError):
            continue
    return found


def seconds(group: bytes) -> float | None:
    """Return the processor time of all that ran in a group; None where that can't be seen."""
    try:
        with open(os.path.join(group, b"cpu.stat"), "rb") as file:
            words = file.read().split()
        return int(words[words.index(b"usage_usec") + 1]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


def _is_within(group: bytes, other: bytes) -> bool:
    """Tell whether a group is the other one, or below it."""
    return (group + b"/").startswith(other.rstrip(b"/") + b"/")


def _group(pid: int) -> bytes:
    """Return the group of a process, from the top; empty where that can't be seen."""
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return b""
    return next((line[len(UNIFIED) :] for line in lines if line.startswith(UNIFIED)), b"")


def _mount_point() -> bytes:
    """Return where the hierarchy is mounted; empty if it is not."""
    try:
        with open("/proc/self/mounts", "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return b""
    return next((words[1] for words in lines if words[2:3] == [b"cgroup2"]), b"")
