"""The files of a host, seen from its own root: read them, and change them step by step.

All symbolic links are followed as the host's own programs would follow them: never out of
its root directory. Every change is one step that either happened or did not, and is on the
disk when the call returns. ``before_change`` is called ahead of each, with its name and
path.

Changes go by descriptors (:mod:`~slashservice.installer.host.descent`): whoever may write to a
directory on the way can't have root change, own or remove what is elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

from slashservice.installer.errors import Refusal
from slashservice.installer.host import as_account, owners, places
from slashservice.installer.host.descent import LINK_LIMIT, Place, descend, walk
from slashservice.installer.host.places import Top
from slashservice.installer.host.state import ABSENT, FileState

NOTHING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
"""Errors that say: there is nothing that has this name."""

Observer = Callable[[str, str], None]


def ignore(step: str, path: str) -> None:
    """Observe nothing."""


class Files:
    """The files below ``root``, which are changed in place only with ``in_place``.

    Paths are absolute, as the host itself would write them. Methods raise the ``OSError``
    of the call that failed, unless they say otherwise.
    """

    def __init__(
        self, root: str = "/", *, in_place: bool = False, before_change: Observer = ignore
    ) -> None:
        self._top = Top(root)
        self.root = self._top.path
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

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of the root directory."""
        about = os.fstat(self._top.fd)
        return about.st_dev, about.st_ino

    @contextlib.contextmanager
    def _at(self, path: str, *, follow: bool = False, change: bool = False) -> Iterator[Place]:
        """Go down to ``path``; to ``change`` something, by no link that others can lead."""
        judge = self._others if change else None
        with descend(self._top.fd, path, follow=follow, judge=judge) as place:
            yield place

    def _others(self, status: os.stat_result) -> str:
        return owners.others(status, owners.trusted(), self.read)

    # Reading ---------------------------------------------------------------------------

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of ``path`` itself, ``None`` when there is nothing."""
        return self._status(path, follow=False)

    def stat(self, path: str) -> os.stat_result | None:
        """Return the status of what ``path`` leads to, ``None`` when there is nothing."""
        return self._status(path, follow=True)

    def _status(self, path: str, follow: bool) -> os.stat_result | None:
        try:
            if self.root == "/":
                return os.stat(path, follow_symlinks=follow)
            with self._at(path, follow=follow) as place:
                return place.lstat()
        except OSError as error:
            if error.errno in NOTHING:
                return None
            raise

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

    def is_foreign(self, path: str) -> bool:
        """Tell whether ``path`` leads to a directory that is somebody else's, or everybody's."""
        found = self.stat(path)
        return found is not None and owners.foreign(found, owners.trusted())

    def read(self, path: str) -> bytes | None:
        """Return the content of the file at ``path``, ``None`` when it can't be read.

        Only regular files are opened, and what has more than ``LARGEST`` bytes is not read.
        """
        try:
            if self.root == "/":
                path = os.path.realpath(path)
            with self._at(path, follow=True) as place:
                if not stat.S_ISREG(place.lstat().st_mode):
                    return None
                with open(place.open(os.O_RDONLY), "rb") as file:
                    return places.content(file.fileno())
        except OSError:
            return None

    def readlink(self, path: str) -> str | None:
        """Return the target of the symbolic link at ``path``, ``None`` when it is none."""
        try:
            with self._at(path) as place:
                return os.readlink(place.name, dir_fd=place.folder)
        except OSError:
            return None

    def list(self, path: str) -> list[str]:
        """Return the names in the directory ``path``, sorted; none when it can't be read."""
        try:
            if self.root == "/":
                return sorted(os.listdir(path))
            with self._at(path, follow=True) as place, places.opened(place) as fd:
                return sorted(os.listdir(fd))
        except OSError:
            return []

    def state(self, path: str) -> FileState:
        """Return all that must be known about ``path`` to bring it back later."""
        try:
            with self._at(path) as place:
                return places.state_of(place, path)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT

    # Changing --------------------------------------------------------------------------

    def step(self, name: str, path: str) -> None:
        """Announce a change, and count it."""
        self.changes += 1
        self.before_change(name, path)

    @property
    def owner(self) -> tuple[int, int]:
        """User and group new files belong to: root, or ourselves where we can't give away."""
        return (0, 0) if os.geteuid() == 0 else (os.geteuid(), os.getegid())

    def put(
        self,
        path: str,
        state: FileState,
        *,
        durably: bool = True,
        expected: FileState | None = None,
    ) -> None:
        """Make ``path`` be ``state``, in one step.

        It is on the disk on return, unless ``durably`` is false: for the many files of a
        tree, which is synced as a whole (:meth:`sync_tree`) before it is moved into place.

        A file keeps nothing of the one it replaces: mode, owner and attributes are the
        state's. Removing a directory fails when it isn't empty. Where something else than
        ``expected`` is found when a file is about to be replaced or removed, it is left.
        """
        if state.kind == "absent":
            self._remove(path, expected)
            return
        with self._at(path, change=True) as place:
            if state.kind == "directory":
                self._make_directory(path, place, state, durably)
            elif state.kind == "link":
                self._make_link(path, place, state.target)
            elif state.kind == "file":
                self._write(path, place, state, durably, expected)
            else:
                raise Refusal(f"{path} is neither a file, a link nor a directory")

    def remove_new(self, path: str) -> None:
        """Remove what an interrupted :meth:`put` of ``path`` may have left beside it."""
        try:
            with self._at(path, change=True) as place:
                places.remove_new(place)
        except (FileNotFoundError, NotADirectoryError):
            pass

    def rename(self, path: str, to: str) -> None:
        """Move ``path`` to ``to``, which must not be there or be an empty directory."""
        self.step("rename", to)
        with self._at(path, change=True) as old, self._at(to, change=True) as new:
            os.rename(old.name, new.name, src_dir_fd=old.folder, dst_dir_fd=new.folder)
            places.sync_folder(new)

    def remove_tree(self, path: str) -> None:
        """Remove the directory ``path`` and all below; links in it are not followed.

        Nothing is removed where another file system is mounted in it: EXDEV.
        """
        self.step("remove tree", path)
        with self._at(path, change=True) as place:
            for _ in walk(place):
                pass
            for folder, files, folders in walk(place):
                for name in files:
                    os.unlink(name, dir_fd=folder)
                for name in folders:
                    os.rmdir(name, dir_fd=folder)
            os.rmdir(place.name, dir_fd=place.folder)
            places.sync_folder(place)

    def sync_tree(self, path: str) -> None:
        """Put the directory ``path``, and all that was written below it, on the disk."""
        with self._at(path, change=True) as place:
            for folder, files, _ in walk(place):
                for name in files:
                    with open(Place(folder, name).open(os.O_RDONLY), "rb") as file:
                        os.fsync(file.fileno())
                os.fsync(folder)
        self.relabel(path, recursively=True)

    def _remove(self, path: str, expected: FileState | None) -> None:
        """Remove a file, a link or an empty directory."""
        self.step("remove", path)
        with contextlib.suppress(FileNotFoundError), self._at(path, change=True) as place:
            if stat.S_ISDIR(place.lstat().st_mode):
                os.rmdir(place.name, dir_fd=place.folder)
            else:
                places.expect(path, place, expected)
                os.unlink(place.name, dir_fd=place.folder)
            places.sync_folder(place)

    def _make_directory(self, path: str, place: Place, state: FileState, durably: bool) -> None:
        """Make a directory; one that is there only gets mode and owner.

        In a directory of somebody else's, that of an account is made as that account.
        """
        self.step("make directory", path)
        parent = os.fstat(place.folder)
        try:
            if os.geteuid() != 0 or (state.uid == 0 and not self._others(parent)):
                places.make_directory(place, state.mode)
            elif state.uid != 0 and owners.foreign(parent, owners.trusted()):
                as_account.make_directory(place, state, known=self.root == "/")
                return
            else:
                places.make_given(place, state)
                return
        except FileExistsError:
            if not stat.S_ISDIR(place.lstat().st_mode):
                raise
        else:
            if durably:
                self.relabel(path)
        with places.opened(place) as fd:
            self._adjust(path, place, fd, state)
        if durably:
            places.sync_folder(place)

    def _adjust(self, path: str, place: Place, fd: int, state: FileState) -> None:
        """Give a directory owner and mode, unless another can have been put in its place."""
        now = os.fstat(fd)
        found = (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid)
        wanted = (state.mode, state.uid, state.gid)
        if found == wanted or (os.geteuid() != 0 and found[0] == wanted[0]):
            return
        why = self._others(os.fstat(place.folder))
        why = f"{os.path.dirname(path)} {why}" if why else ""
        if not why and now.st_uid not in (*owners.trusted(), state.uid):
            why = f"it belongs to user {now.st_uid}"
        if why:
            raise Refusal(f"the owner and mode of {path} are left as they are", f"{why}.")
        self._own(fd, state)
        os.fchmod(fd, state.mode)

    def _make_link(self, path: str, place: Place, target: str) -> None:
        """Make a symbolic link, in place of what file or link is there."""
        places.remove_new(place)
        self.step("link", path)
        new = place.beside(places.new_name(place.name))
        os.symlink(target, new.name, dir_fd=new.folder)
        if os.geteuid() == 0 and not self._others(os.fstat(new.folder)):
            os.chown(new.name, 0, 0, dir_fd=new.folder, follow_symlinks=False)
        os.rename(new.name, place.name, src_dir_fd=new.folder, dst_dir_fd=place.folder)
        places.sync_folder(place)
        self.relabel(path)

    def _write(
        self, path: str, place: Place, state: FileState, durably: bool, expected: FileState | None
    ) -> None:
        """Write a file beside ``path`` and rename it there."""
        places.remove_new(place)
        self.step("write", path)
        new = place.beside(places.new_name(place.name))
        fd = new.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with open(fd, "wb") as file:
                file.write(state.data)
                file.flush()
                self._own(fd, state)
                os.fchmod(fd, state.mode)
                places.set_xattrs(fd, state.xattrs)
                if state.mtime_ns is not None:
                    os.utime(fd, ns=(state.mtime_ns, state.mtime_ns))
                if durably:
                    os.fsync(fd)
            self.step("replace", path)
            places.expect(path, place, expected)
            os.rename(new.name, place.name, src_dir_fd=new.folder, dst_dir_fd=place.folder)
        except (OSError, Refusal) as error:
            os.unlink(new.name, dir_fd=new.folder)
            if not isinstance(error, OSError) or error.errno != errno.EBUSY:
                raise
            self._write_in_place(path, place, state)
        if durably:
            places.sync_folder(place)
            if not any(name == "security.selinux" for name, _ in state.xattrs):
                self.relabel(path)  # one that replaces another has its label

    def _write_in_place(self, path: str, place: Place, state: FileState) -> None:
        """Overwrite a file that can't be replaced because it is itself a mount point."""
        if not self.in_place:
            raise Refusal(
                f"{path} is a mount point of its own and can't be replaced in one step",
                "With --force it is overwritten in place: a crash just then would truncate it.",
            )
        with open(place.open(os.O_RDWR), "r+b") as file:
            file.write(state.data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def _own(self, fd: int, state: FileState) -> None:
        """Give an open file to the owner in ``state``, as far as we can give away."""
        if os.geteuid() == 0:
            os.fchown(fd, state.uid, state.gid)


def make_directories(
    host: Files, path: str, mode: int = 0o755, owner: tuple[int, int] | None = None
) -> None:
    """Make a directory, and those above it, where they are missing.

    They are root's; but in a directory of somebody else's those of ``owner``, if given.
    """
    if host.is_directory(path):
        return
    above = os.path.dirname(path)
    make_directories(host, above, owner=owner)
    if owner is None or not host.is_foreign(above):
        owner = host.owner
    host.put(path, FileState("directory", mode, *owner))
