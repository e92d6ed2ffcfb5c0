"""A log directory as system calls see it: its lock, its files, and the marks they bear.

Nothing here needs to know where the directory is, or where the process is: a log host is in
none of the many directories it works in, and its account may be unable to reach some by path.
Except where it says otherwise, a method is one system call, and raises its ``OSError``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from slashservice.supervise import tai

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
BEGIN = APPEND | os.O_EXCL | os.O_NOFOLLOW
TRUNCATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK
READ = os.O_RDONLY | os.O_NONBLOCK
SEARCH = os.O_RDONLY | os.O_NONBLOCK | os.O_DIRECTORY

UNDER_WAY = "under way"
"""The mark of a file that is being written to."""

COMPLETE = "complete"
"""The mark of a file that is closed and on disk."""

MODES = {UNDER_WAY: 0o644, COMPLETE: 0o744}
"""How a file is marked: by its mode."""

COMPLETE_BIT = 0o100
"""The bit of a mode that tells."""


class Step:
    """What is done, one after the other, of putting a file that is full into its place."""

    NOTHING, ON_DISK, NAMED, BEGUN = range(4)


class Folder:
    """The directory ``path``, to be opened before anything else.

    ``fd`` is its descriptor.
    """

    __slots__ = ("_current", "_is_born_marked", "_lock", "_path", "fd")

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._lock = -1
        self._current: tuple[int, int] | int = -1
        """The file that was opened as ``current``: its device and inode, or a descriptor."""
        self._is_born_marked = False
        """Whether a file made here with mode 0644 has it: umask and access lists let it be."""
        self.fd = -1

    def make(self, base: int) -> None:
        """Make the directory, seen from the directory ``base`` (a descriptor), if possible."""
        try:
            os.mkdir(self._path, 0o700, dir_fd=base)
        except OSError:
            pass  # it is there, or opening it will fail

    def open(self, base: int) -> None:
        """Open the directory, seen from ``base``; make sure that we may enter."""
        self.fd = os.open(self._path, SEARCH, dir_fd=base)
        try:
            os.stat(b".", dir_fd=self.fd)  # fails where we may not enter
        except OSError:
            self.close()
            raise

    def again(self) -> Folder:
        """Return another for the same directory, which stays open when this one is closed."""
        other = Folder(self._path)
        other.fd = os.dup(self.fd)
        return other

    def lock(self) -> None:
        """Take the lock. Raises ``BlockingIOError`` if another process has it."""
        if self._lock < 0:
            self._lock = self.append_to(b"lock")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self) -> None:
        """Let go of the lock now, even if a child that has yet to exec has it open too."""
        if self._lock >= 0:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def has_lock(self) -> bool:
        """Tell whether the file that was locked is still the one that others would lock."""
        try:
            about = os.stat(b"lock", dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # nobody can tell
        return os.path.samestat(about, os.fstat(self._lock))

    def lock_again(self) -> None:
        """Take the lock that others would. Raises ``BlockingIOError`` if another process has it."""
        fd = os.open(b"lock", APPEND | os.O_NOFOLLOW, 0o600, dir_fd=self.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        os.close(self._lock)
        self._lock = fd

    def close(self) -> None:
        """Let go of the lock and of the directory, if they are ours."""
        for fd in (self._lock, self.fd):
            if fd >= 0:
                os.close(fd)
        self._lock = self.fd = -1

    def last_change(self) -> float:
        """Return when, in Unix time, a file was last made, renamed or removed here."""
        return os.fstat(self.fd).st_mtime

    def open_current(self) -> tuple[int, int]:
        """Open ``current`` for appending, made (0600) if missing; return its descriptor and size.

        A link is not followed, and what is no file is refused as a device would be.
        """
        fd = os.open(b"current", APPEND | os.O_NOFOLLOW, 0o600, dir_fd=self.fd)
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            os.close(fd)
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        self._current = about.st_dev, about.st_ino
        self._is_born_marked = False
        return fd, about.st_size

    def has_current(self) -> bool:
        """Tell whether the file that was opened as ``current`` still has that name."""
        try:
            about = os.stat(b"current", dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # nobody can tell
        if isinstance(self._current, int):
            ours = os.fstat(self._current)
            self._current = ours.st_dev, ours.st_ino
        return (about.st_dev, about.st_ino) == self._current

    def turn_over(self, fd: int, code: bytes, newest: bytes) -> tuple[int, int, bytes]:
        """Put ``current``, open as ``fd``, into its place as a finished file, and begin a new one.

        This is one system call after the other until one fails. The file gets its name at once,
        which is free if it is greater than that of the ``newest`` file. So there is no ``previous``
        for anybody to find; svlogd does it in this order. Return what is done, the descriptor
        of ``current``, and the name of the finished file.
        """
        name = tai.label(tai.now()) + b"." + code
        if name <= newest:
            return Step.NOTHING, fd, b""
        done, full = Step.NOTHING, fd
        try:
            os.fsync(fd)
            done = Step.ON_DISK
            os.fchmod(fd, MODES[COMPLETE])
            self.rename(b"current", name)
            done = Step.NAMED
            fd = os.open(b"current", BEGIN, MODES[UNDER_WAY], dir_fd=self.fd)
            os.close(full)
            self._current = fd
            if not self._is_born_marked:
                self._is_born_marked = os.fstat(fd).st_mode & 0o7777 == MODES[UNDER_WAY]
                os.fchmod(fd, MODES[UNDER_WAY])
            done = Step.BEGUN
        except OSError:
            if done == Step.NAMED and fd == full:
                os.close(full)
                fd = -1
        return done, fd, name

    def append_to(self, name: bytes) -> int:
        """Open a file for appending, made (0600) if missing; return its descriptor."""
        return os.open(name, APPEND, 0o600, dir_fd=self.fd)

    def read_from(self, name: bytes) -> int:
        """Open a file for reading; return its descriptor."""
        return os.open(name, READ, dir_fd=self.fd)

    def empty(self, name: bytes) -> None:
        """Make a file empty, or make an empty file (0644)."""
        os.close(os.open(name, TRUNCATE, 0o644, dir_fd=self.fd))

    def put_on_disk(self, fd: int) -> None:
        """Return once the file open as ``fd`` is on disk."""
        os.fsync(fd)

    def mark(self, fd: int, mark: str) -> None:
        """Mark the file open as ``fd``."""
        os.fchmod(fd, MODES[mark])

    def mark_closed(self, name: bytes, mark: str) -> None:
        """Mark a file that is not open."""
        os.chmod(name, MODES[mark], dir_fd=self.fd)

    def is_complete(self, name: bytes) -> bool:
        """Tell whether there is such a file, marked as complete."""
        about = self.stat(name)
        return about is not None and bool(about.st_mode & COMPLETE_BIT)

    def links(self, name: bytes) -> int:
        """Return how many names the file ``name`` has, 0 if there is none."""
        about = self.stat(name)
        return about.st_nlink if about else 0

    def stat(self, name: bytes) -> os.stat_result | None:
        """Return what is known about a file, None if there is none."""
        try:
            return os.stat(name, dir_fd=self.fd)
        except FileNotFoundError:
            return None

    def rename(self, old: bytes, new: bytes) -> None:
        """Rename a file, replacing what has the new name."""
        os.rename(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, old: bytes, new: bytes) -> None:
        """Give a file a second name, which must be free."""
        os.link(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def remove(self, name: bytes) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self.fd)

    def remove_if_there(self, name: bytes) -> None:
        """Remove a file, unless somebody else has done so."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            pass

    def remove_if_possible(self, name: bytes) -> None:
        """Remove a file, or leave it."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except OSError:
            pass

    def names(self) -> list[bytes]:
        """Return all names, in no order."""
        return [os.fsencode(name) for name in os.listdir(self.fd)]
