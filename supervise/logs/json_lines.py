"""Lines of logs as JSON: one object in each line of output, in ASCII.

``message`` and ``service`` are text. Bytes that are no UTF-8 are U+FFFD in it; the bytes themselves
are in ``message_base64``, ``service_base64``, which are there only then.
"""

from __future__ import annotations

import codecs
import time
from binascii import b2a_base64
from json import dumps

from slashservice.supervise.logs.shower import Shower
from slashservice.supervise.printable import printable_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashservice.supervise.logs.reader import LogReader

PIECE = 3 << 16
"""Bytes that are written at a time, as a message may be very long. Three make four of base64."""


class JsonShower(Shower):
    """Writes each line as an object."""

    def _parts(
        self, when: int | None, stamp: bytes, rest: bytes, reader: LogReader
    ) -> Iterator[bytes]:
        told = when if stamp else None
        moment = None if told is None else iso(told)
        yield b"{"
        yield from _text(b"service", reader.name)
        yield f', "time": {dumps(moment)}, "nanoseconds": {dumps(told)}, '.encode("ascii")
        yield from _text(b"message", rest)
        yield b"}\n"


def iso(when: int) -> str | None:
    """Return the time, given in Unix nanoseconds, as ISO 8601 has it, in UTC; None beyond that."""
    second, nanoseconds = divmod(when, 1_000_000_000)
    try:
        date = time.gmtime(second)
    except (OverflowError, ValueError, OSError):
        return None
    if not 0 <= date.tm_year <= 9999:
        return None
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z".format(*date[:6], nanoseconds)


def _text(name: bytes, value: bytes) -> Iterator[bytes]:
    """Yield a field with text, and one with the bytes if they are none."""
    yield b'"%s": "' % name
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in _pieces(value):
        yield printable_json(dumps(decoder.decode(piece))[1:-1]).encode("ascii")
    yield dumps(decoder.decode(b"", True))[1:-1].encode("ascii")
    yield b'"'
    if not _is_text(value):
        yield b', "%s_base64": "' % name
        for piece in _pieces(value):
            yield b2a_base64(piece, newline=False)
        yield b'"'


def _pieces(value: bytes) -> Iterator[bytes]:
    for at in range(0, len(value), PIECE):
        yield value[at : at + PIECE]


def _is_text(value: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for piece in _pieces(value):
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True
