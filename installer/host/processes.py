"""The processes of the running machine, as far as ``/proc`` shows them.

An image has none: callers ask only where the host is live.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import termios
import time
from collections.abc import Collection


def describe(pid: int) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return a process's name, program and arguments; ``None`` for what we may not see."""
    comm = exe = None
    argv: tuple[str, ...] = ()
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            comm = file.read().strip()
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            argv = tuple(file.read().rstrip("\0").split("\0"))
        exe = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        pass
    return comm, exe, argv


def is_in_chroot() -> bool | None:
    """Tell whether PID 1 has another root directory than we; ``None`` if root can't see it."""
    try:
        return not os.path.samestat(os.stat("/proc/1/root"), os.stat("/"))
    except FileNotFoundError:
        return False
    except OSError:
        return None if os.geteuid() == 0 else False


def has_own_proc() -> bool:
    """Tell whether ``/proc`` shows our own PID namespace."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return True


def shares_root(pid: int) -> bool:
    """Tell whether a process sees the file tree we see."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
    except OSError:
        return False


def working_directory(pid: int) -> str:
    """Return where a process is, empty where that can't be seen."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def boot_time() -> float:
    """Return when this machine was booted, as files have times."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.time() - time.clock_gettime(clock)


def parent(pid: int) -> int:
    """Return the pid of a process's parent, 0 where that can't be seen."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rsplit(b")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def is_stopped(pid: int) -> bool:
    """Tell whether a process is held still, as by SIGSTOP."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def running(word: str, parents: Collection[int]) -> list[int]:
    """Return the children of ``parents`` that have ``word`` among their words."""
    try:
        pids = [int(one) for one in os.listdir("/proc") if one.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if parent(pid) in parents and word in describe(pid)[2]]


def parent_of(pid: int) -> str:
    """Say whose child a process is, as ``name (pid)``; empty where that can't be seen."""
    try:
        above = parent(pid)
        with open(f"/proc/{above}/comm", encoding="utf-8", errors="replace") as file:
            return f"{file.read().strip()} ({above})"
    except OSError:
        return ""


def unread(pid: int) -> int:
    """Return how many bytes are in the pipe that a process reads from.

    C's multilog leaves them there when told to end, and the pipe goes with C's svscan.
    """
    stdin = f"/proc/{pid}/fd/0"
    try:
        if not stat.S_ISFIFO(os.stat(stdin).st_mode):
            return 0
        fd = os.open(stdin, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(fd)
