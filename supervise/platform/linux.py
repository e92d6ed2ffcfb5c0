"""Linux: which process is which, as ``/proc`` tells it (proc(5)), and Linux's own calls."""

from __future__ import annotations

import errno
import os
import sys
import time

from slashservice.supervise.platform import posix

# Where this does not hold, the type checker leaves out the rest of the module.
assert sys.platform == "linux"

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

STATE, SESSION, START = 0, 3, 19
"""Indexes into the fields that ``_stat`` returns: 3, 6 and 22 in the numbering of proc(5)."""

SPAWNS_SESSIONS = True
"""Whether ``posix_spawn`` can give the process a session of its own."""


def boot() -> bytes:
    """Name this life of the machine, and the pid namespace we see of it, in one word.

    The inode of a namespace is given again once the namespace has ended. So the start time of
    its PID 1 is in the name as well, behind a last ``/``; it is left out where that process is
    hidden from us. Without ``/proc`` there is no name, and the word is empty. Raises ``OSError``
    if it can't be told now.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            machine = file.read().strip()
        name = b"%s/%d" % (machine, os.stat("/proc/self/ns/pid").st_ino)
    except OSError as error:
        _raise_if_it_may_pass(error)
        return b""
    first = _stat(1)
    return b"%s/%d" % (name, _start(first)) if first else name


def is_this_life(recorded: bytes, life: bytes) -> bool:
    """Tell whether ``recorded`` names ``life``; earlier versions left out the name's last part."""
    return recorded == life or (life.count(b"/") == 2 and recorded == life.rpartition(b"/")[0])


STARTS_VARY_BY = 0
"""How much two answers of ``started`` about one process may differ, in its unit."""


def started(pid: int) -> int:
    """Return when process ``pid`` started, in ticks since the boot; 0 if it does not run.

    Setting the clock does not move it, and every time namespace (time_namespaces(7)) is told the
    same. A zombie does not run: its work is over, even if its parent has yet to fetch the status.
    Raises ``OSError`` if it can't be told now.
    """
    fields = _stat(pid)
    return 0 if not fields or fields[STATE] in b"ZXx" else _start(fields)


CLOCK_IS_EXACT = True
"""Whether ``now`` and ``started`` can be compared: here the kernel keeps both by one clock."""


def now() -> int:
    """Return the time in the unit of ``started``, rounded down."""
    return _ticks(time.clock_gettime_ns(time.CLOCK_BOOTTIME)) - _time_ahead()


def age(start: int) -> float:
    """Return how many seconds ago a process started that ``started`` has said this of."""
    return (now() - start) / os.sysconf("SC_CLK_TCK")


SECONDS_TO_START = 5

MARK = 10
"""The resource limit whose number is the mark of a process: RLIMIT_LOCKS of setrlimit(2).

The kernel has not looked at it since 2.4.25. But it hands it on at every fork and exec, and shows
it to everybody. A program can't lose it by a new environment, directory, root or account.
"""

SLACK = 1000
"""Nanoseconds that the timer slack of a marked process is greater by, at most.

This is a second mark, as PAM sets all limits anew, for su and sudo. To read and to reset it takes
CAP_SYS_NICE. See PR_SET_TIMERSLACK in prctl(2).
"""


def can_mark() -> bool:
    """Tell whether processes can be marked here, so that one is found before it is recorded."""
    import resource

    try:
        return resource.getrlimit(MARK) == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    except (OSError, ValueError):
        return False


