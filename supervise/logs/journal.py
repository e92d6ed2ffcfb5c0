"""The journal of a hosted logger: the input that is not yet in its logs.

A log host may be killed at any instruction. Even then every line must arrive in the logs once.
So a logger keeps a journal, a file in the supervise directory of its log service. Each step
leaves enough in the journal for the next logger to go on at exactly the same point:

1. A block is *moved* from the pipe into the journal by ``splice``. The kernel does this in one
   system call, and no process is killed within one. The size of the file tells how much it was.
2. Before each write to a log, the intent is noted: the log file (by its inode number), its
   size, and which part of which output follows. The size of the log file afterwards tells how
   far the write got.
3. When a block is done, the journal is emptied, and with it every note. If the block ends in an
   unfinished line, the line is written to the journal's head, and the next block goes behind.

The journal survives the process, not the machine: nothing is ever synced. Where it can't be
written (its disk is full), the logger goes on without it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib

from slashservice.supervise.logs.unfinished_line import as_read
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.logs.folder import Folder

CARRY = struct.Struct("<4sIQH")
"""Magic, script, offset of the data that is not done, length of the carry behind this."""

INTENT = struct.Struct("<4sIH32pQQQQ")
"""Magic, script, output, stamp; inode number and size of the file, offset and length."""

MAGIC = b"slj1"
INTENT_AT = 1920
DATA = 2048
LARGEST = 1 << 20
"""Bytes after which a journal that never becomes empty is begun anew."""


class Interrupted:
    """The block that a killed logger was at, and how far it had got.

    ``carry`` is what the logger had carried over from the blocks before. ``stamp`` is the stamp
    of the block's lines; it is empty if none of them was written. All outputs before number
    ``output`` are written, and ``offset`` bytes of this one.
    """

    __slots__ = ("block", "carry", "offset", "output", "stamp")

    def __init__(self, block: bytes, carry: bytes) -> None:
        self.block = block
        self.carry = carry
        self.stamp = b""
        self.output = self.offset = 0


class Journal:
    """The journal in the file ``fd``, of a logger with the action script ``words``.

    For each block there is a :meth:`take` or a :meth:`put`, then :meth:`begin`, an
    :meth:`intend` before each write, and :meth:`done`.
    """

    __slots__ = ("_fd", "_file", "_interrupted", "_length", "_script", "_stamp", "_start")

    def __init__(self, fd: int, words: Sequence[bytes]) -> None:
        self._fd = fd
        self._script = zlib.crc32(b"\0".join(words))
        self._start = DATA
        """Where in the file the block is."""
        self._length = 0
        """Bytes of the block that are in the file: all, or none."""
        self._stamp = b""
        self._interrupted: Interrupted | None = None
        self._file = (0, 0, 0)
        """Of the write that was interrupted: the file's inode number and size, and its length."""

    def try_lock(self) -> bool:
        """Lock the journal; return whether it is ours, and not a predecessor's."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def recover(self) -> Interrupted | None:
        """Return what a killed logger has left to be done, if anything.

        If that logger had another script, the whole block is done again by this one.
        """
        header = os.pread(self._fd, DATA, 0).ljust(DATA, b"\0")
        magic, script, start, length = CARRY.unpack_from(header)
        raw = carry = b""
        if magic == MAGIC:
            self._start = start
            carry = header[CARRY.size : CARRY.size + length]
            if script != self._script:
                raw, carry = as_read(carry), b""
        self._length = max(0, os.fstat(self._fd).st_size - self._start)
        block = raw + os.pread(self._fd, self._length, self._start)
        if not block and not carry:
            return None
        found = self._interrupted = Interrupted(block, carry)
        magic, script, output, stamp, *file, offset, length = INTENT.unpack_from(header, INTENT_AT)
        if magic == MAGIC and script == self._script:
            self._stamp = found.stamp = stamp
            found.output, found.offset = output, offset
            self._file = (*file, length)
        return found

    def settle_write(self, output: int, folder: Folder, names: Sequence[bytes]) -> None:
        """Find out how far the last write got, if it was one of ``output`` in ``folder``.

        The write went to one of the files ``names``. If none of them is that file, it was
        complete and finished, and has been removed since.
        """
        found = self._interrupted
        inode, size, length = self._file
        if not found or output != found.output or not inode:
            return
        written = length
        for name in names:
            about = folder.stat(name)
            if about and about.st_ino == inode:
                written = min(max(about.st_size - size, 0), length)
        found.offset += written
        self._file = (0, 0, 0)
        self._note(output, 0, 0, found.offset, 0)

    def take(self, pipe: int, size: int) -> bytes:
        """Return up to ``size`` bytes of the pipe, which are now kept here.

        Raises ``BlockingIOError`` if the pipe is empty, and the ``OSError`` of reading.
        """
        try:
            self._length = system.splice(pipe, self._fd, size, self._start)
        except BlockingIOError:
            raise
        except OSError:
            self._length = 0
            return os.read(pipe, size)
        return os.pread(self._fd, self._length, self._start)

    def put(self, block: bytes) -> None:
        """Keep a block that does not come from the pipe."""
        try:
            self._length = os.pwrite(self._fd, block, self._start)
        except OSError:
            self._length = 0

    def begin(self, stamp: bytes) -> None:
        """Note which stamp the lines of the block get."""
        self._stamp = stamp

    def intend(self, output: int, file: int, size: int, offset: int, length: int) -> None:
        """Note that ``length`` bytes of an output, at ``offset``, are about to be written.

        They go to the end of the file with the descriptor ``file``, which has that size now.
        """
        if self._length:
            self._note(output, os.fstat(file).st_ino, size, offset, length)

    def _note(self, output: int, inode: int, size: int, offset: int, length: int) -> None:
        if self._length:
            intent = INTENT.pack(
                MAGIC, self._script, output, self._stamp, inode, size, offset, length
            )
            try:
                os.pwrite(self._fd, intent, INTENT_AT)
            except OSError:
                pass

    def done(self, carry: Callable[[], bytes]) -> None:
        """Note that the block is written, except the carry, which comes with the next block."""
        self._interrupted = None
        unfinished = carry()
        try:
            if unfinished and CARRY.size + len(unfinished) <= INTENT_AT:
                self._carry_over(unfinished)
                return
        except OSError:
            pass
        self._start = DATA
        os.ftruncate(self._fd, 0)

    def _carry_over(self, carry: bytes) -> None:
        self._start += self._length
        self._write_header(carry)
        if self._start > LARGEST:
            os.ftruncate(self._fd, DATA)
            self._start = DATA
            self._write_header(carry)

    def _write_header(self, carry: bytes) -> None:
        header = CARRY.pack(MAGIC, self._script, self._start, len(carry)) + carry
        os.pwrite(self._fd, header.ljust(DATA, b"\0"), 0)

    def close(self) -> None:
        """Let go of the file, and with it of the lock."""
        os.close(self._fd)
