"""What the scanner makes of entries that change while it looks at them."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from helpers.clock import Clock
from helpers.loops import event_loop
from helpers.processes import runs
from helpers.services import is_supervised
from helpers.waiting import until

from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import refusal
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.growth import SECONDS_OF_QUIET
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.scanner import PORTION, SECONDS_BETWEEN_SCANS, Scanner

LOOKS = ("lstat", "readlink", "stat")
"""How one looks at an entry."""

FEWEST_LOOKS = 3
"""It can't be that a scan takes no more looks at an entry: they are not seen any more."""


class Scan:
    """A scan directory ``entries``, and a scanner for it that is told nothing."""

    def __init__(self, top: Path, loop: Loop, clock: Clock) -> None:
        self.top = top
        self.clock = clock
        self.entries = top / "entries"
        self.entries.mkdir()
        self.loop = loop
        heritage = Heritage([b"PATH=/bin"], b"life", loop.mask)
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        context = Context(loop, heritage, 1000, self.null)
        self.scanner = Scanner(context, os.fsencode(self.entries))
        self.scanner.scan()

    def service(self, path: Path) -> Path:
        """Make a service directory with a log; both are to stay down."""
        for part in (path, path / "log"):
            part.mkdir()
            (part / "down").touch()
        return path

    def supervised(self, path: Path) -> bool:
        """Tell whether a service and its log have a supervisor."""
        return is_supervised(path) and is_supervised(path / "log")

    def pass_(self, seconds: float) -> None:
        """Let time pass, and what is due then happen."""
        self.clock.now += seconds
        self.loop.after(0, lambda: None)
        self.loop.step()

    def end(self) -> None:
        self.scanner.drain()
        assert self.loop.stopped
        assert self.scanner._watch
        os.close(self.scanner._watch.fd)
        os.close(self.null)


@contextmanager
def scanning(top: Path, clock: Clock) -> Iterator[Scan]:
    """A scan that ends, with its loop."""
    top.mkdir(exist_ok=True)
    with event_loop(clock) as loop:
        made = Scan(top, loop, clock)
        yield made
        made.end()


@pytest.fixture
def scan(tmp_path: Path, clock: Clock) -> Iterator[Scan]:
    with scanning(tmp_path, clock) as made:
        yield made


@contextmanager
def renamed_before_look(number: int, old: Path, new: Path) -> Iterator[None]:
    """Have an entry renamed just before the scanner looks at anything for that time."""
    looks = count(1)

    def patched(look: Any) -> Any:
        def look_late(path: Any, *rest: Any, **options: Any) -> Any:
            if next(looks) == number:
                old.rename(new)
            return look(path, *rest, **options)

        return look_late

    with pytest.MonkeyPatch.context() as patch:
        for name in LOOKS:
            patch.setattr(os, name, patched(getattr(os, name)))
        yield


