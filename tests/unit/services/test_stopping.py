"""What a scanner that stops what has no entry makes of entries that go, return and move."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.clock import Clock
from helpers.loops import event_loop
from helpers.services import is_supervised

from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.personality import RUNSVDIR, SVSCAN, Personality
from slashservice.supervise.services.scanner import SECONDS_TO_REAPPEAR, Scanner

LONGER = SECONDS_TO_REAPPEAR * 1.1


class Scan:
    """A scanner on ``link``, which leads to ``entries``; it is told when to look."""

    def __init__(self, top: Path, loop: Loop, clock: Clock, personality: Personality) -> None:
        self.top = top
        self.clock = clock
        self.entries = top / "entries"
        self.entries.mkdir()
        self.link = top / "link"
        self.link.symlink_to("entries")
        self.loop = loop
        heritage = Heritage([b"PATH=/bin"], b"life", self.loop.mask)
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        context = Context(self.loop, heritage, 1000, self.null, personality)
        self.scanner = Scanner(context, os.fsencode(self.link))
        self.moves: list[int] = []
        self.scanner.moved = lambda: self.moves.append(1)
        self.scanner.scan()

    def end(self) -> None:
        self.scanner.drain()
        assert self.scanner._watch
        os.close(self.scanner._watch.fd)
        os.close(self.null)

    def service(self, name: str, entry: bool = True) -> Path:
        """Make a service with a log, both to stay down."""
        path = self.top / "real" / name
        for part in (path, path / "log"):
            part.mkdir(parents=True)
            (part / "down").touch()
            (part / "run").touch()
        if entry:
            (self.entries / name).symlink_to(path)
        return path

    def pass_(self, seconds: float = 0.0) -> None:
        """Let time pass, and what is due and what the kernel tells of happen."""
        self.clock.now += seconds
        for _ in range(4):
            self.loop.after(0, lambda: None)
            self.loop.step()


def are_supervised(path: Path) -> bool:
    assert is_supervised(path) == is_supervised(path / "log")
    return is_supervised(path)


@contextmanager
def scanning(top: Path, clock: Clock, personality: Personality) -> Iterator[Scan]:
    """A scan that ends, with its loop."""
    with event_loop(clock) as loop:
        made = Scan(top, loop, clock, personality)
        yield made
        made.end()


@pytest.fixture
def scan(tmp_path: Path, clock: Clock) -> Iterator[Scan]:
    with scanning(tmp_path, clock, RUNSVDIR) as made:
        yield made


def test_what_has_no_entry_is_stopped(scan: Scan) -> None:
    one, other = scan.service("one"), scan.service("other")
    scan.pass_()
    assert are_supervised(one)
    (scan.entries / "one").unlink()
    scan.pass_()
    assert are_supervised(one), "it may come back in a moment"
    scan.pass_(LONGER)
    assert not are_supervised(one)
    assert are_supervised(other)


def test_what_comes_back_begins_anew(scan: Scan) -> None:
    one = scan.service("one")
    for _ in range(3):
        scan.pass_()
        assert are_supervised(one)
        (scan.entries / "one").unlink()
        scan.pass_()
        scan.pass_(LONGER)
        assert not are_supervised(one)
        (scan.entries / "one").symlink_to(one)


def test_svscan_stops_nothing(tmp_path: Path, clock: Clock) -> None:
    with scanning(tmp_path, clock, SVSCAN) as scan:
        one = scan.service("one")
        scan.pass_()
        (scan.entries / "one").unlink()
        scan.pass_()
        scan.pass_(LONGER)
        assert are_supervised(one)


@pytest.mark.parametrize("new", ["a", "z", "one"])
def test_a_new_name_or_link_stops_nothing(scan: Scan, new: str) -> None:
    one = scan.service("one")
    scan.pass_()
    (scan.entries / "new").symlink_to(one)
    (scan.entries / "one").unlink()
    (scan.entries / "new").rename(scan.entries / new)
    lock = os.stat(one / "supervise/ok")
    scan.pass_()
    scan.pass_(LONGER)
    assert are_supervised(one)
    assert os.stat(one / "supervise/ok") == lock


def test_a_link_that_leads_nowhere_stops(scan: Scan) -> None:
    one = scan.service("one")
    scan.pass_()
    one.rename(scan.top / "real/elsewhere")
    scan.scanner.scan()
    scan.pass_(LONGER)
    assert not are_supervised(scan.top / "real/elsewhere")


def test_another_directory_is_followed(scan: Scan) -> None:
    shared, old = scan.service("shared"), scan.service("old")
    new = scan.service("new", entry=False)
    scan.pass_()
    other = scan.top / "other"
    other.mkdir()
    (other / "by another name").symlink_to(shared)
    (other / "new").symlink_to(new)
    (scan.top / "new link").symlink_to("other")
    assert scan.moves == []
    (scan.top / "new link").rename(scan.link)
    scan.pass_()
    assert are_supervised(new), "at once"
    scan.pass_(LONGER)
    assert (are_supervised(shared), are_supervised(old)) == (True, False)
    assert scan.moves == [1]
    (other / "new").unlink()
    scan.pass_()
    scan.pass_(LONGER)
    assert not are_supervised(new)


def test_while_there_is_no_directory_nothing_is_stopped(
    scan: Scan, capfd: pytest.CaptureFixture[str]
) -> None:
    one = scan.service("one")
    scan.pass_()
    scan.link.rename(scan.top / "away")
    scan.pass_()
    scan.pass_(LONGER)
    assert are_supervised(one)
    assert capfd.readouterr().err.count("unable to stat") == 1
    (scan.top / "away").rename(scan.link)
    scan.pass_()
    scan.pass_(LONGER)
    assert are_supervised(one)
    assert scan.moves == []


def test_clients_find_what_was_removed_while_there_was_no_entry(
    tmp_path: Path, clock: Clock
) -> None:
    """Chef removes the link, then ``ok``, makes the link again, and waits for ``ok``."""
    with scanning(tmp_path, clock, SVSCAN) as scan:
        one = scan.service("one")
        scan.pass_()
        (scan.entries / "one").unlink()
        scan.pass_()
        (one / "supervise/ok").unlink()
        (one / "supervise/control").unlink()
        scan.pass_(LONGER)
        (scan.entries / "one").symlink_to(one)
        scan.pass_()
        assert is_supervised(one)
        assert (one / "supervise/control").is_fifo()
