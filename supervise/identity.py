"""Which process is meant: a pid, when it started, and in which life of the machine.

Pids are used again and clocks are set, so a pid alone says nothing after a restart. The
record of a service's process is one line of fixed length in the lock file: the pid, its
start time as the kernel counts it, and the name of this life of the machine. The process
writes it about itself before it becomes the daemon, while it still holds the lock, so that
whoever gets the lock finds the record complete (see :mod:`~slashservice.supervise.kernel`).
Being of fixed length it is overwritten in place, which a full disk can't prevent.
"""

from __future__ import annotations

import os
import sys

LENGTH = 128


def boot() -> bytes:
    """Name this life of the machine, and the pid namespace we see of it, in one word."""
    if sys.platform != "linux":
        from slashservice.supervise import bsd

        return bsd.boot()
    with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
        machine = file.read().strip()
    namespace = os.stat("/proc/self/ns/pid").st_ino
    return b"%s/%d" % (machine, namespace)


def started(pid: int) -> int:
    """Return when process ``pid`` started, in the kernel's own unit; 0 if it does not run.

    A zombie does not run: what it did is over, whoever has yet to fetch its status.
    """
    if sys.platform != "linux":
        from slashservice.supervise import bsd

        return bsd.started(pid)
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        data = os.read(fd, 4096)
    except OSError:
        return 0
    finally:
        os.close(fd)
    # proc(5): the command, field 2, is in parentheses and may hold anything; 3 is the
    # state and 22 the start time in clock ticks since boot.
    fields = data[data.rindex(b")") + 2 :].split()
    return 0 if fields[0] in b"ZXx" else int(fields[19])


def record(pid: int, life: bytes) -> bytes:
    """Compose the record of process ``pid``, 0 for none: a line of ``LENGTH`` bytes."""
    start = started(pid) if pid else 0
    return (b"%d %d %s" % (pid, start, life)).ljust(LENGTH - 1) + b"\n"


def parse(line: bytes) -> tuple[int, int, bytes] | None:
    """Take a record's line apart; None if it is none, or only half of one."""
    words = line.split()
    if len(line) != LENGTH or len(words) != 3 or not (words[0].isdigit() and words[1].isdigit()):
        return None
    return int(words[0]), int(words[1]), words[2]
