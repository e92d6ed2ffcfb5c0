"""The BSDs and macOS: the same questions, asked through ``sysctl`` and ``ps``.

Written from their manuals and sources. Tests run it on simulated systems only, and no test
has run it on a real one yet (``docs/proven.md``).
"""

from __future__ import annotations

import errno
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SPAWNS_SESSIONS = False
"""Whether ``posix_spawn`` can give the process a session of its own."""

PLATFORM: str = sys.platform

_STARTS_MOVE = PLATFORM.startswith(("freebsd", "midnightbsd", "openbsd"))
"""Whether the start of a process, as ``ps`` tells it, moves when the clock is set.

These kernels keep it by a clock that nobody can set, and add the time of the boot when they are
asked. The others (macOS, NetBSD, DragonFly) keep what the clock said as the process started.
"""

STARTS_VARY_BY = 2 if _STARTS_MOVE else 0
"""How much two answers of ``started`` about one process may differ, in its unit."""

_EMPTIES_RUN = PLATFORM.startswith(("dragonfly", "freebsd", "midnightbsd", "netbsd", "openbsd"))
"""Whether the system empties ``/var/run`` as it boots, before it starts daemons."""

KEPT = "/var/run/slashservice.life"
"""Where root keeps a random name of this life of the machine, for kernels that have none."""

MESSAGES = "/var/run/dmesg.boot"
"""What the system writes once as it boots, before accounts can start anything."""

FOLDERS = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")
"""Where ``sysctl`` and ``ps`` are. Our own PATH may lack some of these."""

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""What they get, so that dates look the same everywhere."""


def _output(*words: str) -> bytes:
    """Return what a command prints. Raises ``OSError`` if it can't be run, or is killed."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file:
        try:
            pid = _spawn(words, writing)
        finally:
            os.close(writing)
        text = file.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), words[0])
    return text


def _spawn(words: Sequence[str], output: int) -> int:
    """Start a command from one of ``FOLDERS``; return its pid. Raises ``OSError``."""
    # What it complains of is no news: a kernel may lack what we ask for.
    silence = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), silence]
    for folder in FOLDERS:
        try:
            return os.posix_spawn(
                f"{folder}/{words[0]}", list(words), ENVIRONMENT, file_actions=actions
            )
        except FileNotFoundError:
            pass
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])


def boot() -> bytes:
    """Name this life of the machine in one word; it is empty where nothing names it.

    Setting the clock must not change the name, and a boot must, even if the machine has no clock
    that runs on without power. macOS and FreeBSD have a random name. On the other BSDs root makes
    one, in a file that goes as the system boots. An account without such a file goes by another
    that is written as the system boots. The time of the boot is the last resort: it moves when
    the clock is set. Raises ``OSError`` if it can't be told now.
    """
    return _kernels_name() or _kept_name() or _kept() or _stamp() or _boottime()


def is_this_life(recorded: bytes, life: bytes) -> bool:
    """Tell whether ``recorded`` names the life that is now, of which ``life`` is the best name.

    Whoever made the record may not have had that name: it may have been another account, or an
    earlier moment. Raises ``OSError`` if it can't be told now.
    """
    names = (_kernels_name, _kept, _stamp, _boottime)
    return recorded == life or any(recorded == name() for name in names if recorded)


def _kernels_name() -> bytes:
    """Return the kernel's own random name of this life; empty if it has none, or not yet."""
    if PLATFORM == "darwin":
        text = _sysctl("-n", "kern.bootsessionuuid")
    elif PLATFORM.startswith("freebsd"):
        text = _sysctl("-nx", "kern.boot_id").rpartition(b"0x")[2]
    else:
        return b""
    return _name(text.replace(b"-", b""))


def _name(text: bytes) -> bytes:
    """Return a name of 128 bits, as hexadecimal digits; empty if ``text`` is none."""
    name = text.strip()
    named = len(name) == 32 and not name.lower().strip(b"0123456789abcdef") and name.strip(b"0")
    return name if named else b""


