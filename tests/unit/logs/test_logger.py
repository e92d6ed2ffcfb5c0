"""What a logger does beyond C's: stamps, codes, ages."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.clock import Clock
from helpers.logs import run_well, standard_error
from helpers.waiting import until

from slashservice.supervise.logs import logdir, status_file
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import PAUSE, carry_out


def test_decimal_stamps(place: Path) -> None:
    before = time.time()
    run_well(place, [b"T", b"./d"], b"a\nb\n")
    lines = (place / "d/current").read_bytes().splitlines()
    for line, text in zip(lines, (b"a", b"b"), strict=True):
        stamp, _, rest = line.partition(b" ")
        assert rest == text
        assert re.fullmatch(rb"\d+\.\d{6}", stamp)
        assert before - 1e-5 <= float(stamp) <= time.time()


def test_a_code_of_ones_own(place: Path) -> None:
    run_well(place, [b"s4096", b"n2", b"wgz", b"./d", b"wa/b", b"./e"], b"x\n" * 6000)
    for name in ("d", "e"):
        old = [path for path in (place / name).iterdir() if path.name[0] == "@"]
        assert [path.suffix for path in old] == [".gz"]


def test_a_backup_by_hard_link_costs_no_log(place: Path) -> None:
    """C takes a second name for the final one, and the full file is gone."""
    run_well(place, [b"s4096", b"./d"], b"first\n")
    (place / "backup").hardlink_to(place / "d/current")
    run_well(place, [b"s4096", b"./d"], b"x\n" * 4096)
    kept = b"".join(path.read_bytes() for path in sorted((place / "d").glob("@*.s")))
    assert kept + (place / "d/current").read_bytes() == b"first\n" + b"x\n" * 4096


def test_rotation_by_age(place: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logdir, "time", SimpleNamespace(monotonic=clock, time=time.time))
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"a60", b"./d", b"a0", b"./e"])
    carry_out(logger.start(base))
    assert logger.seconds_until_old() is None
    clock.now += 100
    carry_out(logger.feed(b"one\n"))
    assert logger.seconds_until_old() == 60
    clock.now += 59
    carry_out(logger.feed(b"two\n"))
    carry_out(logger.rotate_old())
    assert not list((place / "d").glob("@*"))
    clock.now += 1
    carry_out(logger.rotate_old())
    (old,) = (place / "d").glob("@*")
    assert old.read_bytes() == b"one\ntwo\n"
    assert logger.seconds_until_old() is None
    carry_out(logger.feed(b"three\n"))
    carry_out(logger.finish())
    # A file that was there before is as old as the last change to its directory.
    os.utime(place / "d", (time.time() - 45, time.time() - 45))
    again = Logger([b"a60", b"./d"])
    carry_out(again.start(base))
    left = again.seconds_until_old()
    assert left is not None and 0 < left <= 15.5
    carry_out(again.finish())
    os.close(base)


def test_rotation_by_age_as_a_process(place: Path, ours: Path) -> None:
    with subprocess.Popen(
        [ours / "multilog", "a1", "./d"], stdin=subprocess.PIPE, cwd=place
    ) as process:
        assert process.stdin
        process.stdin.write(b"line\n")
        process.stdin.flush()
        until(lambda: list(place.glob("d/@*.s")), "rotated")
        process.stdin.close()
    assert process.returncode == 0
    assert (place / "d/current").read_bytes() == b""


def test_what_take_tells_of_its_input(place: Path) -> None:
    """An empty pipe may have more later. The end has not, nor has what can't be read."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"./d"])
    carry_out(logger.start(base))
    assert carry_out(logger.take(reading, 100)) is True
    os.write(writing, b"line\n")
    assert carry_out(logger.take(reading, 100)) is True
    os.close(writing)
    assert carry_out(logger.take(reading, 100)) is False
    assert carry_out(logger.take(base, 100)) is False, "a directory can't be read"
    carry_out(logger.finish())
    assert (place / "d/current").read_bytes() == b"line\n"
    os.close(reading)
    os.close(base)


class AlmostFull:
    """The ``os`` of a process whose next write is cut short."""

    def __init__(self) -> None:
        self.cuts = 1

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: bytes) -> int:
        if self.cuts:
            self.cuts -= 1
            return os.write(fd, data[:500])
        return os.write(fd, data)


def test_a_status_file_that_was_cut_short_is_written_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"=status"])
    carry_out(logger.start(base))
    monkeypatch.setattr(status_file, "os", AlmostFull())
    with (place / "errors").open("w+b") as errors, standard_error(errors.fileno()):
        assert list(logger.feed(b"line\n")) == [PAUSE]
        errors.seek(0)
        told = b"multilog: warning: unable to write status, pausing: out of disk space\n"
        assert errors.read() == told
    assert (place / "status").read_bytes() == b"line".ljust(1001, b"\n")
    carry_out(logger.finish())
    os.close(base)
