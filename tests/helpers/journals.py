"""Journals of hosted loggers: such as a logger leaves, and what the next one makes of any bytes."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from helpers.logs import SHM, STAMP, content, standard_error

from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out

SCRIPTS = [
    [b"./d"],
    [b"t", b"./d"],
    [b"T", b"s4096", b"n1000", b"./d"],
    [b"e", b"-*", b"+*7*", b"=status", b"./d"],
]


class Killed(BaseException):
    """What a logger gets here instead of SIGKILL."""


class Deadly(Journal):
    """A journal whose logger is killed before one of its writes, or behind the last of a block."""

    __slots__ = ("notes",)

    notes: int

    def intend(self, output: int, file: int, size: int, offset: int, length: int) -> None:
        super().intend(output, file, size, offset, length)
        self._live()

    def done(self, carry: Callable[[], bytes]) -> None:
        self._live()
        super().done(carry)

    def _live(self) -> None:
        self.notes -= 1
        if not self.notes:
            raise Killed


def opened(place: Path, script: list[bytes], kind: type[Journal] = Journal) -> Journal:
    return kind(os.open(place / "journal", os.O_RDWR | os.O_CREAT, 0o600), script)


def leave(place: Path, script: list[bytes], seed: int) -> None:
    """Leave a log and a journal there as a logger that is killed at some moment."""
    chance = random.Random(seed)
    journal = opened(place, script, Deadly)
    assert isinstance(journal, Deadly)
    journal.notes = chance.randrange(1, 9)
    logger = Logger(script, journal)
    base = os.open(place, os.O_RDONLY)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(os.devnull, "wb") as null, standard_error(null.fileno()):
        try:
            carry_out(logger.start(base))
            for part in range(8):
                lines = [b"<%d.%d>\n" % (part, line) for line in range(chance.randrange(1, 300))]
                text = b"".join(lines)
                os.write(writing, text[: chance.choice([-1, -2, -3, len(text)])])
                if chance.random() < 0.2:
                    journal.take(reading, 65536)
                    break
                carry_out(logger.take(reading, 65536))
                os.write(writing, b"\n" if chance.random() < 0.5 else b"...")
        except Killed:
            pass
    logger.release()
    for fd in (base, reading, writing):
        os.close(fd)


def survive(data: bytes, script: list[bytes], place: Path) -> tuple[bytes, bytes]:
    """Start a logger on a journal with this content, and say something.

    Return what it complained of, and the log as it is then. Whatever ends the logger is raised.
    """
    (place / "journal").write_bytes(data)
    base = os.open(place, os.O_RDONLY)
    logger = Logger(script, opened(place, script))
    try:
        with tempfile.TemporaryFile() as errors:
            with standard_error(errors.fileno()):
                carry_out(logger.start(base))
                carry_out(logger.feed(b"\nafter 7\n"))
                carry_out(logger.finish())
            errors.seek(0)
            return errors.read(), STAMP.sub(b"", content(place / "d"))
    finally:
        logger.release()
        os.close(base)


def fuzz(data: bytes) -> None:
    """Fail if a logger does not survive ``data`` as its journal, or does not go on."""
    script = SCRIPTS[len(data) % len(SCRIPTS)]
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as place:
        errors, log = survive(data, script, Path(place))
        assert log.endswith(b"after 7\n"), log[-200:]
        assert errors.count(b"multilog: ") <= 1, errors
        assert not (Path(place) / "journal").stat().st_size
