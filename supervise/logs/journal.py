"""What a hosted logger has taken from its pipe and not yet written to its logs.

A log host may be killed at any instruction, and then every line its loggers had been given
must still arrive, and once. So a logger keeps a journal, a file in the supervise directory
of its log service, and each step leaves enough there for its successor to go on exactly:

1. A block is *moved* from the pipe into the journal by ``splice``. The kernel does that in one
   system call, within which a process isn't killed, and the size of the file tells how much.
2. Before each write to a log, the journal is told the intent: the file (by its inode
   number), its size, and which part of which output follows. How far the write got can be
   seen from the size of the file afterwards.
3. When a block is done the journal is emptied, which takes all of that back at once. If an
   unfinished line is carried over to the next block, it is first put into the header.

None of this is there to survive the machine, only the process: nothing is ever synced.
Where the journal can't be written (its disk is full) the logger goes on without.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib

from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.folder import Folder

CARRY = struct.Struct("<4sIQH")
"""Magic, script, offset of the data that is not done, length of the carry behind this."""

INTENT = struct.Struct("<4sIH32pQQQQ")
"""Magic, script, output, stamp; inode number and size of the file, offset and length."""

MAGIC = b"slj1"
INTENT_AT = 1920
DATA = 2048
LARGEST = 1 << 20
"""Bytes after which a journal that is never empty begins anew."""


class Journal:
    """The journal in the file ``fd``, of a logger with the action script ``words``."""

    def __init__(self, fd: int, words: Sequence[bytes]) -> None:
        self.fd = fd
        self.stamp = b""
        """The stamp of the block that is being written."""
        self.carry = b""
        """What the logger carried over from the blocks before."""
        self.resume = (0, 0)
        """The output, and the offset in it, where an interrupted block goes on."""
        self._script = zlib.crc32(b"\0".join(words))
        self._start = DATA
        self._length = 0
        self._file = (0, 0, 0)

    def try_lock(self) -> bool:
        """Take the journal, unless a predecessor still has it."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def recover(self) -> bytes:
        """Return the block that a killed logger was at, or nothing.

        If it had another script, what it had begun is done again by this one.
        """
        header = os.pread(self.fd, DATA, 0).ljust(DATA, b"\0")
        magic, script, start, length = CARRY.unpack_from(header)
        raw = b""
        if magic == MAGIC:
            self._start = start
            self.carry = header[CARRY.size : CARRY.size + length]
            if script != self._script:
                raw, self.carry = _unfinished(self.carry), b""
        self._length = max(0, os.fstat(self.fd).st_size - self._start)
        block = os.pread(self.fd, self._length, self._start)
        magic, script, output, stamp, *file, offset, length = INTENT.unpack_from(header, INTENT_AT)
        if magic == MAGIC and script == self._script:
            self.stamp = stamp
            self.resume = (output, offset)
            self._file = (*file, length)
        return raw + block

    def settle_write(self, output: int, folder: Folder, names: Sequence[bytes]) -> None:
        """Find out how far the last write got, if it was one of ``output`` in ``folder``.

        ``names`` are the files it may have been to. If none of them is, that file was
        finished, and complete, so that it could be removed.
        """
        inode, size, length = self._file
        if output != self.resume[0] or not inode:
            return
        written = length
        for name in names:
            about = folder.stat(name)
            if about and about.st_ino == inode:
                written = min(max(about.st_size - size, 0), length)
        self.resume = (output, self.resume[1] + written)
        self._file = (0, 0, 0)
        self.intend(output, 0, 0, self.resume[1], 0)

    def take(self, pipe: int, size: int) -> bytes:
        """Return what is in the pipe, up to ``size`` bytes, now also kept here."""
        try:
            self._length = system.splice(pipe, self.fd, size, self._start)
        except BlockingIOError:
            raise
        except OSError:
            self._length = 0
            return os.read(pipe, size)
        return os.pread(self.fd, self._length, self._start)

    def put(self, block: bytes) -> None:
        """Keep a block that doesn't come from the pipe."""
        try:
            self._length = os.pwrite(self.fd, block, self._start)
        except OSError:
            self._length = 0

    def intend(self, output: int, inode: int, size: int, offset: int, length: int) -> None:
        """Note that ``length`` bytes of an output, at ``offset``, are about to be written.

        They go to the end of the file with that inode number, which has that size now.
        """
        if self._length:
            intent = INTENT.pack(
                MAGIC, self._script, output, self.stamp, inode, size, offset, length
            )
            try:
                os.pwrite(self.fd, intent, INTENT_AT)
            except OSError:
                pass

    def done(self, carry: bytes) -> None:
        """The block is written, all but the ``carry``, which goes with the next one."""
        self.resume = (0, 0)
        try:
            if carry and CARRY.size + len(carry) <= INTENT_AT:
                self._carry_over(carry)
                return
        except OSError:
            pass
        self._start = DATA
        os.ftruncate(self.fd, 0)

    def _carry_over(self, carry: bytes) -> None:
        self._start += self._length
        self._write_header(carry)
        if self._start > LARGEST:
            os.ftruncate(self.fd, DATA)
            self._start = DATA
            self._write_header(carry)

    def _write_header(self, carry: bytes) -> None:
        header = CARRY.pack(MAGIC, self._script, self._start, len(carry)) + carry
        os.pwrite(self.fd, header.ljust(DATA, b"\0"), 0)

    def close(self) -> None:
        """Let go of the file, and with it of the lock."""
        os.close(self.fd)


def pack_carry(head: bytes, read: int, overlong: bool, passing: Sequence[bool]) -> bytes:
    """Pack what a logger knows of an unfinished line (see :class:`~.lines.Lines`)."""
    flags = bytes(passing)
    return struct.pack("<?HH", overlong, read, len(flags)) + flags + head


def unpack_carry(carry: bytes) -> tuple[bytes, int, bool, bytes]:
    """Unpack what :func:`pack_carry` packed."""
    overlong, read, count = struct.unpack_from("<?HH", carry)
    return carry[5 + count :], read, overlong, carry[5 : 5 + count]


def _unfinished(carry: bytes) -> bytes:
    """Return the characters of a carry as they were read, without any stamp."""
    head, read, _, _ = unpack_carry(carry)
    return head[-read:] if read else b""
