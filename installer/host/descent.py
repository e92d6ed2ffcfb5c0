"""Go down to a path by descriptors, one directory after the other, below some root directory.

A name can be made to mean something else between two system calls, by whoever may write to the
directory it is in; what a descriptor is of stays the same. No link is followed by the kernel:
each is read and followed here. So there is no way out of the root directory, whatever is moved
meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slashservice.installer.errors import Refusal

LINK_LIMIT = 40

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
STEP = DIRECTORY | getattr(os, "O_PATH", 0)  # where there is none, a directory must be readable

Judge = Callable[[os.stat_result], str]
"""Says how others could change a directory or a link; nothing where they couldn't."""


@dataclass(frozen=True)
class Place:
    """A name in the directory that ``folder`` is a descriptor of, which its owner closes."""

    folder: int
    name: str

    def lstat(self) -> os.stat_result:
        """Return the status of what has the name."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open what has the name; a link is an error, and a FIFO is no reason to wait."""
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(self.name, flags, mode, dir_fd=self.folder)

    def open_folder(self) -> int:
        """Open the directory that the name is in, to list or to sync it."""
        return os.open(".", DIRECTORY, dir_fd=self.folder)

    def beside(self, name: str) -> Place:
        """Return another name in the same directory."""
        return Place(self.folder, name)


class _Way:
    """The directories from the root down to where we are; each with who could change it."""

    def __init__(self, root: int, judge: Judge | None) -> None:
        self.judge = judge
        self.fds = [root]
        self.names: list[str] = []
        self.others = [self._judge(os.fstat(root), "/", "")]

    def _judge(self, status: os.stat_result, path: str, above: str) -> str:
        why = above if above or self.judge is None else self.judge(status)
        return why if above or not why else f"{path} {why}"

    def path(self, name: str = "") -> str:
        return "/" + "/".join([*self.names, *([name] if name else [])])

    def enter(self, name: str) -> None:
        fd = os.open(name, STEP, dir_fd=self.fds[-1])
        self.fds.append(fd)
        self.names.append(name)
        self.others.append(self._judge(os.fstat(fd), self.path(), self.others[-1]))

    def leave(self) -> None:
        if self.names:
            os.close(self.fds.pop())
            self.names.pop()
            self.others.pop()

    def leave_all(self) -> None:
        while self.names:
            self.leave()

    def link(self, name: str) -> str | None:
        """Return the target of a link; None if it is none. What others made isn't followed."""
        try:
            target = os.readlink(name, dir_fd=self.fds[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        if self.judge is not None:
            status = os.stat(name, dir_fd=self.fds[-1], follow_symlinks=False)
            # The mode of a link says nothing: it is judged by its owner alone.
            owner = os.stat_result((0o120700, *status[1:10]))
            why = self.others[-1] or self._judge(owner, self.path(name), "")
            if why:
                raise Refusal(
                    f"{self.path(name)} is a link, and others than root can lead it elsewhere",
                    f"{why}: name the directory that it leads to.",
                )
        return target


@contextlib.contextmanager
def descend(
    root: int, path: str, *, follow: bool = False, judge: Judge | None = None
) -> Iterator[Place]:
    """Go down to ``path`` below the directory ``root``; with ``follow`` to where a link leads.

    With a ``judge`` no link is followed that others could have made or moved: that is for
    changes. Errors are ``OSError`` with ``path`` as file name, whoever raises them meanwhile,
    and :class:`Refusal`.
    """
    way = _Way(root, judge)
    try:
        name = _go(way, path, follow)
        yield Place(way.fds[-1], name)
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise
    finally:
        way.leave_all()


def _go(way: _Way, path: str, follow: bool) -> str:
    """Enter all directories on the way; return the name in the last one."""
    todo = [part for part in path.split("/") if part not in ("", ".")]
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            way.leave()
            continue
        target = way.link(part) if follow and not todo else None
        if target is None:
            if not todo:
                return part
            try:
                way.enter(part)
                continue
            except OSError as error:
                target = way.link(part) if error.errno in (errno.ENOTDIR, errno.ELOOP) else None
                if target is None:
                    raise
        links += 1
        if links > LINK_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            way.leave_all()
        todo = [one for one in target.split("/") if one not in ("", ".")] + todo
    return "."


def walk(place: Place, deepest: int = 100) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each directory below ``place``, the lowest first: descriptor, files, directories.

    Links count as files. A descriptor is readable, and open until the next one is asked for.
    Other file systems are not entered: EXDEV.
    """
    fd = place.open(DIRECTORY)
    try:
        yield from _walk(fd, os.fstat(fd).st_dev, deepest)
    finally:
        os.close(fd)


def _walk(fd: int, device: int, left: int) -> Iterator[tuple[int, list[str], list[str]]]:
    if not left:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if os.fstat(fd).st_dev != device:
        raise OSError(errno.EXDEV, "another file system is mounted in it")
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    folders = [name for name, is_folder in found if is_folder]
    for name in folders:
        inner = os.open(name, DIRECTORY, dir_fd=fd)
        try:
            yield from _walk(inner, device, left - 1)
        finally:
            os.close(inner)
    yield fd, [name for name, is_folder in found if not is_folder], folders
