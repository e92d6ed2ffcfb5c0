"""The lock of a scan directory: there is one svscan on it at a time, and the next one waits.

The lock is a flock on the directory itself, so that it needs no entry there. Whoever can read a
directory can lock it. Therefore svscan looks who has the lock: it waits for another svscan, but
not for a stranger, nor for what a killed svscan left behind. Each service has a lock of its
own, so that going on without this one starts nothing twice.
"""

from __future__ import annotations

import errno
import fcntl
import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.messages import fatal, warn
from slashservice.supervise.protocol import former, scan_directory, scanner_pid
from slashservice.supervise.services.refusal import SECONDS_OF_PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.platform.loop import Loop


WAIT_FIRST = 0.01
WAIT_LAST = 1.0
"""Seconds until the next try; they double each time."""


class Held:
    """The lock that we hold: a descriptor of the directory, -1 for none."""

    fd = -1


HELD = Held()


def follow(path: bytes) -> None:
    """Hold the lock of the directory that is at ``path`` now, instead of that of the one before.

    Where another process has it, we do without.
    """
    before, HELD.fd = HELD.fd, -1
    if not _taken(path):
        warn("svscan", path + b" is locked by another process: going on without the lock")
    if before >= 0:
        for kind in (scanner_pid.DRAINED, scanner_pid.RUNS):
            scanner_pid.remove(before, kind)
        os.close(before)


def take(loop: Loop, path: bytes, wait: bool = True) -> int:
    """Be the only svscan on ``path``. Return the signal that came meanwhile, 0 for none.

    After TERM there is no lock; after USR1 there is, but nothing shall be started. Without
    ``wait`` it is given up after a second: then ``Quit`` is raised.
    """
    if wait:
        dismiss(path)
    if _taken(path):
        return 0
    waiting = Waiting(loop, path, wait)
    while not waiting.is_over:
        loop.step()
    if waiting.said:
        scanner_pid.remove(path, scanner_pid.WAITS)
    return waiting.told


def _taken(path: bytes) -> bool:
    """Take the lock for as long as we live; False if another process has it.

    Where a directory can't be locked, as by NFS, we do without.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        _lock(fd)
        former.take_over(path)
    except BlockingIOError:
        os.close(fd)
        return False
    HELD.fd = fd
    return True


def _lock(fd: int) -> None:
    """Lock, if the file system can. Raises ``BlockingIOError`` if another process has the lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass


def dismiss(path: bytes) -> None:
    """Have what a runsvdir left behind to keep its services leave them to us."""
    pid = scanner_pid.keeper(path)
    if pid not in (0, os.getpid()):
        try:
            os.kill(pid, signal_numbers.SIGQUIT)
        except OSError:
            pass  # it has ended, or is another account's


class Waiting:
    """Tries again and again to lock ``path``, and obeys signals meanwhile.

    TERM, INT and QUIT end it, HUP has it try at once.
    """

    def __init__(self, loop: Loop, path: bytes, wait: bool) -> None:
        self.is_over = False
        self.told = 0
        self._loop = loop
        self._path = path
        self._wait = wait
        self.said = False
        self._delay = WAIT_FIRST
        self._patience = loop.clock() + SECONDS_OF_PATIENCE
        for number in (signal_numbers.SIGTERM, signal_numbers.SIGQUIT):
            loop.on_signal(number, self._end)
        if signals.getsignal(signal_numbers.SIGINT) != signals.SIG_IGN:
            loop.on_signal(signal_numbers.SIGINT, self._end)
        loop.on_signal(signal_numbers.SIGUSR1, self._start_nothing)
        loop.on_signal(signal_numbers.SIGHUP, self._try)
        loop.after(self._delay, self._again)

    def _end(self) -> None:
        self.told = signal_numbers.SIGTERM
        self.is_over = True

    def _start_nothing(self) -> None:
        self.told = signal_numbers.SIGUSR1

    def _again(self) -> None:
        if self.is_over:
            return
        self._try()
        self._delay = min(2 * self._delay, WAIT_LAST)
        self._loop.after(self._delay, self._again)

    def _try(self) -> None:
        if self.is_over:
            return
        if _taken(self._path):
            self.is_over = True
            return
        dismiss(self._path)
        if not self.said and self._loop.clock() >= self._patience:
            self._judge()

    def _judge(self) -> None:
        """Wait for a svscan, with a word about it, or give up; go on without the lock else."""
        pid = scan_directory.running(self._path)
        holders = scan_directory.holders(self._path)
        if not pid and holders:
            by = b" is locked by process %d, which is no svscan" % holders[0]
            warn("svscan", self._path + by + b": going on without the lock")
            self.is_over = True
            return
        what = b"unable to acquire " + self._path
        held = BlockingIOError(errno.EAGAIN, "")
        if not self._wait:
            raise fatal("svscan", what, held)
        self.said = True
        try:
            scanner_pid.write(self._path, scanner_pid.WAITS)
        except OSError:
            pass  # we do without, as with the other note
        whom = b"process %d" % pid if pid else b"another svscan"
        warn("svscan", what + b", waiting for the end of " + whom, held)
