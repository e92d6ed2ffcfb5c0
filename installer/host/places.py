"""What is at a place that was reached by descriptors: read it, compare it, open it, sync it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator

from slashservice.installer.errors import Refusal
from slashservice.installer.host.descent import STEP, Place
from slashservice.installer.host.state import ABSENT, FileState, kind_of

NEW = "{new}"
"""Suffix of what is being made; see :func:`new_name` for files and links."""

LARGEST = 64 << 20
"""Bytes of a file that is read. What is larger is no file of those that we look at."""


class Top:
    """The root directory, open: what it is stays the same, wherever its name leads later."""

    def __init__(self, path: str) -> None:
        self.fd = -1
        self.path = os.path.realpath(path)
        self.fd = os.open(self.path, STEP)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


def new_name(name: str) -> str:
    """Return the name under which a file or link is made that will be renamed to ``name``.

    No init system takes ``.NAME{new}`` for its own; and svscan, as all of its kind, would
    start what appears in a scan directory with no dot in front, at once and under that name.
    """
    return f".{name}{NEW}"


def remove_new(place: Place) -> None:
    """Remove what an interrupted run may have left beside a place."""
    new = place.beside(new_name(place.name))
    try:
        if not stat.S_ISDIR(new.lstat().st_mode):
            os.unlink(new.name, dir_fd=new.folder)
    except FileNotFoundError:
        pass


def make_directory(place: Place, mode: int) -> None:
    """Make a directory with just that mode."""
    mask = os.umask(0)
    try:
        os.mkdir(place.name, mode, dir_fd=place.folder)
    finally:
        os.umask(mask)


def make_given(place: Place, state: FileState) -> None:
    """Make a directory with the owner of ``state``, as root. It is on the disk on return.

    It gets its owner in a directory where only root could put another in its place. So nothing
    but the new directory is given away, whoever may write to that which it is moved to.
    """
    try:
        place.lstat()
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place.name)
    except FileNotFoundError:
        pass
    closed = place.beside(new_name(place.name))
    with contextlib.suppress(FileExistsError):
        make_directory(closed, 0o700)
    with opened(closed) as folder:
        found = os.fstat(folder)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), closed.name)
        made = Place(folder, "made")
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(made.name, dir_fd=folder)
        make_directory(made, 0o700)
        with opened(made) as fd:
            os.fchown(fd, state.uid, state.gid)
            os.fchmod(fd, state.mode)
        os.rename(made.name, place.name, src_dir_fd=folder, dst_dir_fd=place.folder)
    os.rmdir(closed.name, dir_fd=closed.folder)
    sync_folder(place)


def state_of(place: Place, path: str) -> FileState:
    """Return the state of what is at a place."""
    found = place.lstat()
    kind = kind_of(found.st_mode)
    if kind == "link":
        return FileState(kind, target=os.readlink(place.name, dir_fd=place.folder))
    data: bytes | None = b""
    attributes: tuple[tuple[str, bytes], ...] = ()
    if kind == "file":
        with open(place.open(os.O_RDONLY), "rb") as file:
            found = os.fstat(file.fileno())
            data, attributes = content(file.fileno()), xattrs(file.fileno())
        if data is None:
            raise Refusal(f"{path} has more than {LARGEST >> 20} MiB")
    return FileState(
        kind,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        data=data or b"",
        xattrs=attributes,
        mtime_ns=found.st_mtime_ns,
        links=found.st_nlink,
    )


def content(fd: int) -> bytes | None:
    """Return all of an open file; None if it is none, or too large."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return None
    parts = []
    size = 0
    while part := os.read(fd, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            return None
    return b"".join(parts)


def expect(path: str, place: Place, expected: FileState | None) -> None:
    """Refuse to go on where something else is at a place than was expected."""
    if expected is None:
        return
    try:
        now = state_of(place, path)
    except FileNotFoundError:
        now = ABSENT
    if now != expected:
        raise Refusal(f"{path} was changed by someone else just now", "It is as they left it.")


@contextlib.contextmanager
def opened(place: Place) -> Iterator[int]:
    """Open a directory."""
    fd = place.open(os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def xattrs(fd: int) -> tuple[tuple[str, bytes], ...]:
    """Return the extended attributes of a file, ACLs and security labels among them."""
    if sys.platform != "linux":
        return ()
    try:
        names = os.listxattr(fd)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            return ()
        raise
    return tuple((name, os.getxattr(fd, name)) for name in sorted(names))


def set_xattrs(fd: int, wanted: tuple[tuple[str, bytes], ...]) -> None:
    """Give an open file extended attributes, which :func:`xattrs` finds only on Linux."""
    if sys.platform == "linux":
        for name, value in wanted:
            os.setxattr(fd, name, value)


def sync_folder(place: Place) -> None:
    """Put the change of a directory entry on the disk."""
    fd = place.open_folder()
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems have nothing to sync
            raise
    finally:
        os.close(fd)
