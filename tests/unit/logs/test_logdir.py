"""A disk that is full, and what is then given up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from helpers import logs
from helpers.logs import run_well, unpacked

from slashservice.supervise.logs import logdir
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import Pause, carry_out


class SmallDisk:
    """The ``os`` of a process whose files have so much space together."""

    def __init__(self, space: int, place: Path) -> None:
        self.space = space
        self.place = place

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: memoryview) -> int:
        left = self.space - sum(
            path.stat().st_size for path in self.place.rglob("*") if path.is_file()
        )
        if left <= 0:
            raise OSError(errno.ENOSPC, "")
        return os.write(fd, bytes(data)[:left])


@pytest.fixture
def small_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk = SmallDisk(20_000, place)
    monkeypatch.setattr(logdir, "os", disk)
    return disk


LINES = [b"line number %d\n" % n for n in range(4000)]


def test_deleting_the_oldest(place: Path, small_disk: SmallDisk) -> None:
    assert run_well(place, [b"s4096", b"n1000", b"fdelete", b"./d"], b"".join(LINES)) == b""
    kept = unpacked(place / "d")
    assert len(kept) > 10_000
    assert b"".join(LINES).endswith(kept)


def test_deleting_has_an_end(place: Path, small_disk: SmallDisk) -> None:
    """With nothing to delete it waits, as it does by default."""
    small_disk.space = 1000
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"fdelete", b"./d"])
    carry_out(logger.start(base))
    with open(os.devnull, "wb") as null, logs.standard_error(null.fileno()):
        steps = logger.feed(b"".join(LINES))
        assert isinstance(next(steps), Pause)
        small_disk.space = 1_000_000
        assert list(steps) == []
    carry_out(logger.finish())
    os.close(base)
    assert unpacked(place / "d") == b"".join(LINES)


def test_dropping(place: Path, small_disk: SmallDisk) -> None:
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"s16777215", b"fdrop", b"./d"])
    carry_out(logger.start(base))
    seen = []
    with (place.parent / f"{place.name}.errors").open("w+b") as errors:
        with logs.standard_error(errors.fileno()):
            for at in range(0, len(LINES), 100):
                if at == 3000:
                    small_disk.space = 1_000_000
                carry_out(logger.feed(b"".join(LINES[at : at + 100])))
                seen.append(at)
            carry_out(logger.finish())
        errors.seek(0)
        said = errors.read()
    Path(errors.name).unlink()
    os.close(base)
    assert (
        said
        == b"multilog: warning: unable to write to ./d/current, dropping lines: out of disk space\n"
    )
    result = unpacked(place / "d").splitlines(keepends=True)
    notes = [line for line in result if line.startswith(b"multilog: dropped ")]
    assert len(notes) == 1
    dropped = int(notes[0].split()[2])
    at = result.index(notes[0])
    whole = next(n for n in range(at + 1) if result[n] != LINES[n])
    assert at - whole in (0, 1)  # a line cut short may be there as well
    assert result[at + 1 :] == LINES[3000:]
    assert dropped == 3000 - whole
