"""The journal of a hosted logger: what the next logger finds in it, and disks it can't be on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.logs import content

from slashservice.supervise.logs import journal, logdir, unfinished_line
from slashservice.supervise.logs.journal import DATA, Journal
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.platform.current import system

SCRIPT = [b"./d"]


def opened(place: Path, script: list[bytes] = SCRIPT) -> Journal:
    """Open the journal, to be let go of by a logger."""
    return Journal(os.open(place / "journal", os.O_RDWR | os.O_CREAT, 0o600), script)


@pytest.fixture
def made(place: Path) -> Iterator[Callable[..., Journal]]:
    """Open the journal as one logger after the other does; all are let go of at the end."""
    journals: list[Journal] = []

    def make(script: list[bytes] = SCRIPT) -> Journal:
        journals.append(opened(place, script))
        return journals[-1]

    yield make
    for each in journals:
        each.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """An empty pipe; nobody waits for what is in it."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


class FullDisk:
    """The ``os`` of a process that may read and remove, and finds no space to write to."""

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "")


@pytest.fixture
def disk_is_full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the disk of the journal be full from now on."""

    def splice(*arguments: int) -> int:
        raise OSError(errno.ENOSPC, "")

    def fill() -> None:
        monkeypatch.setattr(journal, "os", FullDisk())
        monkeypatch.setattr(system, "splice", splice)

    return fill


def test_an_empty_pipe_is_not_the_end(
    made: Callable[..., Journal], pipe: tuple[int, int], place: Path
) -> None:
    kept = made()
    with pytest.raises(BlockingIOError):
        kept.take(pipe[0], 100)
    os.write(pipe[1], b"line\n")
    assert kept.take(pipe[0], 100) == b"line\n"
    found = made().recover()
    assert found is not None and found.block == b"line\n"


def test_what_comes_just_after_the_look_waits_for_the_next(
    made: Callable[..., Journal], pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be read past the journal."""

    def splice(*arguments: int) -> int:
        os.write(pipe[1], b"line\n")
        raise BlockingIOError

    kept = made()
    monkeypatch.setattr(system, "splice", splice)
    with pytest.raises(BlockingIOError):
        kept.take(pipe[0], 100)
    assert os.read(pipe[0], 100) == b"line\n"


def test_nothing_is_noted_about_a_block_that_is_not_there(
    made: Callable[..., Journal],
    pipe: tuple[int, int],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def splice(*arguments: int) -> int:
        raise OSError(errno.EINVAL, "")

    kept = made()
    os.write(pipe[1], b"one\n")
    kept.take(pipe[0], 100)
    kept.done(lambda: b"")
    monkeypatch.setattr(system, "splice", splice)
    os.write(pipe[1], b"two\n")
    assert kept.take(pipe[0], 100) == b"two\n"
    kept.intend(0, pipe[0], 0, 0, 4)
    assert (place / "journal").stat().st_size == 0


def test_another_script_does_the_whole_line_again(
    made: Callable[..., Journal], place: Path, pipe: tuple[int, int]
) -> None:
    """What was read of it comes without the stamp, in front of the block that was under way."""
    base = os.open(place, os.O_RDONLY)
    first = Logger([b"t", b"./d"], opened(place, [b"t", b"./d"]))
    carry_out(first.start(base))
    os.write(pipe[1], b"whole\nbegun ")
    assert carry_out(first.take(pipe[0], 100))
    first.release()
    killed = made([b"t", b"./d"])
    found = killed.recover()
    assert found is not None and (found.block, found.carry[-6:]) == (b"", b"begun ")
    os.write(pipe[1], b"and ended\n")
    assert killed.take(pipe[0], 100) == b"and ended\n"
    found = made([b"./e"]).recover()
    assert found is not None
    assert (found.block, found.carry, found.stamp) == (b"begun and ended\n", b"", b"")
    os.close(base)


def test_another_script_and_no_unfinished_line(made: Callable[..., Journal]) -> None:
    made().put(b"line\n")
    found = made([b"./e"]).recover()
    assert found is not None and (found.block, found.carry) == (b"line\n", b"")


def test_what_does_not_come_from_the_pipe_is_kept(made: Callable[..., Journal]) -> None:
    made().put(b"\n")
    found = made().recover()
    assert found is not None and found.block == b"\n"


def test_the_end_of_a_last_line_outlives_a_kill(place: Path, pipe: tuple[int, int]) -> None:
    base = os.open(place, os.O_RDONLY)
    killed = Logger(SCRIPT, opened(place))
    carry_out(killed.start(base))
    os.write(pipe[1], b"no end")
    carry_out(killed.take(pipe[0], 100))
    killed.feed(b"\n")  # noted; none of the steps is done
    killed.release()
    following = Logger(SCRIPT, opened(place))
    carry_out(following.start(base))
    assert (place / "d/current").read_bytes() == b"no end\n"
    assert (place / "journal").stat().st_size == 0
    carry_out(following.finish())
    os.close(base)


def test_on_a_full_disk_the_block_comes_from_the_pipe(
    made: Callable[..., Journal],
    pipe: tuple[int, int],
    disk_is_full: Callable[[], None],
    place: Path,
) -> None:
    kept = made()
    disk_is_full()
    os.write(pipe[1], b"line\n")
    assert kept.take(pipe[0], 100) == b"line\n"
    kept.intend(0, pipe[0], 0, 0, 5)  # it would be an intent about a block that isn't there
    kept.done(lambda: b"")
    assert (place / "journal").stat().st_size == 0
    with pytest.raises(BlockingIOError):
        kept.take(pipe[0], 100)


def test_on_a_full_disk_what_does_not_come_from_the_pipe_is_not_kept(
    made: Callable[..., Journal], disk_is_full: Callable[[], None], place: Path
) -> None:
    kept = made()
    disk_is_full()
    kept.put(b"\n")
    assert made().recover() is None
    kept.done(lambda: b"")
    assert (place / "journal").stat().st_size == 0


def test_an_intent_that_can_not_be_noted_leaves_the_block(
    made: Callable[..., Journal], disk_is_full: Callable[[], None], place: Path
) -> None:
    kept = made()
    kept.put(b"line\n")
    kept.begin(b"stamp ")
    disk_is_full()
    kept.intend(1, kept._fd, 0, 0, 5)
    found = made().recover()
    assert found is not None
    assert (found.block, found.output, found.stamp) == (b"line\n", 0, b"")


def test_an_unfinished_line_that_can_not_be_noted_leaves_nothing_stale(
    made: Callable[..., Journal],
    disk_is_full: Callable[[], None],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The block before it is done: nobody may do it again."""
    kept = made()
    kept.put(b"line\nbegun")
    disk_is_full()
    kept.done(lambda: b"begun")
    assert made().recover() is None
    monkeypatch.undo()
    kept.put(b" and ended\n")
    assert (place / "journal").stat().st_size == DATA + len(b" and ended\n")
    found = made().recover()
    assert found is not None and found.block == b" and ended\n"


@pytest.mark.parametrize("short", [True, False])
def test_whether_an_unfinished_line_is_in_it(
    short: bool,
    made: Callable[..., Journal],
    pipe: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only then may the logger leave it to the next one. A full disk may take a part of it."""
    carry = unfinished_line.LAYOUT.pack(False, 4, 1) + b"\1half"
    one = made()
    assert not one.has_carry
    os.write(pipe[1], b"half")
    one.take(pipe[0], 100)
    assert not one.has_carry
    if short:
        write = os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, data[:9], at))
    one.done(lambda: carry)
    assert one.has_carry != short
    found = made().recover()
    assert (found and found.carry) == (None if short else carry)
    one.done(lambda: b"")
    assert not one.has_carry


