"""The pid of the svscan that runs on a scan directory, in a file outside of that directory.

In the scan directory itself any entry would be taken for a service by some client. So svscan
writes one line to ``/run/slashservice/DEVICE.INODE`` (or below ``/var/run``), device and inode
number being those of the scan directory. Without being root it does so below the account's own
runtime directory. The line has the pid, the start time of the process, and the life of the
machine, as the record of a service has. So a file that is left over is told from one in force.
The rest of the line tells which code the process runs: its version, and the folder it is in. What
is installed may be another code by now. A line of an older version ends with the life.

Beside it are such files of other kinds: of a svscan that is drained and stays, and of each svscan
that waits for the end of the one that runs.

A folder counts only if it belongs to root, or for an account's own folder to that account, and if
nobody else can write to it. Links are not followed, and a file is replaced, never written over.
"""

from __future__ import annotations

import os
from binascii import crc32

from slashservice.supervise.platform.current import system
from slashservice.supervise.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that holds our own code."""

FOLDER = b"slashservice"

RUN = (b"/run", b"/var/run")
"""Where root's folder is: in the first of these that is there."""

LONGEST = 4352
"""No such file is longer: it has a path, which may be as long as the kernel's longest."""

NEW = b".new"

RUNS = b""
DRAINED = b".drained"
KEEPS = b".keeps"
KEEPS_PATH = b".keeps.path"
WAITS = b".waits."
"""What is noted, as the ends of file names; behind the last one is the pid."""


