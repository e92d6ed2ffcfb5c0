"""What the threads of a process are at, where the system has /proc."""

from __future__ import annotations

import os


def waits_for_disk(pid: int) -> bool:
    """Tell whether a thread of the process is in a call that a signal does not end."""
    return b"D" in states(pid)


def states(pid: int) -> set[bytes]:
    """Return the states of the threads of a process, as ps(1) shows them; none without /proc."""
    found = set()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", "rb", buffering=0) as file:
                found.add(file.read().rpartition(b")")[2].split()[0])
    except (OSError, IndexError):
        pass  # it is going
    return found
