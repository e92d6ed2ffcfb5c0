"""The BSDs and macOS: the same questions, asked through ``sysctl`` and ``ps``.

Written from their manuals and sources. Tests run it on simulated systems only, and no test
has run it on a real one yet (``docs/proven.md``).
"""

from __future__ import annotations

import errno
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SPAWNS_SESSIONS = False
"""Whether ``posix_spawn`` can give the process a session of its own."""


FOLDERS = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")
"""Where ``sysctl`` and ``ps`` are. Our own PATH may lack some of these."""

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""What they get, so that dates look the same everywhere."""


def _output(*words: str) -> bytes:
    """Return what a command prints. Raises ``OSError`` if it can't be run."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file:
        try:
            pid = _spawn(words, writing)
        finally:
            os.close(writing)
        text = file.read()
    os.waitpid(pid, 0)
    return text


def _spawn(words: Sequence[str], output: int) -> int:
    """Start a command from one of ``FOLDERS``; return its pid. Raises ``OSError``."""
    actions = [(os.POSIX_SPAWN_DUP2, output, 1)]
    for folder in FOLDERS:
        try:
            return os.posix_spawn(
                f"{folder}/{words[0]}", list(words), ENVIRONMENT, file_actions=actions
            )
        except FileNotFoundError:
            pass
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])


def boot() -> bytes:
    """Name this life of the machine by the time at which its kernel started.

    The name is all that ``sysctl`` prints of it, in one word, and empty if that is nothing.
    """
    try:
        text = _output("sysctl", "-n", "kern.boottime").decode("ascii", "replace")
    except FileNotFoundError:
        return b""
    return "".join(filter(str.isalnum, text)).encode()


def started(pid: int) -> int:
    """Return the Unix time at which process ``pid`` started; 0 if it does not run.

    Each column has an ``-o`` of its own, because all that follows a ``=`` is a header, commas
    included. The keyword is ``state``, because OpenBSD allows no header for its alias ``stat``.
    """
    import calendar

    text = _output("ps", "-o", "state=", "-o", "lstart=", "-p", str(pid))
    state, _, date = text.decode("ascii", "replace").strip().partition(" ")
    if not date or state.startswith("Z"):
        return 0
    return calendar.timegm(time.strptime(date.strip()))


CLOCK_IS_EXACT = False
"""Whether ``now`` and ``started`` can be compared: here the clock may be set in between."""


def now() -> int:
    """Return the time in the unit of ``started``, rounded down."""
    return int(time.time())


def can_mark() -> bool:
    """Return False: there is nothing here to mark a process by."""
    return False


def mark(number: int) -> bool:
    """Return False: there is nothing here to mark a process by."""
    return False


def unmark(pid: int) -> None:
    """Do nothing, as no process is marked."""


def find(mark: int, earliest: int, directory: bytes, but: int = 0) -> int:
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
