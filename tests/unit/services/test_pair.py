"""A service and its log service: a log directory that is made later; directories that go away."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.clock import Clock
from helpers.services import is_supervised, make_service

from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import pair, refusal
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.personality import SVSCAN

LIMIT = 1 << 20
SECONDS_TO_RETURN = SVSCAN.returns or 0


class Subject:
    """A service that is to stay down, without a log yet, and its pair."""

    def __init__(self, path: Path, loop: Loop, clock: Clock) -> None:
        self.path = make_service(path, down=True)
        self.loop = loop
        self.clock = clock
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        heritage = Heritage([b"PATH=/bin"], b"this life", loop.mask)
        context = Context(loop, heritage, LIMIT, self.null)
        self.ended: list[pair.Pair] = []
        name = os.fsencode(path.name)
        self.pair = pair.Pair(context, 1, os.fsencode(path), name, False, self.ended.append)

    def add_log(self) -> None:
        """Have the service get a log directory, and the pair told so."""
        (self.path / "log").mkdir()
        (self.path / "log/down").touch()
        self.pair.attach_log()

    def pass_(self, seconds: float) -> None:
        """Let time pass, and what is due then happen."""
        self.clock.now += seconds
        self.loop.after(0, lambda: None)
        self.loop.step()

    def supervised(self) -> tuple[bool, bool]:
        """Tell whether the service and its log have a supervisor."""
        return is_supervised(self.path), is_supervised(self.path / "log")


@pytest.fixture
def subject(tmp_path: Path, loop: Loop, clock: Clock) -> Iterator[Subject]:
    made = Subject(tmp_path / "service", loop, clock)
    yield made
    made.pair.drain()
    assert made.ended == [made.pair], "it ended once"
    assert made.supervised() == (False, False)
    os.close(made.null)


def test_a_log_that_comes_while_the_service_is_refused_begins_with_it(subject: Subject) -> None:
    other = ServiceDirectory(os.fsencode(subject.path), b"of another supervisor")
    other.acquire(b"this life", LIMIT)
    subject.pair.start()
    subject.add_log()
    assert not (subject.path / "supervise/pipe").exists()
    assert not is_supervised(subject.path / "log")
    other.release()
    subject.pass_(refusal.RETRY_LAST)
    assert subject.supervised() == (True, True)


def test_a_log_whose_pipe_can_not_be_had_is_none_until_the_next_time(
    subject: Subject, capfd: pytest.CaptureFixture[str]
) -> None:
    subject.pair.start()
    pipe = subject.path / "supervise/pipe"
    pipe.write_text("no FIFO")
    subject.add_log()
    said = "svscan: warning: unable to create pipe for service: file already exists\n"
    assert capfd.readouterr().err == said
    assert subject.supervised() == (True, False)
    pipe.unlink()
    subject.pair.attach_log()
    assert subject.supervised() == (True, True)


@pytest.mark.parametrize("log", [False, True])
def test_what_is_down_and_deleted_is_given_up(subject: Subject, log: bool) -> None:
    before = os.listdir("/proc/self/fd")
    subject.pair.start()
    if log:
        subject.add_log()
    shutil.rmtree(subject.path)
    subject.pair.deactivate()
    assert subject.ended == [subject.pair]
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("log", [False, True])
def test_what_is_deleted_long_after_its_entry_is_given_up(subject: Subject, log: bool) -> None:
    subject.pair.start()
    if log:
        subject.add_log()
    subject.pair.deactivate()
    for _ in range(20):
        subject.pass_(pair.LOOK_LAST)
    assert subject.ended == []
    shutil.rmtree(subject.path)
    subject.pass_(pair.LOOK_LAST)
    assert subject.ended == [subject.pair]


def test_what_is_moved_out_of_the_scan_directory_is_kept(subject: Subject) -> None:
    subject.pair.start()
    subject.path = subject.path.rename(subject.path.with_name("elsewhere"))
    subject.pair.deactivate()
    subject.pass_(SECONDS_TO_RETURN)
    assert subject.ended == []
    assert is_supervised(subject.path)


def test_what_has_an_entry_again_is_kept_even_if_deleted(subject: Subject) -> None:
    """It may be a directory that is replaced: its entry tells."""
    subject.pair.start()
    subject.pair.deactivate()
    subject.pair.found(b"other", os.fsencode(subject.path))
    shutil.rmtree(subject.path)
    subject.pass_(SECONDS_TO_RETURN)
    assert subject.ended == []
    subject.pair.deactivate()
    assert subject.ended == [subject.pair]


class FullKernel:
    """What takes the place of ``Loop.add`` while the kernel can't watch one more descriptor."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, fd: int, readable: Callable[[], None]) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOSPC])
def test_what_can_not_be_watched_now_is_supervised_later(
    subject: Subject,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The service first; then it can be, but its log can't."""
    before = os.listdir("/proc/self/fd")
    with monkeypatch.context() as refusing:
        refusing.setattr(subject.loop, "add", FullKernel(number))
        subject.pair.start()
        assert subject.supervised() == (False, False)
        assert os.listdir("/proc/self/fd") == before
    assert "unable to watch service/supervise/control" in capfd.readouterr().err
    subject.pass_(refusal.RETRY_LAST)
    assert subject.supervised() == (True, False)
    with monkeypatch.context() as refusing:
        refusing.setattr(subject.loop, "add", FullKernel(number))
        subject.add_log()
        assert subject.supervised() == (True, False)
    assert "unable to watch service/log/supervise/control" in capfd.readouterr().err
    subject.pass_(refusal.RETRY_LAST)
    assert subject.supervised() == (True, True)