def _kept() -> bytes:
    """Return the name that root has made; empty if there is none."""
    if not _EMPTIES_RUN:
        return b""
    try:
        fd = os.open(KEPT, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = os.fstat(fd)
        mine = found.st_uid == 0 and not found.st_mode & 0o022
        return _name(os.read(fd, 64)) if mine else b""
    except OSError:
        return b""
    finally:
        os.close(fd)


def _kept_name() -> bytes:
    """Return the name that root has made, which we make if we are root and it is missing."""
    name = _kept()
    if name or not _EMPTIES_RUN or os.geteuid():
        return name
    new = f"{KEPT}.{os.getpid()}"
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(fd, 0o644)  # whatever the umask
            os.write(fd, os.urandom(16).hex().encode() + b"\n")
        finally:
            os.close(fd)
        try:
            os.link(new, KEPT)  # unless somebody else was first
        finally:
            os.unlink(new)
    except OSError:
        pass
    return _kept()


def _stamp() -> bytes:
    """Return a name made of which file ``MESSAGES`` is, and when it was written; empty if none."""
    try:
        found = os.stat(MESSAGES)
    except OSError:
        return b""
    return b"" if found.st_uid else b"boot-%x-%x" % (found.st_ino, found.st_mtime_ns)


def _boottime() -> bytes:
    """Return all that ``sysctl`` prints of the time of the boot, in one word."""
    text = _sysctl("-n", "kern.boottime").decode("ascii", "replace")
    return "".join(filter(str.isalnum, text)).encode()


def _sysctl(*words: str) -> bytes:
    """Return what ``sysctl`` prints; nothing where there is none."""
    try:
        return _output("sysctl", *words)
    except FileNotFoundError:
        return b""


def started(pid: int) -> int:
    """Return when process ``pid`` started, in seconds; 0 if it does not run.

    They are counted from shortly before the boot where starts move with the clock, else from
    1970. Answers about one process differ by up to ``STARTS_VARY_BY``, as the kernel adds two
    times and ``ps`` shows whole seconds. Raises ``OSError`` if it can't be told now.

    Each column has an ``-o`` of its own, because all that follows a ``=`` is a header, commas
    included. The keyword is ``state``, because OpenBSD allows no header for its alias ``stat``.
    """
    import calendar

    while True:
        booted = _booted()
        text = _output("ps", "-o", "state=", "-o", "lstart=", "-p", str(pid))
        if abs(_booted() - booted) < 0.1:  # else the clock was set meanwhile
            break
    state, _, date = text.decode("ascii", "replace").strip().partition(" ")
    if not date or state.startswith("Z"):
        return 0
    return int(calendar.timegm(time.strptime(date.strip())) - booted)


def _booted() -> float:
    """Return the Unix time at which the seconds of ``started`` begin to count.

    Where starts move that is before the machine was booted, by the clock as it is set now: these
    kernels add the time of the boot to the clock that can't be set, and get the time of day. It
    is earlier by more than the answers vary, so that none of them is 0.
    """
    while _STARTS_MOVE:
        before = time.monotonic()
        clock = time.time()
        after = time.monotonic()
        if after - before < 0.02:  # else we were kept from running in between
            return clock - after - 2 * STARTS_VARY_BY
    return 0.0


CLOCK_IS_EXACT = False
"""Whether ``now`` and ``started`` can be compared: here each has a rounding of its own."""


def now() -> int:
    """Return the time in the unit of ``started``, rounded down."""
    return int(time.time() - _booted())


def age(start: int) -> float:
    """Return how many seconds ago a process started that ``started`` has said this of."""
    return max(0.0, float(now() - start))


def can_mark() -> bool:
    """Return False: there is nothing here to mark a process by."""
    return False


def mark(number: int) -> bool:
    """Return False: there is nothing here to mark a process by."""
    return False


def unmark(pid: int) -> None:
    """Do nothing, as no process is marked."""


def find(mark: int, earliest: int, directory: bytes, spawner: int = 0) -> int:
    """Return 0: a process that is not recorded can't be found here."""
    return 0


def adopt_orphans(yes: bool) -> bool:
    """Return False: what a child leaves behind becomes that of PID 1 here."""
    return False


def thread_states(pid: int) -> set[bytes]:
    """Return nothing: nobody asks ``ps`` for it here."""
    return set()


def waits_for_disk(pid: int) -> bool:
    """Return False: nobody asks ``ps`` for it here."""
    return False


def words_of(pid: int) -> list[bytes]:
    """Return nothing: nobody asks ``ps`` for it here."""
    return []


def open_process(pid: int) -> int:
    """Raise ``OSError``: there are no descriptors for processes."""
    raise _unknown()


def exit_status(fd: int, pid: int, start: int) -> int:
    """Return -1: how a process ended is told to its parent only, or not kept."""
    return -1


def signal_process(fd: int, number: int) -> None:
    """Raise ``OSError``, as :func:`open_process` does."""
    raise _unknown()


def path_of(fd: int) -> bytes:
    """Raise ``OSError``: most of these systems don't tell the path of an open file."""
    raise _unknown()


def splice(pipe: int, file: int, size: int, offset: int) -> int:
    """Raise ``OSError``: these systems have no such call."""
    raise _unknown()


def set_oom_score(score: int) -> None:
    """Raise ``OSError``: these systems have no such score."""
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _unknown() -> OSError:
    return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
