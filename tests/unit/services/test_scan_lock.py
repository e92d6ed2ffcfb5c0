"""The lock of a scan directory: taken, awaited, or gone on without."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.clock import Clock

from slashservice.supervise.messages import Quit
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import scan_directory, scanner_pid
from slashservice.supervise.services import scan_lock
from slashservice.supervise.services.refusal import SECONDS_OF_PATIENCE

CAUGHT = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What these signals did before they do again after the test."""
    before = {number: signal.getsignal(number) for number in CAUGHT}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[int]:
    """The lock, held by another descriptor."""
    fd = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    yield fd
    os.close(fd)


def ours(path: Path) -> set[int]:
    """Our descriptors that lead to a directory."""
    fds = [int(name) for name in os.listdir("/proc/self/fd")]
    return {fd for fd in fds if os.path.realpath(f"/proc/self/fd/{fd}") == str(path)}


def let_go(path: Path, before: set[int]) -> None:
    (fd,) = ours(path) - before
    assert not os.get_inheritable(fd)
    os.close(fd)
    assert not scan_directory.is_locked(bytes(path)) or before


def test_it_is_held_and_leaves_no_entry(tmp_path: Path, loop: Loop) -> None:
    assert scan_lock.take(loop, bytes(tmp_path)) == 0
    assert scan_directory.is_locked(bytes(tmp_path))
    assert os.listdir(tmp_path) == []
    let_go(tmp_path, set())


@pytest.mark.parametrize("error", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_it_can_not_be_had_we_do_without(
    tmp_path: Path, loop: Loop, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuse(fd: int, what: int) -> None:
        raise OSError(error, "")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert scan_lock.take(loop, bytes(tmp_path)) == 0
    let_go(tmp_path, set())


def test_a_directory_that_can_not_be_opened(tmp_path: Path, loop: Loop) -> None:
    assert scan_lock.take(loop, bytes(tmp_path / "nowhere")) == 0


class Waiting:
    """Somebody who waits, with what is to happen after so many steps of the loop."""

    def __init__(self, loop: Loop, clock: Clock, path: Path) -> None:
        self.loop, self.clock, self.path = loop, clock, bytes(path)
        self.seconds: list[float] = []
        self.then: dict[int, Callable[[], None]] = {}
        self._step = loop.step
        loop.step = self.step  # type: ignore[method-assign]

    def step(self) -> None:
        """Go to when the next timer is due."""
        wait = max(0.0, self.loop._timers[0][0] - self.clock.now)
        self.seconds.append(wait)
        self.clock.now += wait
        self.then.pop(len(self.seconds), lambda: None)()
        self._step()

    def take(self, wait: bool = True) -> int:
        return scan_lock.take(self.loop, self.path, wait)


@pytest.fixture
def waiting(tmp_path: Path, loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setattr(scan_directory, "running", lambda path: 1234)
    return Waiting(loop, clock, tmp_path)


def said(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().err


def test_it_is_awaited_at_first_without_a_word(
    waiting: Waiting, held: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    waiting.then[3] = lambda: fcntl.flock(held, fcntl.LOCK_UN)
    assert waiting.take() == 0
    assert sum(waiting.seconds) < SECONDS_OF_PATIENCE
    assert not said(capfd)
    let_go(tmp_path, {held})


def test_then_with_one_word_and_at_little_cost(
    waiting: Waiting, held: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    waiting.then[100] = lambda: fcntl.flock(held, fcntl.LOCK_UN)
    assert waiting.take() == 0
    assert sum(waiting.seconds) > 90 * scan_lock.WAIT_LAST
    line = f"unable to acquire {tmp_path}, waiting for the end of process 1234: temporary failure"
    assert said(capfd) == f"svscan: warning: {line}\n"
    let_go(tmp_path, {held})


def test_meanwhile_others_can_see_that_it_waits(
    waiting: Waiting, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    places = [(bytes(tmp_path / "run/notes"), os.geteuid())]
    monkeypatch.setattr(scanner_pid, "_folders", lambda: places)
    seen: list[list[int]] = []
    waiting.then[2] = lambda: seen.append(scanner_pid.waiting(bytes(tmp_path)))
    waiting.then[30] = lambda: seen.append(scanner_pid.waiting(bytes(tmp_path)))
    waiting.then[40] = lambda: fcntl.flock(held, fcntl.LOCK_UN)
    assert waiting.take() == 0
    assert seen == [[], [os.getpid()]]
    assert scanner_pid.waiting(bytes(tmp_path)) == []
    assert os.listdir(tmp_path / "run/notes") == []
    let_go(tmp_path, {held})


def test_without_waiting_it_is_given_up(waiting: Waiting, held: int, tmp_path: Path) -> None:
    with pytest.raises(Quit) as end:
        waiting.take(wait=False)
    line = f"svscan: fatal: unable to acquire {tmp_path}: temporary failure\n"
    assert (end.value.status, end.value.line) == (111, line.encode())
    assert ours(tmp_path) == {held}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_that_end_it(
    waiting: Waiting, held: int, number: signal.Signals, tmp_path: Path
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting.then[3] = lambda: os.kill(os.getpid(), number)
    assert waiting.take() == signal.SIGTERM
    assert len(waiting.seconds) <= 5
    assert ours(tmp_path) == {held}


def test_an_interrupt_that_was_ignored_still_is(waiting: Waiting, held: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting.then[3] = lambda: os.kill(os.getpid(), signal.SIGINT)
    waiting.then[9] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert waiting.take() == signal.SIGTERM
    assert len(waiting.seconds) >= 9


def test_drained_while_it_waits(waiting: Waiting, held: int, tmp_path: Path) -> None:
    waiting.then[3] = lambda: os.kill(os.getpid(), signal.SIGUSR1)
    waiting.then[9] = lambda: fcntl.flock(held, fcntl.LOCK_UN)
    assert waiting.take() == signal.SIGUSR1
    let_go(tmp_path, {held})


@pytest.mark.parametrize(
    ("holders", "goes_on"), [([77], True), ([77, 78], True), ([], False), (None, False)]
)
def test_who_holds_it_is_no_svscan(
    waiting: Waiting,
    held: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    holders: list[int] | None,
    goes_on: bool,
) -> None:
    monkeypatch.setattr(scan_directory, "running", lambda path: 0)
    monkeypatch.setattr(scan_directory, "holders", lambda path: holders)
    waiting.then[50] = lambda: fcntl.flock(held, fcntl.LOCK_UN)
    assert waiting.take() == 0
    assert (len(waiting.seconds) < 50) is goes_on
    if goes_on:
        why = " is locked by process 77, which is no svscan: going on without the lock"
        assert said(capfd) == f"svscan: warning: {tmp_path}{why}\n"
        assert ours(tmp_path) == {held}
    else:
        assert "waiting for the end of another svscan: temporary" in said(capfd)
        let_go(tmp_path, {held})
