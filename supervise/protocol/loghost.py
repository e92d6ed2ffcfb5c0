"""What svscan and a log host say to each other, over a socket that keeps messages apart.

A message is words with a NUL between them. svscan *requests*:

- ``start NUMBER PROGRAM COUNT DIR... ARG...``: run a logger, multilog or svlogd, if so many
  directories are there; its input, its directory and perhaps a file for its journal come along as
  descriptors. The answer is ``started NUMBER``, or ``full NUMBER`` if the host has no descriptors
  for it.
- ``signal NUMBER SIGNAL``: have the logger do what a process would. The answer is ``signalled
  NUMBER``, also if that logger is gone.

The host answers in the order in which it was asked. It also *reports*, at any time:

- ``exited NUMBER STATUS``: the logger is gone, with that wait status.
- ``ready NUMBER``, ``unready NUMBER``: the logger begins, as all of the directories are there; it
  is gone before it began, as one is missing. One of the two comes if there are such, once.
- ``trouble NUMBER TEXT``, ``trouble NUMBER``: what keeps it from writing its log; nothing.

The other side may be a stranger, as a host belongs to the account of its logs. So whatever is
not exactly one of these is :class:`Nonsense`. Both sides take messages apart here alone.
"""

from __future__ import annotations

import os
import socket

from slashservice.supervise.printable import printable_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

START = b"start"
SIGNAL = b"signal"
STARTED = b"started"
FULL = b"full"
SIGNALLED = b"signalled"
EXITED = b"exited"
READY = b"ready"
UNREADY = b"unready"
TROUBLE = b"trouble"

PROGRAMS = (b"multilog", b"svlogd")
"""The loggers that there are."""

ANSWERS = {START: (STARTED, FULL), SIGNAL: (SIGNALLED,)}
"""What a request may be answered by."""

LARGEST_REQUEST = 1 << 18
"""Bytes of a request: an action script is as long as a run script can be."""

LARGEST_REPORT = 1024
"""Bytes of what a host says."""

LONGEST_TROUBLE = 512
"""Characters of what a host says of trouble."""

DESCRIPTORS = 3
"""What comes with a start at most; at least it is one less, as there may be no journal."""

LAST_NUMBER = 1 << 62
LAST_SIGNAL = 64
LAST_STATUS = 0xFFFF

CLOSED_AT_EXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
"""The flag by which descriptors arrive closed at an exec; a worker may start a processor then."""


class Nonsense(Exception):  # noqa: N818 - it is what was said
    """The other side said something that it can't mean."""


class Message:
    """A message: its ``word``, the logger's ``number``, and what else it has.

    ``value`` is the signal or the wait status, ``words`` are those of ``program``, ``made`` the
    directories that have to be there; ``text`` is the trouble, empty if there is none any more.
    """

    __slots__ = ("made", "number", "program", "text", "value", "word", "words")

    def __init__(self, word: bytes, number: int) -> None:
        self.word = word
        self.number = number
        self.value = 0
        self.program = b""
        self.made: list[bytes] = []
        self.words: list[bytes] = []
        self.text = b""


def compose(word: bytes, number: int, *rest: bytes) -> bytes:
    """Compose a message."""
    return b"\0".join((word, b"%d" % number, *rest))


def request(data: bytes) -> Message:
    """Take apart what svscan asks for. Raises ``Nonsense``."""
    message, rest = _begin(data)
    if message.word == START and len(rest) > 1 and rest[0] in PROGRAMS:
        message.program = rest[0]
        count = 2 + _integer(rest[1], 0, len(rest) - 2)
        message.made, message.words = rest[2:count], rest[count:]
    elif message.word == SIGNAL and len(rest) == 1:
        message.value = _integer(rest[0], 1, LAST_SIGNAL)
    else:
        _refuse(data)
    return message


def report(data: bytes) -> Message:
    """Take apart what a host says. Raises ``Nonsense``."""
    message, rest = _begin(data)
    if message.word in (STARTED, FULL, SIGNALLED, READY, UNREADY) and not rest:
        pass
    elif message.word == EXITED and len(rest) == 1:
        message.value = _integer(rest[0], 0, LAST_STATUS)
        if not is_status(message.value):
            _refuse(data)
    elif message.word == TROUBLE and len(rest) <= 1:
        message.text = b"".join(rest)
        if rest and (not message.text or message.text != shortened(message.text)):
            _refuse(data)
    else:
        _refuse(data)
    return message


def hear(host: socket.socket) -> Message | None:
    """Receive what a host says; None at the end. No descriptor is accepted.

    Raises ``Nonsense``, or the ``OSError`` of receiving.
    """
    data, _, flags, _ = host.recvmsg(LARGEST_REPORT)
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        _refuse(data)  # too long, or with descriptors, which the kernel has closed
    return report(data) if data else None


def is_asked(svscan: socket.socket) -> tuple[Message | None, list[int]]:
    """Receive a request and its descriptors; None at the end.

    If some descriptors are missing, because we may have no more, there are none. Raises
    ``Nonsense``, or the ``OSError`` of receiving.
    """
    data, fds, flags, _ = socket.recv_fds(svscan, LARGEST_REQUEST, DESCRIPTORS, CLOSED_AT_EXEC)
    try:
        message = request(data) if data else None
        if flags & socket.MSG_TRUNC or (fds and (message is None or message.word != START)):
            _refuse(data)
    except Nonsense:
        close_all(fds)
        raise
    if flags & socket.MSG_CTRUNC or len(fds) < DESCRIPTORS - 1:
        close_all(fds)
        fds = []
    for fd in fds:
        os.set_inheritable(fd, False)
    return message, fds


def close_all(fds: list[int]) -> None:
    """Close descriptors."""
    for fd in fds:
        os.close(fd)


def is_status(status: int) -> bool:
    """Tell whether a process can end with this wait status: by an exit or by a signal."""
    if status & 0xFF == 0:
        return 0 <= status <= LAST_STATUS
    return 0 <= status <= 0xFF and 1 <= status & 0x7F <= LAST_SIGNAL


def shortened(text: bytes) -> bytes:
    """Return ``text`` as a message may have it: short, and harmless to whoever is shown it."""
    shown = printable_bytes(text[:LONGEST_TROUBLE])[:LONGEST_TROUBLE]
    return shown.decode("utf-8", "ignore").encode()


def _begin(data: bytes) -> tuple[Message, list[bytes]]:
    words = data.split(b"\0")
    if len(words) < 2:
        _refuse(data)
    return Message(words[0], _integer(words[1], 1, LAST_NUMBER)), words[2:]


def _integer(word: bytes, least: int, most: int) -> int:
    """Read a decimal number, written as we write it."""
    if not word.isdigit() or len(word) > len(str(most)) or (word[:1] == b"0" and word != b"0"):
        _refuse(word)
    value = int(word)
    if not least <= value <= most:
        _refuse(word)
    return value


def _refuse(data: bytes) -> NoReturn:
    raise Nonsense(data)
