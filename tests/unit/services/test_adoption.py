"""Watching over a process that another supervisor started, and signalling it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from helpers.clock import Clock
from helpers.waiting import until

from slashservice.supervise.platform import bsd, linux, posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol.deaths import UNKNOWN
from slashservice.supervise.services import adoption, starters

TELLS_OTHERS = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)
"""Whether the kernel tells a process that is not the parent how one ended that is gone."""

ENDING = (1, 2, 6, 9, 11, 15)
"""Some signals that end a process."""


@pytest.mark.parametrize("pid", [0, -1])
def test_no_signal_goes_to_a_group_of_processes(loop: Loop, pid: int) -> None:
    child = starters.Child(loop, pid, lambda status: None)
    adopted = adoption.Adopted(loop, pid, 0, lambda status: None)
    for process in (child, adopted):
        with pytest.raises(AssertionError):
            process.signal(0)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is told to end."""
    with subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE) as made:
        yield made
        made.kill()


class Daemon:
    """A process that was adopted, and the wait statuses that it was told to have ended with."""

    def __init__(self, loop: Loop, process: subprocess.Popen[bytes]) -> None:
        self.loop = loop
        self.ends: list[int] = []
        start = linux.started(process.pid)
        self.adopted = adoption.Adopted(loop, process.pid, start, self.ends.append)
        self.go_on()

    def go_on(self) -> None:
        """Have happen what is due, and wait for nothing."""
        self.loop.after(0, lambda: None)
        self.loop.step()


def test_a_signal_to_one_that_is_dead_is_lost(loop: Loop, process: subprocess.Popen[bytes]) -> None:
    daemon = Daemon(loop, process)
    process.kill()
    process.wait()
    daemon.adopted.signal(signal.SIGTERM)
    assert daemon.ends == []
    daemon.go_on()
    assert daemon.ends == [signal.SIGKILL if TELLS_OTHERS else UNKNOWN]
    daemon.adopted.signal(signal.SIGTERM)
    assert daemon.adopted._fd == -1


@pytest.mark.parametrize("is_fetched", [False, True])
@pytest.mark.parametrize("end", [*range(0, 256, 15), *(-s for s in ENDING)])
def test_how_it_ended_is_told_as_far_as_the_kernel_tells(
    loop: Loop, end: int, is_fetched: bool
) -> None:
    """Until its parent has fetched the status; after that, since Linux 6.15."""
    how = f"exit {end}" if end >= 0 else f"ulimit -c 0; kill -{-end} $$"
    with subprocess.Popen(["/bin/sh", "-c", f"read x; {how}"], stdin=subprocess.PIPE) as made:
        daemon = Daemon(loop, made)
        assert made.stdin
        made.stdin.close()
        os.waitid(os.P_PID, made.pid, os.WEXITED | os.WNOWAIT)
        if is_fetched:
            made.wait()
        daemon.go_on()
        status = end << 8 if end >= 0 else -end
        assert daemon.ends == [status if TELLS_OTHERS or not is_fetched else UNKNOWN]


@pytest.mark.parametrize("why", ["no such call", "no descriptor to spare"])
def test_without_a_descriptor_it_is_looked_at_once_a_second(
    why: str,
    loop: Loop,
    clock: Clock,
    process: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if why == "no such call":
        monkeypatch.setattr(system, "open_process", bsd.open_process)
    else:
        monkeypatch.setattr(posix, "descriptor_limit", lambda: 0)
    before = os.listdir("/proc/self/fd")
    daemon = Daemon(loop, process)
    assert os.listdir("/proc/self/fd") == before
    clock.now += 1
    daemon.go_on()
    daemon.adopted.signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    daemon.go_on()
    assert daemon.ends == [], "not yet looked at"
    clock.now += 1
    daemon.go_on()
    assert daemon.ends == [UNKNOWN]


def test_one_that_is_let_go_runs_on(loop: Loop, process: subprocess.Popen[bytes]) -> None:
    before = os.listdir("/proc/self/fd")
    daemon = Daemon(loop, process)
    assert os.listdir("/proc/self/fd") != before
    daemon.adopted.leave()
    assert os.listdir("/proc/self/fd") == before
    assert linux.started(process.pid)
    assert daemon.ends == []


def test_one_that_is_let_go_as_it_dies_is_not_heard_of(
    loop: Loop, process: subprocess.Popen[bytes]
) -> None:
    """QUIT to svscan and the death of a daemon may be seen in one round of the loop."""
    daemon = Daemon(loop, process)
    loop.on_signal(signal.SIGUSR1, daemon.adopted.leave)
    try:
        process.kill()
        process.wait()
        os.kill(os.getpid(), signal.SIGUSR1)
        daemon.go_on()
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert daemon.ends == []


def test_one_that_can_not_be_watched_is_looked_at(
    loop: Loop, clock: Clock, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, readable: object) -> None:
        raise OSError(errno.ENOSPC, "")

    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(loop, "add", refuse)
    daemon = Daemon(loop, process)
    assert os.listdir("/proc/self/fd") == before
    process.kill()
    process.wait()
    clock.now += adoption.SECONDS_BETWEEN_LOOKS
    daemon.go_on()
    assert daemon.ends == [UNKNOWN]


def test_one_that_can_not_be_looked_at_is_not_taken_for_dead(
    loop: Loop, clock: Clock, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> int:
        raise OSError(errno.ENFILE, "")

    with monkeypatch.context() as patch:
        start = linux.started(process.pid)
        ends: list[int] = []
        adopted = adoption.Adopted(loop, process.pid, start, ends.append)
        patch.setattr(os, "open", fail)
        for _ in range(3):
            loop.after(0, lambda: None)
            loop.step()
            clock.now += adoption.SECONDS_BETWEEN_LOOKS
            assert ends == []
    loop.after(0, lambda: None)
    loop.step()
    process.kill()

    def has_ended() -> bool:
        loop.after(0, lambda: None)
        loop.step()
        return bool(ends)

    until(has_ended, "its end is seen")
    adopted.leave()
