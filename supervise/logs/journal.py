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

What no logger would have left in it is *damage*. Nobody can tell then which lines are in the
logs. So a damaged journal is discarded, and named: lines may be lost, but none comes twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib

from slashservice.supervise.logs.unfinished_line import as_read
from slashservice.supervise.messages import warn
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from slashservice.supervise.logs.folder import Folder

CARRY = struct.Struct("<4sIQHI")
"""Magic, script, offset of the data that is not done, length of the carry behind this; CRC."""

INTENT = struct.Struct("<4sIQH32pQQQQI")
"""Magic, script, where the block is, output, stamp; inode number and size of the file; offset and
length; CRC.

Both CRC-32 are those of the bytes before, and of the carry.
"""

CRC = struct.Struct("<I")

MAGIC = b"slj2"
INTENT_AT = 1920
DATA = 2048
LARGEST = 1 << 20
"""Bytes after which a journal that never becomes empty is begun anew."""

LARGEST_BLOCK = 1 << 16
"""Bytes of a block at most."""

LARGEST_OUTPUT = 1 << 22
"""Bytes that a block can have with all its stamps, and more."""


class Damaged(Exception):  # noqa: N818 - it says what the journal is
    """No logger would have left that."""


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

    __slots__ = (
        "_at",
        "_fd",
        "_file",
        "_interrupted",
        "_length",
        "_program",
        "_script",
        "_stamp",
        "_start",
        "_unkept",
        "_usable",
        "_words",
        "has_carry",
        "is_carry_lost",
    )

    def __init__(self, fd: int, words: Sequence[bytes]) -> None:
        self._fd = fd
        self._words = words
        self._program = "multilog"
        self._usable = True
        """Whether the file can be emptied. If not, it is not filled either."""
        self._script = zlib.crc32(b"\0".join(words))
        self._start = DATA
        """Where in the file the block is."""
        self._length = 0
        """Bytes of the block that are in the file: all, or none."""
        self._unkept = b""
        """The block, if it is not in the file: there was no room."""
        self._at = (0, 0)
        """How far the block is written: to which output, and how many bytes of that."""
        self._stamp = b""
        self._interrupted: Interrupted | None = None
        self.has_carry = False
        """Whether an unfinished line is in the file, and all before it in the logs."""
        self.is_carry_lost = False
        """Whether there is an unfinished line that is in neither."""
        self._file = (0, 0, 0)
        """Of the write that was interrupted: the file's inode number and size, and its length."""

    def try_lock(self) -> bool:
        """Lock the journal; return whether it is ours, and not a predecessor's."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def rename(self, program: str, words: Sequence[bytes]) -> None:
        """Have another script, of ``program``; a carry is left as it is."""
        self._program, self._script = program, zlib.crc32(b"\0".join(words))

    def recover(self) -> Interrupted | None:
        """Return what a killed logger has left to be done, if anything.

        If that logger had another script, the whole block is done again by this one. A damaged
        journal is discarded.
        """
        try:
            self._interrupted = self._read()
        except (Damaged, OSError) as error:
            self.discard(error if isinstance(error, OSError) else None)
        return self._interrupted

    def _read(self) -> Interrupted | None:
        """Read the journal. Raises ``Damaged``, and the ``OSError`` of reading."""
        size = os.fstat(self._fd).st_size
        if not size:
            return None
        header = os.pread(self._fd, DATA, 0)
        if len(header) < DATA:
            raise Damaged
        raw, carry = self._read_carry(header)
        begun_anew = size == DATA and self._start > LARGEST
        intent = self._read_intent(header)
        if size < self._start and not begun_anew and intent:
            raise Damaged  # a part of a block that is not there was written
        self._length = max(0, size - self._start)
        if self._length > LARGEST_BLOCK:
            raise Damaged
        block = raw + os.pread(self._fd, self._length, self._start)
        self.has_carry = bool(carry) and not block
        if not block and not carry:
            return None
        found = Interrupted(block, carry)
        if intent:
            _, script, _, output, stamp, *file, offset, length, _ = intent
            if script == self._script:
                self._stamp = found.stamp = stamp
                found.output, found.offset = output, offset
                self._file = (*file, length)
        return found

    def _read_carry(self, header: bytes) -> tuple[bytes, bytes]:
        """Find out where the block begins; return the carry, as read or as this script has it."""
        magic, script, start, length, crc = CARRY.unpack_from(header)
        end = CARRY.size + length
        if magic != MAGIC:
            if header[:INTENT_AT].strip(b"\0"):
                raise Damaged
            return b"", b""
        carry = header[CARRY.size : end]
        if end > INTENT_AT or crc != _crc(header[: CARRY.size - CRC.size], carry):
            raise Damaged
        if not DATA <= start <= 2 * LARGEST:  # killed while it begins anew, it may pass LARGEST
            raise Damaged
        self._start = start
        try:
            read = as_read(carry)
        except ValueError:
            raise Damaged from None
        return (read, b"") if script != self._script else (b"", carry)

    def _read_intent(self, header: bytes) -> tuple[Any, ...] | None:
        """Return what is noted about a write; None if nothing is."""
        raw = header[INTENT_AT:]
        intent = INTENT.unpack_from(raw)
        if intent[0] == MAGIC:
            offset, length, crc = intent[-3:]
            if crc != _crc(raw[: INTENT.size - CRC.size]):
                raise Damaged
            if intent[2] != self._start or offset + length > LARGEST_OUTPUT:
                raise Damaged
            return intent
        if raw.strip(b"\0"):
            raise Damaged
        return None

    def discard(self, error: OSError | None = None) -> None:
        """Complain of damage, or that the journal can't be read; have nothing in the journal."""
        warn(self._program, b"damaged journal %s discarded" % self._name, error)
        self._interrupted = None
        self.has_carry = False
        self._file = (0, 0, 0)
        self._stamp = b""
        self._empty()

    @property
    def _name(self) -> bytes:
        """Its path, where the system tells; else whose it is, by a directory of that log."""
        try:
            return system.path_of(self._fd)
        except OSError:
            logs = [word for word in self._words if word[:1] in (b".", b"/")]
            return b"of " + b" ".join(logs[:1])

    def _empty(self) -> None:
        """Have nothing in the journal. If that is impossible, go on without it."""
        self._start = DATA
        try:
            os.ftruncate(self._fd, 0)
        except OSError as error:
            self._usable = False
            self._length = 0
            warn(self._program, b"unable to empty journal %s, going on without" % self._name, error)

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
        if not self._usable:
            return self._read_unkept(pipe, size)
        try:
            self._length = system.splice(pipe, self._fd, size, self._start)
        except BlockingIOError:
            raise
        except OSError:
            return self._read_unkept(pipe, size)
        return os.pread(self._fd, self._length, self._start)

    def _read_unkept(self, pipe: int, size: int) -> bytes:
        self._length = 0
        self._unkept = os.read(pipe, size)
        return self._unkept

    def put(self, block: bytes) -> None:
        """Keep a block that does not come from the pipe."""
        self._unkept = block
        if self._put(b""):
            self._unkept = b""

    def _put(self, note: bytes) -> bool:
        """Write the block into the file, and a note before it; tell whether all of it fit."""
        self._length = 0
        data, at = self._unkept, self._start
        if not self._usable:
            return False
        try:
            size = os.fstat(self._fd).st_size
            if note and at != DATA:
                return False  # a kill in between would write lines twice
            if note:
                data, at = note.ljust(DATA - INTENT_AT, b"\0") + data, INTENT_AT
            if os.pwrite(self._fd, data, at) == len(data):
                self._length = len(self._unkept)
                return True
            os.ftruncate(self._fd, size)
        except OSError:
            pass
        return False

    def secure(self) -> None:
        """Keep a block that found no room when it was read, now that it is written in part."""
        if self._unkept and self._put(self._intent(self._at[0], 0, 0, self._at[1], 0)):
            self._unkept = b""

    @property
    def keeps_all(self) -> bool:
        """Whether a kill would lose nothing: all that was read is in the logs, or here."""
        return not self._unkept and not self.is_carry_lost

    def begin(self, stamp: bytes) -> None:
        """Note which stamp the lines of the block get."""
        self._stamp = stamp
        self._at = (0, 0)

    def intend(self, output: int, file: int, size: int, offset: int, length: int) -> None:
        """Note that ``length`` bytes of an output, at ``offset``, are about to be written.

        They go to the end of the file with the descriptor ``file``, which has that size now.
        """
        self._at = output, offset
        if self._length:
            self._note(output, os.fstat(file).st_ino, size, offset, length)

    def reached(self, output: int, offset: int) -> None:
        """Know that so many bytes of an output are written."""
        self._at = output, offset

    def retract(self, output: int, offset: int) -> None:
        """Note that only so many bytes of an output are written: the rest went with its file."""
        self._at = output, offset
        self._note(output, 0, 0, offset, 0)

    def _note(self, output: int, inode: int, size: int, offset: int, length: int) -> None:
        if self._length:
            try:
                os.pwrite(self._fd, self._intent(output, inode, size, offset, length), INTENT_AT)
            except OSError:
                pass

    def _intent(self, output: int, inode: int, size: int, offset: int, length: int) -> bytes:
        what = (output, self._stamp, inode, size, offset, length, 0)
        intent = INTENT.pack(MAGIC, self._script, self._start, *what)[: -CRC.size]
        return intent + CRC.pack(_crc(intent))

    def done(self, carry: Callable[[], bytes]) -> None:
        """Note that the block is written, except the carry, which comes with the next block."""
        self._interrupted = None
        self.has_carry = False
        self._unkept = b""
        unfinished = carry()
        self.is_carry_lost = bool(unfinished)
        if not self._usable:
            return
        try:
            if unfinished and CARRY.size + len(unfinished) <= INTENT_AT:
                self._carry_over(unfinished)
                self.has_carry = True
                self.is_carry_lost = False
                return
        except OSError:
            pass
        self._empty()

    def _carry_over(self, carry: bytes) -> None:
        self._start += self._length
        self._write_header(carry)
        if self._start > LARGEST:
            os.ftruncate(self._fd, DATA)
            self._start = DATA
            self._write_header(carry)

    def _write_header(self, carry: bytes) -> None:
        start = CARRY.pack(MAGIC, self._script, self._start, len(carry), 0)[: -CRC.size]
        header = (start + CRC.pack(_crc(start, carry)) + carry).ljust(DATA, b"\0")
        if os.pwrite(self._fd, header, 0) != DATA:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Let go of the file, and with it of the lock."""
        os.close(self._fd)


def _crc(data: bytes, carry: bytes = b"") -> int:
    return zlib.crc32(carry, zlib.crc32(data))
