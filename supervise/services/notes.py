"""The notes beside a status file: runit's ``stat`` and ``pid``, the deaths, the mark of failure.

Clients of runit and people's scripts read the first two, and send signals by what they say. Where
a disk is full they are written in place, or removed: a pid of before may be another's by now. The
rest may be missing, or late: svscan itself goes on with the status file and the record.
"""

from __future__ import annotations

import os

from slashservice.supervise.protocol import deaths, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.protocol.deaths import Death
    from slashservice.supervise.protocol.status import Status
    from slashservice.supervise.services.directory import ServiceDirectory


NEW = b".new"

UP, DOWN, ONCE = b"u", b"d", b"\0"

CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC | names.AT_ONCE

IN_PLACE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | names.AT_ONCE

WORDS: dict[bytes, bytes] = {}
"""The few lines that there are in ``stat``; thousands of services share them."""


class Notes:
    """The notes in the service directory ``directory``, which is held."""

    __slots__ = ("_directory", "_failed", "_meant", "_pid", "_stat")

    def __init__(self, directory: ServiceDirectory) -> None:
        self._directory = directory
        self._stat: bytes | None = None
        self._pid: int | None = None
        self._failed: bool | None = None
        self._meant: bytes | None = None
        """What is in the file ``meant``; empty for no file, None if that is not known."""

    def tell(self, now: Status) -> None:
        """Say in ``pid`` and ``stat`` how it is now, if that is not what they say."""
        if self._failed is None:
            self._failed = False if self._remove(names.FAILED) else None
        if now.pid != self._pid:
            pid = b"%d\n" % now.pid if now.pid else b""
            self._pid = now.pid if self._say(names.PID, pid) else None
        stat = WORDS.setdefault(*[now.stat()] * 2)
        if stat != self._stat:
            self._stat = stat if self._say(names.STAT, stat) else None

    def are_gone(self) -> None:
        """Somebody may have removed them."""
        self._pid = self._stat = self._failed = self._meant = None

    def want(self, said: bytes) -> bytes:
        """Return what is wanted of a service whose status has ``said`` so."""
        self._meant = None
        if said == DOWN:
            try:
                with open(self._directory.at(names.MEANT), "rb", buffering=0) as file:
                    self._meant = file.read(2)
            except OSError:
                pass
        return self._meant if self._meant in (UP, ONCE) else said

    def remember(self, now: Status) -> None:
        """Remember what is meant by a want of ``d``, before that is announced.

        Where that is not possible, what is meant is announced itself.
        """
        if now.want != DOWN or now.meant == self._meant:
            return
        if not now.meant:
            self._meant = b"" if self._remove(names.MEANT) else None
        elif self._replace(names.MEANT, now.meant):
            self._meant = now.meant
        else:
            now.want = now.meant

    def forget(self, now: Status) -> None:
        """Forget what was meant, once another want has been announced."""
        if now.want != DOWN and self._meant:
            self._meant = b"" if self._remove(names.MEANT) else None

    def _remove(self, name: bytes) -> bool:
        """Have no file ``name``; tell whether that is so."""
        try:
            os.unlink(self._directory.at(name))
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True

    def _say(self, name: bytes, data: bytes) -> bool:
        """Have the file ``name`` say ``data``, or else be no more; tell whether it says it."""
        if self._replace(name, data) or self._overwrite(name, data):
            return True
        self._remove(name)
        return False

    def _overwrite(self, name: bytes, data: bytes) -> bool:
        """Have the file ``name`` say ``data``, where there is no room for a new one."""
        try:
            fd = os.open(self._directory.at(name), IN_PLACE)
        except OSError:
            return False
        try:
            if os.fstat(fd).st_nlink != 1:
                return False  # it may be somebody's other file
            written = os.pwrite(fd, data, 0)
            os.ftruncate(fd, written)
            return written == len(data)
        except OSError:
            return False
        finally:
            os.close(fd)

    def _replace(self, name: bytes, data: bytes) -> bool:
        """Have the file ``name`` say ``data``, in one step; tell whether it does."""
        path = self._directory.at(name)
        new = path + NEW
        try:
            fd = os.open(new, CREATE, 0o644)
            try:
                whole = os.write(fd, data) == len(data)
            finally:
                os.close(fd)
            if whole:
                os.rename(new, path)
        except OSError:
            whole = False
        if not whole:
            self._remove(name + NEW)
        return whole

    def died(self, death: Death, number: int) -> None:
        """Remember a death, one of ``number``, and the last one in any case."""
        at = self._directory.at
        try:
            deaths.add(at(names.DEATHS), at(deaths.NEW), death, max(number, 1))
        except OSError:
            pass

    def last_death(self) -> Death | None:
        """Return the last death that was remembered, if any was."""
        try:
            found = deaths.read(self._directory.at(names.DEATHS), 1)
        except OSError:
            return None
        return found[0] if found else None

    def has_failed(self) -> bool:
        """Tell whether it is marked as having failed for good."""
        return os.path.exists(self._directory.at(names.FAILED))

    def mark(self, failed: bool) -> None:
        """Mark it as having failed for good, or not."""
        if failed == self._failed or (self._failed is None and not failed):
            return  # what is left of before is removed when there is time
        if not failed:
            self._failed = False if self._remove(names.FAILED) else None
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | names.AT_ONCE
        try:
            os.close(os.open(self._directory.at(names.FAILED), flags, 0o644))
        except OSError:
            return
        self._failed = True