@pytest.mark.parametrize("carry", [b"", b"begun "])
def test_a_block_that_found_no_room_is_kept_once_there_is_some(
    carry: bytes,
    made: Callable[..., Journal],
    pipe: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    place: Path,
) -> None:
    """It is known how far it was written; what can't be kept in one step is not kept."""
    base = os.open(place, os.O_RDONLY)
    killed = Logger(SCRIPT, opened(place))
    carry_out(killed.start(base))
    if carry:
        os.write(pipe[1], carry)
        assert carry_out(killed.take(pipe[0], 100))
        assert killed.is_safe
    with monkeypatch.context() as full:
        full.setattr(journal, "os", FullDisk())
        full.setattr(system, "splice", no_space)
        os.write(pipe[1], b"one\ntwo\n")
        full.setattr(logdir, "os", OneLine())
        steps = killed.take(pipe[0], 100)
        next(steps)
        killed.secure()
        assert not killed.is_safe
    killed.secure()
    assert killed.is_safe == (not carry)
    del steps
    killed.release()
    following = Logger(SCRIPT, opened(place))
    carry_out(following.start(base))
    carry_out(following.finish())
    if not carry:
        assert content(place / "d") == b"one\ntwo\n"
    os.close(base)


def no_space(*arguments: int) -> int:
    raise OSError(errno.ENOSPC, "")


class OneLine:
    """The ``os`` of a process whose disk has room for four bytes."""

    def __init__(self) -> None:
        self.room = 4

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "")
        done, self.room = os.write(fd, data[: self.room]), 0
        return done


def test_a_journal_that_is_cut_off_keeps_nothing(
    made: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    class Short:
        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def pwrite(self, fd: int, data: bytes, offset: int) -> int:
            return os.pwrite(fd, data[:2], offset)

    kept = made()
    with monkeypatch.context() as full:
        full.setattr(journal, "os", Short())
        kept.put(b"line\n")
    assert not kept.keeps_all
    assert made().recover() is None
    kept.done(lambda: b"")
    assert kept.keeps_all


def test_a_carry_that_is_lost_is_not_kept(made: Callable[..., Journal]) -> None:
    kept = made()
    kept.put(b"line\nbegun")
    kept.done(lambda: b"x" * 5000)
    assert not kept.keeps_all
    kept.put(b"\n")
    kept.done(lambda: b"")
    assert kept.keeps_all
