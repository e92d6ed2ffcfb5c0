"""The files of a host, seen from its own root: read them, and change them step by step.

All symbolic links are followed as the host's own programs would follow them: never out of
its root directory. Every change is one step that either happened or did not, and is on the
disk when the call returns. ``before_change`` is called ahead of each, with its name and
path.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable

from slashservice.installer.errors import Refusal
from slashservice.installer.host.state import ABSENT, FileState, kind_of

NEW = "{new}"
"""Suffix of what is being made; see :func:`beside` for files and links."""

LINK_LIMIT = 40

Observer = Callable[[str, str], None]


def ignore(step: str, path: str) -> None:
    """Observe nothing."""


def beside(real: str) -> str:
    """Return where a file or link is made that will be renamed to ``real``.

    No init system takes ``.NAME{new}`` for its own; and svscan, as all of its kind, would
    start what appears in a scan directory with no dot in front, at once and under that name.
    """
    folder, name = os.path.split(real)
    return os.path.join(folder, f".{name}{NEW}")


class Files:
    """The files below ``root``, which are changed in place only with ``in_place``.

    Paths are absolute, as the host itself would write them. Methods raise the ``OSError``
    of the call that failed, unless they say otherwise.
    """

    def __init__(
        self, root: str = "/", *, in_place: bool = False, before_change: Observer = ignore
    ) -> None:
        self.root = os.path.realpath(root)
        self.in_place = in_place
        self.before_change = before_change
        self.changes = 0

    def relabel(self, path: str, recursively: bool = False) -> None:
        """Give new files the labels their places ask for; a host that runs knows how."""

    # Paths -----------------------------------------------------------------------------

    def real(self, path: str, *, follow: bool = False) -> str:
        """Return where ``path`` is on this machine; with ``follow``, where a link there leads."""
        if self.root == "/":
            return os.path.realpath(path) if follow else path
        done: list[str] = []
        todo = path.split("/")
        links = 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done = done[:-1]
            if part in ("", ".", ".."):
                continue
            here = os.path.join(self.root, *done, part)
            if (todo or follow) and os.path.islink(here):
                links += 1
                if links > LINK_LIMIT:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                target = os.readlink(here)
                done = [] if target.startswith("/") else done
                todo = target.split("/") + todo
            else:
                done.append(part)
        return os.path.join(self.root, *done)

    def resolve(self, path: str) -> str:
        """Return the host's own name of what ``path`` leads to, all links followed."""
        real = self.real(path, follow=True)
        return real if self.root == "/" else "/" + os.path.relpath(real, self.root)

    # Reading ---------------------------------------------------------------------------

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of ``path`` itself, ``None`` when there is nothing."""
        try:
            return os.lstat(self.real(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def stat(self, path: str) -> os.stat_result | None:
        """Return the status of what ``path`` leads to, ``None`` when there is nothing."""
        try:
            return os.stat(self.real(path, follow=True))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_file(self, path: str) -> bool:
        """Tell whether ``path`` leads to a regular file."""
        found = self.stat(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def is_directory(self, path: str) -> bool:
        """Tell whether ``path`` leads to a directory."""
        found = self.stat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def is_executable(self, path: str) -> bool:
        """Tell whether ``path`` leads to a file with an execute bit."""
        found = self.stat(path)
        return found is not None and stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)

    def read(self, path: str) -> bytes | None:
        """Return the content of the file at ``path``, ``None`` when it can't be read."""
        try:
            real = self.real(path, follow=True)
            if not stat.S_ISREG(os.stat(real).st_mode):
                return None
            with open(real, "rb") as file:
                return file.read()
        except OSError:
            return None

    def readlink(self, path: str) -> str | None:
        """Return the target of the symbolic link at ``path``, ``None`` when it is none."""
        try:
            return os.readlink(self.real(path))
        except OSError:
            return None

    def list(self, path: str) -> list[str]:
        """Return the names in the directory ``path``, sorted; none when it can't be read."""
        try:
            return sorted(os.listdir(self.real(path, follow=True)))
        except OSError:
            return []

    def state(self, path: str) -> FileState:
        """Return all that must be known about ``path`` to bring it back later."""
        real = self.real(path)
        try:
            found = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        kind = kind_of(found.st_mode)
        if kind == "link":
            return FileState(kind, target=os.readlink(real))
        data = b""
        if kind == "file":
            with open(real, "rb") as file:
                data = file.read()
        return FileState(
            kind,
            mode=stat.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            data=data,
            xattrs=_xattrs(real) if kind == "file" else (),
            mtime_ns=found.st_mtime_ns,
            links=found.st_nlink,
        )

    # Changing --------------------------------------------------------------------------

    def step(self, name: str, path: str) -> None:
        """Announce a change, and count it."""
        self.changes += 1
        self.before_change(name, path)

    @property
    def owner(self) -> tuple[int, int]:
        """User and group new files belong to: root, or ourselves where we can't give away."""
        return (0, 0) if os.geteuid() == 0 else (os.geteuid(), os.getegid())

    def put(self, path: str, state: FileState, *, durably: bool = True) -> None:
        """Make ``path`` be ``state``, in one step.

        It is on the disk on return, unless ``durably`` is false: for the many files of a
        tree, which is synced as a whole (:meth:`sync_tree`) before it is moved into place.

        A file keeps nothing of the one it replaces: mode, owner and attributes are the
        state's. Removing a directory fails when it isn't empty.
        """
        if state.kind == "absent":
            self._remove(path)
        elif state.kind == "directory":
            self._make_directory(path, state, durably)
        elif state.kind == "link":
            self._make_link(path, state.target)
        elif state.kind == "file":
            self._write(path, state, durably)
        else:
            raise Refusal(f"{path} is neither a file, a link nor a directory")

    def remove_new(self, path: str) -> None:
        """Remove what an interrupted :meth:`put` of ``path`` may have left beside it."""
        new = beside(self.real(path))
        if os.path.lexists(new) and not os.path.isdir(new):
            os.unlink(new)

    def rename(self, path: str, to: str) -> None:
        """Move ``path`` to ``to``, which must not be there or be an empty directory."""
        self.step("rename", to)
        os.rename(self.real(path), self.real(to))
        _sync_parent(self.real(to))

    def remove_tree(self, path: str) -> None:
        """Remove the directory ``path`` and all below; links in it are not followed."""
        top = self.real(path)
        self.step("remove tree", path)
        for folder, folders, files in os.walk(top, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in folders:
                inner = os.path.join(folder, name)
                os.unlink(inner) if os.path.islink(inner) else os.rmdir(inner)
        os.rmdir(top)
        _sync_parent(top)

    def sync_tree(self, path: str) -> None:
        """Put the directory ``path``, and all that was written below it, on the disk."""
        for folder, _, files in os.walk(self.real(path), topdown=False):
            for name in [*files, ""]:
                fd = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
        self.relabel(path, recursively=True)

    def _remove(self, path: str) -> None:
        """Remove a file, a link or an empty directory."""
        real = self.real(path)
        self.step("remove", path)
        try:
            if stat.S_ISDIR(os.lstat(real).st_mode):
                os.rmdir(real)
            else:
                os.unlink(real)
        except FileNotFoundError:
            return
        _sync_parent(real)

    def _make_directory(self, path: str, state: FileState, durably: bool) -> None:
        """Make a directory; one that is there only gets mode and owner."""
        real = self.real(path)
        self.step("make directory", path)
        try:
            os.mkdir(real, 0o700)
        except FileExistsError:
            if not os.path.isdir(real):
                raise
        self._own(real, state)
        os.chmod(real, state.mode)
        if durably:
            _sync_parent(real)

    def _make_link(self, path: str, target: str) -> None:
        """Make a symbolic link, in place of what file or link is there."""
        real = self.real(path)
        self.remove_new(path)
        self.step("link", path)
        new = beside(real)
        os.symlink(target, new)
        if os.geteuid() == 0:
            os.lchown(new, 0, 0)
        os.rename(new, real)
        _sync_parent(real)

    def _write(self, path: str, state: FileState, durably: bool) -> None:
        """Write a file beside ``path`` and rename it there."""
        real = self.real(path)
        self.remove_new(path)
        self.step("write", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        new = beside(real)
        fd = os.open(new, flags, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(state.data)
                file.flush()
                self._own(file.fileno(), state)
                os.fchmod(fd, state.mode)
                _set_xattrs(fd, state.xattrs)
                if state.mtime_ns is not None:
                    os.utime(fd, ns=(state.mtime_ns, state.mtime_ns))
                if durably:
                    os.fsync(fd)
            self.step("replace", path)
            os.rename(new, real)
        except OSError as error:
            os.unlink(new)
            if error.errno != errno.EBUSY:
                raise
            self._write_in_place(path, state)
        if durably:
            _sync_parent(real)
            if not any(name == "security.selinux" for name, _ in state.xattrs):
                self.relabel(path)  # one that replaces another has its label

    def _write_in_place(self, path: str, state: FileState) -> None:
        """Overwrite a file that can't be replaced because it is itself a mount point."""
        if not self.in_place:
            raise Refusal(
                f"{path} is a mount point of its own and can't be replaced in one step",
                "With --force it is overwritten in place: a crash just then would truncate it.",
            )
        with open(self.real(path), "r+b") as file:
            file.write(state.data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def _own(self, where: str | int, state: FileState) -> None:
        """Give a file to the owner in ``state``, as far as we can give away."""
        if os.geteuid() == 0:
            os.chown(where, state.uid, state.gid)


def _xattrs(real: str) -> tuple[tuple[str, bytes], ...]:
    """Return the extended attributes of a file, ACLs and security labels among them."""
    if sys.platform != "linux":
        return ()
    try:
        names = os.listxattr(real)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            return ()
        raise
    return tuple((name, os.getxattr(real, name)) for name in sorted(names))


def _set_xattrs(fd: int, xattrs: tuple[tuple[str, bytes], ...]) -> None:
    """Give an open file extended attributes, which :func:`_xattrs` finds only on Linux."""
    if sys.platform == "linux":
        for name, value in xattrs:
            os.setxattr(fd, name, value)


def _sync_parent(real: str) -> None:
    """Put the change of a directory entry on the disk."""
    fd = os.open(os.path.dirname(real) or "/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems have nothing to sync
            raise
    finally:
        os.close(fd)


def make_directories(host: Files, path: str, mode: int = 0o755) -> None:
    """Make a directory, and those above it, where they are missing."""
    if not host.is_directory(path):
        make_directories(host, os.path.dirname(path))
        host.put(path, FileState("directory", mode, *host.owner))
