"""Passing on what comes to logs, for others to read: ``svlog -p FILE``, in a container its output.

Each line has the name of its log and a colon in front. FILE holds up to when lines were passed on,
as a TAI64N label; whoever begins later goes on from there. While we run it is a second behind, as
lines may come to one log a moment later than to another. So whatever kills us, no line is left out,
and those of the last second may come twice.

Nobody who logs waits for us. Where the output is stuck, we wait, and the logs are what is kept.
"""

from __future__ import annotations

import os
import stat
import time

from slashservice.supervise import tai
from slashservice.supervise.logs.shower import BYTES_AT_ONCE, Shower
from slashservice.supervise.logs.stamps import EVER, label_time
from slashservice.supervise.messages import fatal, warn
from slashservice.supervise.printable import printable_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.logs.reader import LogReader
    from slashservice.supervise.logs.shower import LineOf

BEHIND = 1_000_000_000
"""Nanoseconds by which a line may come later than one with the same stamp in another log."""

FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Place:
    """The file ``path``. ``since`` is from when on lines are to be passed on, in Unix nanoseconds.

    Raises ``Quit`` if it is no file, holds anything else, or can't be had.
    """

    def __init__(self, path: bytes) -> None:
        now = time.time_ns()
        try:
            self._fd = os.open(path, FLAGS, 0o644)
            is_file = stat.S_ISREG(os.fstat(self._fd).st_mode)
            found = os.read(self._fd, tai.LABEL_LENGTH + 2) if is_file else b""
        except OSError as error:
            raise fatal("svlog", b"unable to open " + path, error) from None
        if not is_file or (found and not _is_place(found)):
            raise fatal("svlog", b"not a place in logs: " + path)
        self._said = False
        self.since = min(label_time(found), now) if found else now
        if not found:
            self.write(now)

    def write(self, when: int) -> None:
        """Remember that all before ``when`` has been passed on. It is one step, in place.

        No line can be later than now, whatever its stamp says.
        """
        when = max(self.since, min(when, time.time_ns()))
        try:
            os.pwrite(self._fd, tai.label(tai.pack(when)) + b"\n", 0)
        except OSError as error:
            if not self._said:
                warn("svlog", b"unable to write up to when lines were passed on", error)
            self._said = True


def _is_place(text: bytes) -> bool:
    whole = len(text) == tai.LABEL_LENGTH + 1 and text[:1] == b"@" and text[-1:] == b"\n"
    return whole and label_time(text) > 0


class PassingShower(Shower):
    """Writes lines as ``name: line``, and remembers in ``place`` what was written."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._last = EVER
        self._begun = time.time_ns()
        self._names: dict[bytes, bytes] = {}

    def begin(self) -> None:
        """Learn that logs are read from now on: what comes meanwhile may be in only some of them.

        Where the output is stuck, that takes as long as it is.
        """
        self._begun = time.time_ns()

    def show(self, lines: Iterable[LineOf]) -> None:
        """Write the lines, and remember that."""
        before = self._last
        super().show(lines)
        if self._last > before:
            self._place.write(min(self._last, self._begun) - BEHIND)

    def end(self) -> None:
        """All has been written that there is: nothing is to come again."""
        if self._last > EVER:
            self._place.write(self._last + 1)

    def _parts(
        self, when: int | None, stamp: bytes, rest: bytes, reader: LogReader
    ) -> Iterable[bytes]:
        self._last = max(self._last, when or EVER)
        head = self._names.get(reader.name)
        if head is None:
            head = self._names[reader.name] = printable_bytes(reader.name) + b": "
        if len(rest) <= BYTES_AT_ONCE:
            return (head, rest, b"\n")
        return (head, *_pieces(rest), b"\n")


def _pieces(text: bytes) -> Iterable[bytes]:
    return (text[at : at + BYTES_AT_ONCE] for at in range(0, len(text), BYTES_AT_ONCE))
