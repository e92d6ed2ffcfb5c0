"""Reading a file of a log directory that somebody else may have made.

The account of a log can put there what it likes, and root reads it. So only a plain file is
opened, never what a link leads to, and nothing here waits for anybody. A compressed file is
unpacked piece by piece: a small one may hold very much.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 18
"""Bytes read or unpacked at a time."""

ENDLESS = 1 << 62
"""More bytes than a file has."""

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


class Unreadable(Exception):  # noqa: N818 - as in "file unreadable"
    """A file can't be read, or not to its end; ``why`` tells, where ``error`` does not."""

    def __init__(self, why: bytes = b"", error: OSError | None = None) -> None:
        super().__init__(why, error)
        self.why = why
        self.error = error


def open_plain(path: bytes) -> int:
    """Open a plain file, without waiting; return its descriptor.

    Raises ``FileNotFoundError`` or ``NotADirectoryError`` if it is gone, else ``Unreadable``.
    Nothing else is opened even for a moment: to open a device may do something.
    """
    try:
        _insist(os.lstat(path))
        fd = os.open(path, FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise Unreadable(error=error) from None
    try:
        _insist(os.fstat(fd))
    except Unreadable:
        os.close(fd)
        raise
    return fd


def _insist(about: os.stat_result) -> None:
    if stat.S_ISLNK(about.st_mode):
        raise Unreadable(b"a link, which is not followed")
    if not stat.S_ISREG(about.st_mode):
        raise Unreadable(b"not a plain file")


def blocks(fd: int, size: int = ENDLESS) -> Iterator[bytes]:
    """Yield what can be read from a descriptor, in pieces, ``size`` bytes at most.

    Raises ``Unreadable``.
    """
    while size and (block := _read(fd, min(BLOCK, size))):
        size -= len(block)
        yield block


def _read(fd: int, size: int) -> bytes:
    try:
        return os.read(fd, size)
    except OSError as error:
        raise Unreadable(error=error) from None


def contents(fd: int, place: Callable[[int], int] | None = None) -> Iterator[bytes]:
    """Yield the content of the open file, in pieces of ``BLOCK`` bytes at most; close it.

    It is decompressed if it is compressed and we, or a program here, can. What only begins
    like a compressed file is taken as it is. Of a plain file ``place`` tells where to begin; it is
    read as far as it reaches now. Raises ``Unreadable`` where it breaks off.
    """
    try:
        first = os.pread(fd, 4, 0)
        if first[:2] == GZIP:
            yield from _gunzipped(fd)
        elif first == ZSTD:
            yield from _unpacked_by([b"zstd", b"-dcq"], fd)
        else:
            begin = place(fd) if place else 0
            os.lseek(fd, begin, os.SEEK_SET)
            yield from blocks(fd, max(0, os.fstat(fd).st_size - begin))
    except OSError as error:
        raise Unreadable(error=error) from None
    finally:
        os.close(fd)


def _gunzipped(fd: int) -> Iterator[bytes]:
    """Yield what is in a file of gzip, which may have several parts."""
    import zlib

    unpacker = zlib.decompressobj(31)
    begun = False
    packed = b""
    while True:
        packed = packed or _read(fd, BLOCK)
        if not packed:
            if unpacker.eof:
                return
            raise Unreadable(b"it is cut off")
        if unpacker.eof:
            unpacker = zlib.decompressobj(31)
        try:
            piece = unpacker.decompress(packed, BLOCK)
        except zlib.error:
            if begun:
                raise Unreadable(b"it is damaged") from None
            os.lseek(fd, 0, os.SEEK_SET)
            yield from blocks(fd)
            return
        packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        begun |= bool(piece)
        if piece:
            yield piece


def _unpacked_by(command: list[bytes], fd: int) -> Iterator[bytes]:
    """Yield what a program makes of the file; the file as it is if there is no such program."""
    import subprocess

    try:
        process = subprocess.Popen(
            command, stdin=fd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EACCES):
            raise
        yield from blocks(fd)
        return
    assert process.stdout is not None
    try:
        yield from blocks(process.stdout.fileno())
        if process.wait():
            raise Unreadable(b"it is damaged")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