def mark(number: int) -> bool:
    """Mark ourselves, and what we start from now on; False where that is not possible."""
    import resource

    try:
        resource.setrlimit(MARK, (number, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return False
    try:
        from slashservice.supervise.platform import clib

        clib.prctl(clib.PR_SET_TIMERSLACK, _slack(number))
    except (ImportError, OSError):
        pass
    return True


def _slack(mark: int) -> int:
    """Return the timer slack of a process with this mark."""
    return _NORMAL_SLACK + 1 + mark % SLACK


def unmark(pid: int) -> None:
    """Take the mark from a process, 0 being ourselves; that it is gone is no trouble."""
    import resource

    infinity = resource.RLIM_INFINITY
    try:
        resource.prlimit(pid, MARK, (infinity, infinity))
        _set_slack(pid, _NORMAL_SLACK)
    except (OSError, ValueError):
        pass


def _slack_of(pid: int | str) -> int:
    """Return the timer slack of a process; 0 if it can't be told."""
    try:
        with open(f"/proc/{pid}/timerslack_ns", "rb", buffering=0) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _set_slack(pid: int, slack: int) -> None:
    fd = os.open(f"/proc/{pid}/timerslack_ns", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"%d" % slack)
    finally:
        os.close(fd)


_NORMAL_SLACK = _slack_of("self")


def find(mark: int, earliest: int, directory: bytes, spawner: int = 0) -> int:
    """Find the process that was being started in ``directory``; return its pid, 0 for none.

    It leads a session, started at ``earliest`` or later (in the unit of :func:`started`), and
    bears the mark; of several, which would be its descendants, it is the first. Failing that,
    it is the first that started within ``SECONDS_TO_START`` and bears the second mark, unless that
    belongs to another mark which it bears: there are few second ones. Failing that, it is the
    first of these that works in the directory, or has the pipe between the service and its log
    open; this is left out if ``directory`` is empty.

    ``spawner`` is the pid of what started it, itself not meant. Its child may have had no time
    yet to make a session of its own. (A caller that does not know the spawner has the lock of the
    service, which that child holds until its exec.) Raises ``OSError`` if it can't be told now.
    """
    leaders = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != spawner:
            fields = _stat(int(name))
            sessions = (name.encode(), b"%d" % (spawner or int(name)))
            if fields and fields[SESSION] in sessions and fields[STATE] not in b"ZXx":
                leaders.append((_start(fields), int(name)))
    leaders = sorted(one for one in leaders if one[0] >= earliest)
    for _, pid in leaders:
        if _mark_of(pid) == mark:
            return pid
    latest = earliest + SECONDS_TO_START * os.sysconf("SC_CLK_TCK")
    early = [pid for start, pid in leaders if start <= latest]
    for pid in early:
        if _slack_of(pid) == _slack(mark):
            other = _mark_of(pid)
            if not other or _slack(other) != _slack(mark):
                return pid
    for pid in early if directory else ():
        if (
            _is(f"/proc/{pid}/cwd", directory)
            or _is(f"/proc/{pid}/fd/0", directory + b"/../supervise/pipe")
            or _writes_to(pid, directory + b"/supervise/pipe")
        ):
            return pid
    return 0


def _mark_of(pid: int) -> int:
    """Return the mark of a process; 0 if it has none."""
    try:
        with open(f"/proc/{pid}/limits", "rb", buffering=0) as file:
            after = file.read().partition(b"Max file locks")[2].split(None, 1)
    except OSError as error:
        _raise_if_it_may_pass(error)
        return 0
    return int(after[0]) if after and after[0].isdigit() else 0


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


def adopt_orphans(yes: bool) -> bool:
    """Have what our children leave behind become ours, or no longer; False if that can't be.

    See PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    try:
        from slashservice.supervise.platform import clib

        clib.prctl(clib.PR_SET_CHILD_SUBREAPER, int(yes))
    except (ImportError, OSError):
        return False
    return True


def _stat(pid: int) -> list[bytes]:
    """Return the fields of ``/proc/PID/stat`` from the state on; none if there is no process.

    Field 2, the command, is in parentheses and may contain any bytes. Raises ``OSError`` if it
    can't be told now: whoever took a daemon for dead would start a second one.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096).rpartition(b")")[2].split()
        finally:
            os.close(fd)
    except OSError as error:
        _raise_if_it_may_pass(error)
        return []


def _start(fields: list[bytes]) -> int:
    """Return the start time from the fields of a process, in ticks since the boot.

    It is of no use in a time namespace that began to count after the process had started: the
    kernel has no negative numbers here.
    """
    return int(fields[START]) - _time_ahead()


_ahead: int | None = None


def _time_ahead() -> int:
    """Return by how many ticks the kernel shows us times since the boot too great.

    That is the offset of our time namespace. It is the same as long as we run. Raises ``OSError``
    if it can't be told now.
    """
    global _ahead
    if _ahead is None:
        try:
            with open("/proc/self/timens_offsets", "rb", buffering=0) as file:
                lines = file.read().splitlines()
        except OSError as error:  # a kernel without them
            _raise_if_it_may_pass(error)
            lines = []
        _ahead = 0
        for clock, seconds, nanoseconds in map(bytes.split, lines):
            if clock in (b"boottime", b"7"):
                _ahead = _ticks(int(seconds) * 1_000_000_000 + int(nanoseconds))
        # They are those of the namespace that our children will be in.
        if _ahead and not _is("/proc/self/ns/time", b"/proc/self/ns/time_for_children"):
            _ahead = 0
    return _ahead


def _ticks(nanoseconds: int) -> int:
    return nanoseconds * os.sysconf("SC_CLK_TCK") // 1_000_000_000


def _raise_if_it_may_pass(error: OSError) -> None:
    """Raise an error that says nothing of the process."""
    if posix.may_pass(error):
        raise error


def thread_states(pid: int) -> set[bytes]:
    """Return the states of the threads of a process, as ps(1) shows them; none if it is gone."""
    found = set()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", "rb", buffering=0) as file:
                found.add(file.read().rpartition(b")")[2].split()[0])
    except (OSError, IndexError):
        pass  # it is going
    return found


def waits_for_disk(pid: int) -> bool:
    """Tell whether a thread of the process is in a call that no signal ends."""
    return b"D" in thread_states(pid)


def words_of(pid: int) -> list[bytes]:
    """Return the words that a process was started with; none if it can't be told."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            return file.read().split(b"\0")
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


EXIT_STATUS = 49
"""Index of the wait status into the fields that ``_stat`` returns: 52 in proc(5)."""


def exit_status(fd: int, pid: int, start: int) -> int:
    """Return the wait status of a dead process that is not our child; -1 if it can't be told.

    It started at ``start``, and ``fd`` is its descriptor from :func:`open_process`. Until its
    parent has fetched the status, it is in ``/proc`` for root and its own account; after that,
    the descriptor tells it (since Linux 6.15). Raises ``OSError`` if it can't be told now.
    """
    fields = _stat(pid)
    if len(fields) > EXIT_STATUS and fields[STATE] == b"Z" and _start(fields) == start:
        status = int(fields[EXIT_STATUS])
        if status or os.geteuid() == 0:
            return status
    try:
        from slashservice.supervise.platform import pidfd
    except (ImportError, OSError):
        return -1
    return pidfd.exit_status(fd)


def signal_process(fd: int, number: int) -> None:
    """Send a signal to the process of :func:`open_process`. Raises ``OSError``."""
    _signal.pidfd_send_signal(fd, number)


def path_of(fd: int) -> bytes:
    """Return the present path of an open file. Raises ``OSError``."""
    return os.readlink(b"/proc/self/fd/%d" % fd)


def splice(pipe: int, file: int, size: int, offset: int) -> int:
    """Move up to ``size`` bytes from a pipe to a place in a file; return how many.

    Raises ``OSError``, which is a ``BlockingIOError`` if the pipe is empty.
    """
    try:
        return os.splice(pipe, file, size, offset_dst=offset, flags=os.SPLICE_F_NONBLOCK)
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