def write(directory: bytes, kind: bytes = RUNS) -> None:
    """Note that we are the svscan on ``directory``, or another ``kind`` of note about us.

    Raises ``OSError`` if that can't be noted.
    """
    pid = os.getpid()
    line = b"%d %d %s" % (pid, system.started(pid), system.boot() or b"-")
    home = os.fsencode(HOME)
    if b"\n" not in home:
        line += b" %s %s" % (VERSION.encode(), home)
    line += b"\n"
    folder, name = _own_folder(), _name(directory, kind)
    try:
        new = name + NEW
        _remove(new, folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(new, flags, 0o644, dir_fd=folder)
        try:
            os.fchmod(fd, 0o644)  # whatever the umask
            os.write(fd, line)
        finally:
            os.close(fd)
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
        _sweep(folder)
    finally:
        os.close(folder)


def remove(directory: bytes | int, kind: bytes = RUNS) -> None:
    """Take our note away, unless it is not ours any more. ``directory`` may be a descriptor."""
    try:
        folder, name = _own_folder(), _name(directory, kind)
    except OSError:
        return
    try:
        if _parse(_content(name, folder))[0] == os.getpid():
            _remove(name, folder)
    finally:
        os.close(folder)


def read(directory: bytes) -> int:
    """Return the pid of the svscan that noted that it runs on ``directory``, and does; else 0.

    Where the start of a process is not known, the caller has to see whether it is alive and has
    the lock: then the pid is negative.
    """
    return next(filter(None, map(_subject, _notes(directory))), 0)


def keeper(directory: bytes) -> int:
    """Return the pid of what a runsvdir has left behind to keep its services; 0 if there is none.

    It gives way when it is sent QUIT.
    """
    lines = [*_notes(directory, KEEPS), *_notes(directory, KEEPS_PATH)]
    return max([0, *map(_subject, lines)])


def is_drained(directory: bytes, pid: int) -> bool:
    """Tell whether svscan ``pid`` has noted that it is drained, and stays."""
    return pid > 0 and any(abs(_subject(line)) == pid for line in _notes(directory, DRAINED))


def waiting(directory: bytes) -> list[int]:
    """Return the pids of the svscans that wait for the end of the one on ``directory``."""
    found = set()
    for path, owner in _folders():
        try:
            beginning = name_of(directory) + WAITS
            folder = _open(path, owner)
        except OSError:
            continue
        try:
            names = map(os.fsencode, os.listdir(folder))
            lines = [_content(name, folder) for name in names if name.startswith(beginning)]
        finally:
            os.close(folder)
        found |= {_subject(line) for line in lines}
    return sorted(pid for pid in found if pid > 0)


def _subject(line: bytes) -> int:
    """Return the pid of the process that a note is about, if it runs; see :func:`read`."""
    pid, start, life = _parse(line)
    if pid <= 0:
        return 0
    try:
        now = system.started(pid)
        same = system.is_this_life(life, system.boot() or b"-")
    except OSError:
        return -pid
    if not (start and now):
        return -pid
    return pid if abs(start - now) <= system.STARTS_VARY_BY and same else 0


def code(directory: bytes, pid: int) -> tuple[bytes, bytes]:
    """Return the version of the code that svscan ``pid`` runs, and its folder; empty if unknown."""
    for line in _notes(directory):
        if _parse(line)[0] == pid:
            words = line[:-1].split(b" ", 4)
            return (words[3], words[4]) if len(words) == 5 else (b"", b"")
    return b"", b""


def _notes(directory: bytes, kind: bytes = RUNS) -> Iterator[bytes]:
    """Yield what is noted about a scan directory, in each folder that counts."""
    try:
        name = _name(directory, kind)
    except OSError:
        return
    for path, owner in _folders():
        try:
            folder = _open(path, owner)
        except OSError:
            continue
        try:
            line = _content(name, folder)
        finally:
            os.close(folder)
        yield line


def is_kept() -> bool:
    """Tell whether svscans of root have a place for their pids."""
    for path, owner in _folders():
        if owner == 0:
            try:
                os.close(_open(path, owner))
            except OSError:
                continue
            return True
    return False


def name_of(directory: bytes | int) -> bytes:
    """Return the name of the file for a scan directory. Raises ``OSError`` if that is gone."""
    found = os.stat(directory)
    return b"%d.%d" % (found.st_dev, found.st_ino)


def _name(directory: bytes | int, kind: bytes) -> bytes:
    """Return the name of our file of that kind."""
    if kind == KEEPS_PATH and isinstance(directory, bytes):
        return b"%08x" % crc32(directory) + kind  # the path may lead elsewhere by now
    number = b"%d" % os.getpid() if kind == WAITS else b""
    return name_of(directory) + kind + number


def _folders() -> list[tuple[bytes, int]]:
    """Return the folders to look in, each with the account that it has to belong to."""
    account = os.geteuid()
    found = [(path, 0) for path in RUN]
    if account:
        own = os.fsencode(os.environ.get("XDG_RUNTIME_DIR", ""))
        found = [*((path, account) for path in (own, b"/run/user/%d" % account) if path), *found]
    return [(os.path.join(path, FOLDER), owner) for path, owner in found]


def _own_folder() -> int:
    """Open the folder for our own note, made if need be. Raises ``OSError`` if there is none."""
    account = os.geteuid()
    trouble: OSError = FileNotFoundError()
    for path, owner in _folders():
        if owner != account or not path.startswith(b"/"):
            continue
        try:
            if _make(path):
                os.chmod(path, 0o755 if account == 0 else 0o700)  # whatever the umask
            return _open(path, owner)
        except OSError as error:
            trouble = error
    raise trouble


def _make(path: bytes) -> bool:
    """Make the folder; tell whether there was none."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    return True


def _open(path: bytes, owner: int) -> int:
    """Open a folder that nobody but ``owner`` can write to. Raises ``OSError``."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(folder)
        if found.st_uid != owner or found.st_mode & 0o022:
            raise PermissionError
    except OSError:
        os.close(folder)
        raise
    return folder


def _content(name: bytes, folder: int) -> bytes:
    """Return what is in a file of the folder; nothing if it can't be read."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.read(fd, LONGEST)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _parse(line: bytes) -> tuple[int, int, bytes]:
    """Return pid, start and life of the machine; 0 for the pid if the line says nothing."""
    words = line[:-1].split(b" ", 4)
    if len(words) not in (3, 5) or not line.endswith(b"\n"):
        return 0, 0, b""
    if not (words[0].isdigit() and words[1].isdigit()):
        return 0, 0, b""
    return int(words[0]), int(words[1]), words[2]


def _sweep(folder: int) -> None:
    """Remove the notes of svscans that were killed in this life of the machine."""
    for name in map(os.fsencode, os.listdir(folder)):
        pid, _, life = _parse(_content(name, folder))
        if pid > 0 and system.is_this_life(life, system.boot()):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                _remove(name, folder)
            except (OSError, OverflowError):
                continue


def _remove(name: bytes, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        pass