@pytest.mark.parametrize("new", ["a", "z"])
@pytest.mark.parametrize("kind", ["link", "directory"])
def test_renamed_while_looked_at(
    tmp_path: Path, clock: Clock, kind: str, new: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whichever look it is renamed before; the last one tried comes after all there are."""
    for number in count(1):
        with scanning(tmp_path / str(number), clock) as scan:
            entry = scan.entries / "m"
            if kind == "link":
                entry.symlink_to(scan.service(scan.top / "real"))
            else:
                scan.service(entry)
            with renamed_before_look(number, entry, scan.entries / new):
                scan.scanner._look_at([b"m"])
            reached = not os.path.lexists(entry)
            if not reached:
                entry.rename(scan.entries / new)
            scan.scanner._look_at([b"m", os.fsencode(new)])  # as the kernel tells of both names
            scan.pass_(refusal.RETRY_LAST)
            assert scan.supervised(scan.entries / new), number
            if kind == "link":
                assert capfd.readouterr().err == "", number
        if not reached:
            break
    assert number > FEWEST_LOOKS


@pytest.mark.parametrize("new", ["a", "z"])
@pytest.mark.parametrize("kind", ["link", "directory"])
def test_a_supervised_one_is_renamed_while_looked_at(
    tmp_path: Path, clock: Clock, kind: str, new: str
) -> None:
    """Whichever look it is renamed before; the last one tried comes after all there are."""
    for number in count(1):
        with scanning(tmp_path / str(number), clock) as scan:
            entry = scan.entries / "m"
            path = scan.service(entry if kind == "directory" else scan.top / "real")
            if kind == "link":
                entry.symlink_to(path)
            scan.scanner._look_at([b"m"])
            (before,) = scan.scanner._pairs.values()
            with renamed_before_look(number, entry, scan.entries / new):
                scan.scanner._look_at([b"m"])
            reached = not os.path.lexists(entry)
            if not reached:
                entry.rename(scan.entries / new)
            scan.scanner._look_at([b"m", os.fsencode(new)])
            scan.pass_(refusal.RETRY_LAST)
            assert scan.supervised(scan.entries / new), number
            assert [*scan.scanner._pairs.values(), *scan.scanner._strays] == [before], number
            assert before.active and before.names == {os.fsencode(new)}, number
        if not reached:
            break
    assert number > FEWEST_LOOKS


def test_begun_with_before_its_log_is_there(scan: Scan) -> None:
    """A directory that is made anew while the kernel still tells of the end of the old one."""
    path = scan.entries / "m"
    path.mkdir()
    (path / "down").touch()
    scan.scanner._look_at([b"m"])
    (path / "log").mkdir()
    (path / "log/down").touch()
    assert is_supervised(path) and not is_supervised(path / "log")
    scan.pass_(0)
    scan.pass_(SECONDS_OF_QUIET)
    assert scan.supervised(path)


def test_what_a_link_leads_to_comes_later(scan: Scan, capfd: pytest.CaptureFixture[str]) -> None:
    (scan.entries / "link").symlink_to(scan.top / "late")
    (scan.entries / "loop").symlink_to("loop")
    for _ in range(3):
        scan.scanner.scan()
        scan.pass_(SECONDS_BETWEEN_SCANS)
    scan.service(scan.top / "late")
    assert not scan.supervised(scan.entries / "link")
    scan.pass_(SECONDS_BETWEEN_SCANS)
    assert scan.supervised(scan.entries / "link")
    assert capfd.readouterr().err.splitlines() == [
        "svscan: warning: unable to stat link: file does not exist",
        "svscan: warning: unable to stat loop: symbolic link loop",
    ]


def test_what_a_link_leads_to_comes_just_after_the_look(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = scan.top / "real"
    (scan.entries / "link").symlink_to(real)
    look = os.stat

    def late(path: Any, *rest: Any, **options: Any) -> os.stat_result:
        try:
            return look(path, *rest, **options)
        except FileNotFoundError:
            if path == os.fsencode(real):
                monkeypatch.undo()
                scan.service(real)
            raise

    monkeypatch.setattr(os, "stat", late)
    assert scan.scanner._watch
    scan.scanner._watch.events()  # no word of the kernel is to have it looked at again
    scan.scanner._look_at([b"link"])
    scan.pass_(0)
    assert not is_supervised(real)
    scan.pass_(SECONDS_BETWEEN_SCANS)
    assert scan.supervised(real)
    assert capfd.readouterr().err == "", "there is nothing to complain of"


def test_a_scan_directory_that_can_not_be_read(
    scan: Scan, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is supervised stays so, until the directory can be read again."""
    path = scan.service(scan.entries / "s")
    scan.scanner.scan()
    aside = scan.entries.rename(scan.top / "aside")
    scan.entries.write_text("no directory")
    scan.scanner.scan()
    assert capfd.readouterr().err == "svscan: warning: unable to read directory: not a directory\n"
    (pair,) = scan.scanner._pairs.values()
    assert pair.active and is_supervised(aside / "s")
    scan.entries.unlink()
    aside.rename(scan.entries)
    scan.service(scan.entries / "later")
    scan.pass_(SECONDS_BETWEEN_SCANS)
    assert scan.supervised(scan.entries / "later")
    assert scan.supervised(path)


def test_a_scan_directory_that_can_not_be_read_for_now(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is watched all the same, and the kernel need have nothing more to tell."""

    def refuse(path: bytes) -> list[bytes]:
        raise OSError(errno.EMFILE, "")

    path = scan.service(scan.entries / "s")
    assert scan.scanner._watch
    scan.scanner._watch.events()
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refuse)
        scan.scanner.scan()
    said = capfd.readouterr().err
    assert said.startswith("svscan: warning: unable to read directory: "), said
    scan.pass_(0)
    assert not is_supervised(path)
    scan.pass_(SECONDS_BETWEEN_SCANS)
    assert scan.supervised(path)


def look_slowly(scan: Scan, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[bytes]:
    """Have the scanner take so long for each name; return the names, as it looks at them."""
    look = scan.scanner._look_at_one
    seen: list[bytes] = []

    def slowly(name: bytes) -> None:
        seen.append(name)
        scan.clock.now += seconds
        look(name)

    monkeypatch.setattr(scan.scanner, "_look_at_one", slowly)
    return seen


@pytest.mark.parametrize("told", ["scan", "events"])
def test_a_crowd_of_new_entries_is_looked_at_in_portions(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """Others are served in between; who was there first is looked at first, and each once."""
    seen = look_slowly(scan, monkeypatch, PORTION / 2.5)
    scan.pass_(0)
    seen.clear()
    for number in range(10, 20):
        scan.service(scan.top / f"s{number}")
        (scan.entries / f"s{number}").symlink_to(scan.top / f"s{number}")
    if told == "scan":
        scan.scanner.scan()
    else:
        scan.pass_(0)
    assert 3 <= len(seen) <= 6, "of ten"
    scan.scanner.scan()  # as a HUP has it do
    (scan.entries / "s00").symlink_to(scan.service(scan.top / "s00"))
    while scan.scanner._unseen:
        before = len(seen)
        scan.pass_(0)
        assert len(seen) - before <= 6, "events and one portion"
    assert seen[:10] == [b"s%d" % number for number in range(10, 20)]
    assert b"s00" in seen
    assert all(scan.supervised(scan.top / os.fsdecode(name)) for name in seen)


def test_what_is_still_to_be_looked_at_is_not_started_by_a_drain(
    scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_slowly(scan, monkeypatch, PORTION)
    scan.pass_(0)
    for name in ("a", "b"):
        scan.service(scan.entries / name)
    scan.scanner.scan()
    assert scan.supervised(scan.entries / "a")
    scan.scanner.drain(stay=True)
    for _ in range(3):
        scan.pass_(0)
    assert not scan.supervised(scan.entries / "b")


def test_log_hosts_of_killed_svscans_are_told_to_end_when_all_is_down(scan: Scan) -> None:
    """Nobody is there any more for whom they should go on."""
    told: list[bool] = []
    scan.scanner._context.end = lambda: told.append(scan.loop.stopped)  # type: ignore[method-assign]
    scan.scanner.drain(stay=True)
    assert told == []
    scan.scanner.drain()
    assert told == [False] and scan.loop.stopped


@pytest.mark.parametrize("held", [False, True])
def test_a_drain_in_the_first_scan_brings_down_what_was_left(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """Also what was not looked at yet, or was ``held``; but nothing is begun that does not run."""
    look_slowly(scan, monkeypatch, 2 * PORTION)
    for name in ("a", "left", "new", "old"):
        scan.service(scan.top / name)
        (scan.entries / name).symlink_to(scan.top / name)
    before = set(os.listdir("/proc/self/fd"))
    with subprocess.Popen(["/bin/sleep", "1000"]) as process:
        for name, pid in (("left", process.pid), ("old", 0)):
            directory = ServiceDirectory(os.fsencode(scan.top / name), b"of a killed svscan")
            directory.acquire(b"life", 1000)
            directory.record(pid, b"life")
            directory.release()
        lock = (scan.top / "left/supervise/lock").open("r+")
        if held:
            fcntl.flock(lock, fcntl.LOCK_EX)
        scan.scanner.scan()
        if held:
            while len(scan.scanner._pairs) < 2:
                scan.pass_(0)
        assert scan.supervised(scan.top / "a") and not is_supervised(scan.top / "left")
        scan.scanner.drain()
        assert not scan.loop.stopped
        lock.close()

        def stopped() -> bool:
            scan.pass_(0.01)
            return scan.loop.stopped

        try:
            until(stopped, "drained", 5)
            assert not runs(process.pid)
        finally:
            process.kill()
    assert not (scan.top / "new/supervise").exists()
    assert not (scan.top / "old/log/supervise").exists()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_drain_while_known_names_are_looked_at_again(
    scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each HUP has all names looked at. None of these services comes back; some are gone."""
    for name in ("a", "b", "c"):
        scan.service(scan.top / name)
        (scan.entries / name).symlink_to(scan.top / name)
    scan.scanner.scan()
    assert all(scan.supervised(scan.top / name) for name in ("a", "b", "c"))
    look_slowly(scan, monkeypatch, 2 * PORTION)
    scan.scanner.scan()
    (scan.entries / "c").unlink()
    (scan.entries / "d").symlink_to(scan.top / "b")
    scan.scanner.drain()

    def stopped() -> bool:
        scan.pass_(1)
        return scan.loop.stopped

    until(stopped, "drained", 5)
    assert not any(is_supervised(scan.top / name) for name in ("a", "b", "c"))
