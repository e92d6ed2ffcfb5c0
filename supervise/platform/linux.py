"""Linux: which process is which, as ``/proc`` tells it (proc(5)), and Linux's own calls."""

from __future__ import annotations

import errno
import os
import sys
import time

# Where this does not hold, the type checker leaves out the rest of the module.
assert sys.platform == "linux"

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Sequence
else:
    import _signal

STATE, PARENT, SESSION, START = 0, 1, 3, 19
"""Indexes into the fields that ``_stat`` returns: 3, 4, 6 and 22 in the numbering of proc(5)."""

MOST_PIDS = 1 << 22
"""The largest ``pid_max`` that the kernel allows; assumed where it can't be read."""

CAN_FIND = True
"""Whether a process that was started, but not yet recorded, can be found."""

SPAWNS_SESSIONS = True
"""Whether ``posix_spawn`` can give the process a session of its own."""


def boot() -> bytes:
    """Name this life of the machine, and the pid namespace we see of it, in one word.

    Without ``/proc`` there is no name, and the word is empty.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            machine = file.read().strip()
        return b"%s/%d" % (machine, os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return b""


def started(pid: int) -> int:
    """Return when process ``pid`` started, in the kernel's own unit; 0 if it does not run.

    A zombie does not run: its work is over, even if its parent has yet to fetch the status.
    """
    fields = _stat(pid)
    return 0 if not fields or fields[STATE] in b"ZXx" else int(fields[START])


def now() -> int:
    """Return the time in the unit of ``started``, rounded down."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK") // 1_000_000_000


def last_pid() -> int:
    """Return the pid of the newest process; 0 where the kernel does not tell it."""
    try:
        with open("/proc/loadavg", "rb", buffering=0) as file:
            return int(file.read().split()[4])
    except (OSError, ValueError, IndexError):
        return 0


def _pid_max() -> int:
    """Return the number that all pids stay below. Having come so far, they begin anew."""
    try:
        with open("/proc/sys/kernel/pid_max", "rb", buffering=0) as file:
            return int(file.read())
    except (OSError, ValueError):
        return MOST_PIDS


def find(
    earliest: int, latest: int, after: int, directory: bytes, environment: Sequence[bytes]
) -> tuple[int, int]:
    """Find the process that was being started in ``directory``; return pid and start time.

    Times are in the unit of ``started``. The process leads a session, started at ``earliest``
    or later, and works in the directory or has the pipe between a service and its log open:
    a log service for its input, a service otherwise.

    Failing that, it is the first orphan (child of PID 1 or of our parent) that started until
    ``latest``, with a later pid than ``after``, has at least our ``environment`` and belongs
    to no other service. ``(0, 0)`` if there is none.
    """
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields and fields[SESSION] == name.encode() and fields[STATE] not in b"ZXx":
                found.append((int(fields[START]), int(name), int(fields[PARENT])))
    found = sorted(one for one in found if one[0] >= earliest)
    for start, pid, _ in found:
        if (
            _is(f"/proc/{pid}/cwd", directory)
            or _is(f"/proc/{pid}/fd/0", directory + b"/../supervise/pipe")
            or _writes_to(pid, directory + b"/supervise/pipe")
        ):
            return pid, start
    pid_max = _pid_max()
    for start, pid, parent in found:
        if (
            start <= latest
            and _was_given_later(pid, after, pid_max)
            and parent in (1, os.getppid())
            and pid != os.getsid(0)
            and _was_given(pid, environment)
            and not _is_of_another(pid)
        ):
            return pid, start
    return 0, 0


def _was_given_later(pid: int, other: int, pid_max: int) -> bool:
    """Tell whether ``pid`` was given after ``other``; pids go in a circle, 0 is before all."""
    return not other or 0 < (pid - other) % pid_max < pid_max // 2


def _was_given(pid: int, environment: Sequence[bytes]) -> bool:
    """Tell whether a process has at least this environment. An empty one is no match."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            return bool(environment) and {*file.read().split(b"\0")}.issuperset(environment)
    except OSError:
        return False


def _is_of_another(pid: int) -> bool:
    """Tell whether a process is a log host, works in a service directory, or has a log's pipe.

    Such a process belongs to a service that the killed svscan had started just before.
    """
    process = f"/proc/{pid}"
    try:
        with open(f"{process}/cmdline", "rb", buffering=0) as file:
            if b"loghost" in file.read():
                return True
        links = [os.readlink(f"{process}/fd/{fd}") for fd in os.listdir(f"{process}/fd")]
    except OSError:
        return True  # it has gone, or is changing
    pipes = any(link.endswith("/supervise/pipe") for link in links)
    return pipes or os.path.exists(f"{process}/cwd/supervise/lock")


def _writes_to(pid: int, pipe: bytes) -> bool:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    return any(_is(f"/proc/{pid}/fd/{fd}", pipe) for fd in descriptors if fd != "0")


def _is(path: str, other: bytes) -> bool:
    """Tell whether two paths lead to the same file; False if one leads nowhere."""
    try:
        return os.path.samestat(os.stat(path), os.stat(other))
    except OSError:
        return False


def _stat(pid: int) -> list[bytes]:
    """Return the fields of ``/proc/PID/stat`` from the state on; none if there is no process.

    Field 2, the command, is in parentheses and may contain any bytes.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096).rpartition(b")")[2].split()
        finally:
            os.close(fd)
    except OSError:
        return []


def open_process(pid: int) -> int:
    """Return a descriptor for a process; it is readable once the process is dead.

    Raises ``OSError``. Kernels before 5.3 have no such descriptors, and neither has a Python
    that was built with the headers of one.
    """
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        raise _unknown() from None


def signal_process(fd: int, number: int) -> None:
    """Send a signal to the process of :func:`open_process`. Raises ``OSError``."""
    _signal.pidfd_send_signal(fd, number)


def path_of(fd: int) -> bytes:
    """Return the present path of an open file. Raises ``OSError``."""
    return os.readlink(b"/proc/self/fd/%d" % fd)


def splice(pipe: int, file: int, size: int, offset: int) -> int:
    """Move up to ``size`` bytes from a pipe to a place in a file; return how many.

    Raises ``OSError``.
    """
    try:
        return os.splice(pipe, file, size, offset_dst=offset)
    except AttributeError:
        raise _unknown() from None


def set_oom_score(score: int) -> None:
    """Set how soon the kernel kills us when memory runs out. Raises ``OSError``."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"%d" % score)
    finally:
        os.close(fd)


def _unknown() -> OSError:
    return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
