"""A scan directory as its clients see it: which services it has, and whether svscan runs.

svscan holds a flock on the directory itself while it runs, and has its pid in a file elsewhere
(:mod:`~slashservice.supervise.protocol.scanner_pid`). The constants are what the commands and the
installer agree on.
"""

from __future__ import annotations

import errno
import fcntl
import os

from slashservice.supervise.platform import flocks, processes
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import former, names, scanner_pid

PATH = b"/command:/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/X11R6/bin"
"""The PATH that svscanboot gives to all services."""

DELETED = os.fsencode(processes.GONE)

SUPERVISORS = (b"svscan", b"svcontainer", b"runsvdir")
"""How a process of ours that has the lock is called."""

SECONDS_OF_DRAIN = 60
"""After so long svscan kills what has not ended, unless it was given another time."""

SECONDS_TO_DRAIN = 120
"""A drain that takes longer has failed. That is twice what svscan itself gives its services."""


def services(directory: bytes) -> list[bytes]:
    """Return the paths of what svscan takes for services, sorted; none without a directory."""
    try:
        found = sorted(name for name in os.listdir(directory) if not name.startswith(b"."))
    except OSError:
        return []
    return [os.path.join(directory, name) for name in found]


def running(directory: bytes) -> int:
    """Return the pid of the svscan that runs on ``directory``, 0 if none does or none is known."""
    pid = scanner_pid.read(directory)
    if pid < 0:
        pid = -pid if is_alive(-pid) and is_locked(directory) else 0
    return pid or _holder(directory) or _former(directory)


def is_drained(directory: bytes, pid: int) -> bool:
    """Tell whether svscan ``pid`` is drained and stays: it starts nothing any more."""
    return scanner_pid.is_drained(directory, pid)


def waiting(directory: bytes) -> list[int]:
    """Return the pids of the svscans that wait until the one that runs has ended."""
    return scanner_pid.waiting(directory)


def code(directory: bytes, pid: int) -> tuple[str, str]:
    """Return the version of the code that the svscan ``pid`` runs, and the folder it is in.

    Both are empty where that is not known, as of a svscan of an older version.
    """
    version, folder = scanner_pid.code(directory, pid)
    return os.fsdecode(version), os.fsdecode(folder)


def supervised_by(pid: int) -> list[bytes] | None:
    """Return the directories of the services that svscan ``pid`` has, logs among them, sorted.

    It has the control FIFO of each open. None where that can't be seen.
    """
    found = held_by(pid)
    return None if found is None else found[0]


def main_of(path: str) -> str:
    """Return the directory of the service of which ``path`` is the log; itself if it is none."""
    folder, name = os.path.split(path)
    is_log = name == "log" and os.path.lexists(os.path.join(folder, "run"))
    return folder if is_log else path


def held_by(pid: int) -> tuple[list[bytes], dict[bytes, int]] | None:
    """Return what ``supervised_by`` does, and which it has that were deleted, each with a pid.

    The pid is that of the service's process, which is on record in the lock file; 0 if none runs.
    """
    control, lock = b"/" + names.CONTROL, b"/" + names.LOCK + DELETED
    found = processes.descriptors(pid)
    if found is None:
        return None
    paths = {path[: -len(control)] for path in found.values() if path.endswith(control)}
    gone = {path[: -len(lock)]: fd for fd, path in found.items() if path.endswith(lock)}
    return sorted(paths), _recorded(gone) if gone else {}


def _recorded(locks: dict[bytes, bytes]) -> dict[bytes, int]:
    """Return the pids that are on record in lock files, each of the service in a directory."""
    from slashservice.supervise.protocol import left

    return {directory: left.held(lock, directory) for directory, lock in locks.items()}


def is_locked(directory: bytes) -> bool:
    """Tell whether a process has ``directory`` locked as svscan does, or as version 0.1.0 did.

    A svscan that is just starting has no pid yet.
    """
    return is_held(directory) or is_held(os.path.join(directory, names.SCANNER_LOCK))


def holders(directory: bytes) -> list[int] | None:
    """Return the pids that hold a flock on ``directory``, None if the system doesn't tell."""
    try:
        return flocks.holders(os.stat(directory))
    except OSError:
        return None


def _holder(directory: bytes) -> int:
    """Return the svscan that holds the lock, by the kernel's list; 0 if none does.

    Whoever can read the directory can lock it. So the process has to be one of an account that
    owns the directory, or of ours, and be called svscan. A set-user-id program can be called so
    by anybody: of root a svscan counts only where there is no place for its pid.
    """
    try:
        found = os.stat(directory)
    except OSError:
        return 0
    for pid in flocks.holders(found) or ():
        account, name = flocks.describe(pid)
        if not name.startswith(SUPERVISORS) or account not in (0, os.geteuid(), found.st_uid):
            continue
        if account or not scanner_pid.is_kept():
            return pid
    return 0


def _former(directory: bytes) -> int:
    """Return the pid of a svscan 0.1.0 that runs on ``directory``, 0 if none does."""
    pid = former.pid(directory)
    lock = os.path.join(directory, names.SCANNER_LOCK)
    return pid if pid and is_alive(pid) and is_held(lock) else 0


def is_held(lock: bytes) -> bool:
    """Tell whether a process has ``lock`` locked, a file or a directory; true if not known."""
    try:
        fd = os.open(lock, os.O_RDONLY | names.AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(fd)
    return False


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # there is one, of somebody else
    return True


def heeds_essential(svscan: int) -> bool:
    """Tell whether a svscan ends with an essential service, by the words it was started with."""
    words = system.words_of(svscan)
    is_container = any(os.path.basename(word) == b"svcontainer" for word in words[:3])
    return is_container or any(word[:1] == b"-" and b"e" in word for word in words[2:])
