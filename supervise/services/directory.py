"""A service directory on disk: its lock, its FIFOs, its status file, its record.

This is the protocol that every client since 2001 speaks; ``docs/design.md`` has the table.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from slashservice.supervise.messages import complain, message
from slashservice.supervise.platform import posix
from slashservice.supervise.protocol import names, record
from slashservice.supervise.services import (
    adoption,
    fifo,
    inode,
    lock_file,
    status_file,
    whereabouts,
)
from slashservice.supervise.services.refusal import Refused, surely

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.protocol.record import Record
    from slashservice.supervise.protocol.status import Status
    from slashservice.supervise.services.adoption import Left


CONTROL_READ = 64
"""Control characters taken at a time, so that a flood for one service delays no other.

Each may have the status file written twice, which takes a fifth of a millisecond and more.
"""

ATTEMPTS = 5
"""How often a file is written whose directory may be renamed between two of our calls."""

SECONDS_OF_DOUBT = 5.0
"""A start that follows the one before so soon is a sign of trouble with the directory."""


class ServiceDirectory:
    """The service directory at ``path`` (absolute); ``name`` is what messages call it.

    It is known by device and inode, as it may be renamed under us or its link removed.
    Holds three descriptors: the lock, the control FIFO, the ok FIFO. ``default`` is what is
    wanted of the service at first.
    """

    __slots__ = (
        "_commands",
        "_control",
        "_looked",
        "_ok",
        "_state",
        "_written",
        "default",
        "inode",
        "lock",
        "name",
        "path",
        "place",
    )

    def __init__(self, path: bytes, name: bytes) -> None:
        self.path = path
        self.name = name
        self.lock = self._control = self._ok = -1
        self.default = b"u"
        self._commands: Callable[[bytes], None] | None = None
        self._written = b""
        self._looked = 0.0
        self.inode = inode.NONE
        self.place = b""
        self._state = b""
        """The path of ``supervise`` if that is a link; else empty."""

    def acquire(self, life: bytes, limit: int) -> Left | None:
        """Take the directory: lock it, open the FIFOs. Raises ``Refused``.

        Returns what a supervisor that was killed left, in this life of the machine.
        ``limit`` is how many descriptors we may have.
        """
        try:
            self._take()
            left = self._left_behind(life)
            self._open(limit, left is None)
            return left
        except BaseException:
            self.release()
            raise

    def _take(self) -> None:
        """Lock it."""
        try:
            # The dot makes it need what a chdir would need.
            self.inode = inode.of(os.stat(self.path + b"/."))
        except OSError as error:
            raise self._refused(b"unable to chdir to ", b"", error) from None
        self.default = self._default_want()
        self._find_state()
        try:
            self.lock = lock_file.opened(self.at(names.LOCK))
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.place = record.place(self.inode, inode.of(os.fstat(self.lock)))
        except OSError as error:
            raise self._refused(b"unable to acquire ", names.LOCK, error) from None

    def _open(self, limit: int, is_new: bool) -> None:
        """Open the FIFOs; before clients see it by the second, have a status of this life there."""
        self._control = self._fifo(names.CONTROL)
        if is_new:
            self._written = status_file.begin(self.at(names.STATUS), self.default)
        self._ok = self._fifo(names.OK)
        if not posix.has_room(max(self.lock, self._control, self._ok), limit):
            raise self._refused(b"unable to acquire ", names.LOCK, OSError(errno.EMFILE, ""))

    def _find_state(self) -> None:
        """Find out where ``supervise/`` is, if it is a link."""
        try:
            link = os.readlink(self.path + b"/" + names.SUPERVISE)
        except OSError:
            self._state = b""
        else:
            self._state = os.path.realpath(os.path.join(self.path, link))

    def _fifo(self, file: bytes) -> int:
        try:
            return fifo.opened(self.at(file))
        except OSError as error:
            # C opens it for reading first, which works on a directory.
            what = b"write " if isinstance(error, IsADirectoryError) else b"read "
            raise self._refused(b"unable to " + what, file, error) from None

    def at(self, file: bytes) -> bytes:
        """Return the path of a file in ``supervise/``, as :mod:`names` has it.

        Where ``supervise`` is a link, the path does not lead through the service directory. So
        what is there can be reached while the file system of the service does not answer.
        """
        if self._state:
            return self._state + file[len(names.SUPERVISE) :]
        return self.path + b"/" + file

    @property
    def is_split(self) -> bool:
        """Whether ``supervise`` is a link, so that our files are elsewhere."""
        return self._state != b""

    def _refused(self, what: bytes, file: bytes, error: OSError) -> Refused:
        path = self.name + b"/" + file if file else self.name
        line = message("supervise", b"fatal", what + path, error)
        return Refused(line, busy=isinstance(error, BlockingIOError))

    def _left_behind(self, life: bytes) -> Left | None:
        try:
            found = record.parse(os.pread(self.lock, record.LENGTH + 1, 0))
            same = found and record.same_life(found.life, life) and life != record.NAMELESS
        except OSError as error:
            raise self._refused(b"unable to read ", names.LOCK, error) from None
        if found and not found.is_for(self.place):
            if same:  # else it may be the same place, as a boot may give a device another number
                adoption.forget_lines(self.at)
        elif found and same:
            try:
                left = adoption.look(found, self.path, self.at(names.STATUS), self.default)
            except OSError as error:
                raise self._refused(b"unable to read ", names.STATUS, error) from None
            if not (left.dead and self._was_restored()):
                return left
            adoption.forget_lines(self.at)
        return None

    def _was_restored(self) -> bool:
        """Tell whether this is a copy that was put where its original, and its inodes, had been.

        Raises ``Refused`` if that can't be told now: what it says may have been said already.
        """
        try:
            from slashservice.supervise.platform import restored

            return restored.was_restored(self.lock)
        except OSError as error:
            raise self._refused(b"unable to stat ", names.LOCK, error) from None

    def fifos(self) -> set[int]:
        """Return the descriptors by which clients see that somebody is there."""
        return {self._control, self._ok}

    @property
    def is_held(self) -> bool:
        """Whether it is ours, from ``acquire`` to ``release``."""
        return self.lock >= 0

    def listen(self, loop: Loop, commands: Callable[[bytes], None]) -> None:
        """Call ``commands`` with the control characters that clients send.

        Raises ``Refused`` if the kernel can't watch one more FIFO now; the directory is let go.
        """
        try:
            loop.add(self._control, lambda: self._heed(self._control))
        except OSError as error:
            self.release()
            raise self._refused(b"unable to watch ", names.CONTROL, error) from None
        self._commands = commands

    def ignore(self, loop: Loop) -> None:
        """Listen no more. To be called before ``release``."""
        loop.remove(self._control)
        self._commands = None

    def _heed(self, control: int) -> None:
        try:
            characters = os.read(control, CONTROL_READ)
        except OSError:  # another process reads our FIFO, and was faster; or it is for later
            return
        if self._commands:
            self._commands(characters)

    def not_started(self, error: OSError, script: bytes = b"run") -> bytes:
        """Compose the complaint that a script can't be run."""
        what = b"unable to start " + self.name + b"/" + script
        return message("supervise", b"fatal", what, error)

    def record(
        self, pid: int, life: bytes, hosted: bool = False, since: int = 0, finish: bool = False
    ) -> None:
        """Write down that ``pid`` is the service's process in this life of the machine.

        It was started at ``since`` at the earliest; with 0 that is looked up. It is tried again
        at once: from here on a kill of svscan would have the process forgotten.
        """
        try:
            surely(
                lambda: os.pwrite(
                    self.lock, record.of(pid, life, self.place, hosted, since, finish).line(), 0
                ),
                seconds=0,
            )
        except OSError as error:
            what = b"unable to write " + self.name + b"/" + names.LOCK
            complain(message("supervise", b"warning", what, error))

    def record_intent(self, life: bytes, mark: int) -> Record:
        """Write down that a process is being started, and return that; ``record`` is to follow."""
        intent = record.intent(life, mark, self.place)
        try:
            os.pwrite(self.lock, intent.line(), 0)
        except OSError:
            pass  # ``record`` will complain of it
        return intent

    def recorded(self) -> int:
        """Return the pid on record, 0 for none; less than 0 if only an intent is there."""
        found = record.parse(os.pread(self.lock, record.LENGTH, 0))
        return -1 if found is None or found.mark else found.pid

    def is_recorded(self, pid: int) -> bool:
        """Tell whether ``pid`` is on record; False if that can't be told now."""
        try:
            return self.recorded() == pid
        except OSError:
            return False

    def _default_want(self) -> bytes:
        """Return what is wanted of the service at first: down if it has a file ``down``."""
        try:
            os.stat(self.path + b"/" + names.DOWN)
        except FileNotFoundError:
            return b"u"
        except OSError as error:
            raise self._refused(b"unable to stat ", names.DOWN, error) from None
        return b"d"

    def locate(self) -> bool:
        """Make sure that our files are where ``path`` says, following a rename; False if gone."""
        if self.is_split or inode.at(self.path) == self.inode:
            return True
        path = whereabouts.found(self.lock, self.inode)
        self.path = path or self.path
        return bool(path)

    def is_there(self) -> bool:
        """Tell whether there still is a directory to run something in.

        One whose files are elsewhere is not looked at, as its file system may not answer. But
        where the last start was a moment ago, it has answered.
        """
        if not self.is_split:
            return self.locate()
        now = time.monotonic()
        before, self._looked = self._looked, now
        return now - before > SECONDS_OF_DOUBT or inode.at(self.path) == self.inode

    def enter(self) -> None:
        """Make it the current directory. Raises ``OSError``, also if another has its path now."""
        whereabouts.enter(self.path, self.lock, self.inode)

    def holds_lock_in(self, path: bytes) -> bool:
        """Tell whether the lock file of the service directory ``path`` is the one we hold.

        True if that can't be told now: who took it for another would leave the service.
        """
        try:
            ours = inode.of(os.fstat(self.lock))
            return inode.of(os.stat(os.path.join(path, names.LOCK))) == ours
        except OSError as error:
            return posix.may_pass(error)  # or the file system has lost it, as NFS may

    def announce(self, now: Status, attempts: int = ATTEMPTS) -> bytes:
        """Write the status file if its content changes.

        Returns the warning to print, empty if all went well. At each of the ``attempts`` the
        directory may be renamed.
        """
        data = now.pack()
        if data == self._written:
            return b""
        is_first, self._written = self._written == status_file.FIRST, data
        try:
            if not self.locate():
                raise status_file.NotWritten(
                    b"unable to open ", status_file.NEW, FileNotFoundError(errno.ENOENT, "")
                )
            path = self.at(names.STATUS)
            if not (is_first and status_file.follow(path, data)):
                status_file.replace(path, self.at(status_file.NEW), data)
        except status_file.NotWritten as trouble:
            self._written = b""
            if attempts > 1 and trouble.error.errno == errno.ENOENT:
                return self.announce(now, attempts - 1)
            what = trouble.what + self.name + b"/" + trouble.which
            return message("supervise", b"warning", what, trouble.error)
        return b""

    def mend(self, loop: Loop) -> bool:
        """Make again what somebody has removed of ``supervise/``; tell whether anything was.

        Nothing is made in a directory without a run script: that is just being removed. What is
        listened to by ``loop`` still is. Raises ``OSError`` or ``Refused`` if something can't be
        made now: somebody else has made it his, or there is no room.
        """
        if not (self.is_held and self._commands and self.locate()):
            return False
        if not os.path.exists(self.path + b"/run"):
            return False
        files = {names.LOCK: self.lock, names.CONTROL: self._control, names.OK: self._ok}
        gone = [
            file for file, fd in files.items() if inode.at(self.at(file)) != inode.of(os.fstat(fd))
        ]
        if not gone and os.path.exists(self.at(names.STATUS)):
            return False
        self._written = b""
        for file in gone:
            if file == names.LOCK:
                self.place = lock_file.make_again(
                    self.at(file), self.at(names.NEW_LOCK), self.lock, self.inode
                )
            elif file == names.CONTROL:
                self._replace_control(loop)
            else:
                new = self._fifo(file)
                os.close(self._ok)
                self._ok = new
        return True

    def _replace_control(self, loop: Loop) -> None:
        """Make the control FIFO again. Until the new one is listened to, the old one is."""
        new = self._fifo(names.CONTROL)
        try:
            loop.add(new, lambda: self._heed(self._control))
        except OSError:
            os.close(new)
            raise
        old, self._control = self._control, new
        loop.remove(old)
        loop.after(0, lambda: self._heed_last(old))

    def _heed_last(self, control: int) -> None:
        """Close a control FIFO that was removed. A command that had come before counts."""
        self._heed(control)
        os.close(control)

    def release(self, forget: bool = False) -> None:
        """Let go of the directory; with ``forget``, the next supervisor is to start afresh."""
        if forget:
            self.record(0, record.NAMELESS)
        for fd in (self._ok, self._control, self.lock):
            if fd >= 0:
                posix.close(fd)
        self.lock = self._control = self._ok = -1
