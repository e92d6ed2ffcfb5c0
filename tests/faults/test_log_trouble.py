"""Trouble with hosted logs: said once, kept from others, shown, and over when its cause is."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.logs import content
from helpers.processes import kill, runs
from helpers.services import await_down, status_of
from helpers.waiting import until

LOCKED = "unable to lock directory"


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold the lock of a log directory, as a multilog of somebody else would."""
    directory.mkdir(exist_ok=True)
    fd = os.open(directory / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def test_two_logs_in_one_directory(hosted: Hosted) -> None:
    """One of them works. The other says why it doesn't, once, and takes over when it can."""
    for name in ("a", "b"):
        hosted.add(name, "../../shared")
    hosted.tree.svscan()
    for name in ("a", "b"):
        hosted.host(name)
        hosted.write(name, b"first of %s\n" % name.encode())
    shared = hosted.directories["a"] / "../../shared"
    until(lambda: hosted.tree.lines(LOCKED), "complaint")
    until(lambda: content(shared), "one of them writes")
    works = "a" if b"of a" in content(shared) else "b"
    waits = "b" if works == "a" else "a"
    hosted.tree.svc("-d", hosted.directories[works])
    await_down(hosted.directories[works])
    until(lambda: b"first of %s\n" % waits.encode() in content(shared), "taken over")
    hosted.tree.svc("-u", hosted.directories[works])
    until(lambda: len(hosted.tree.lines(LOCKED)) == 2, "it is the other that waits now")
    assert content(shared).count(b"\n") == 2


@pytest.mark.parametrize("letters", ["-t", "-d", "-dx", "-k", "-h"])
def test_commands_reach_a_log_that_waits(letters: str, hosted: Hosted) -> None:
    log = hosted.add("a", "./main")
    with lock(log / "main"):
        hosted.tree.svscan()
        hosted.host("a")
        hosted.write("a", b"line\n")
        until(lambda: hosted.tree.lines(LOCKED), "complaint")
        hosted.write("a", b"more\n")
        assert len(hosted.tree.lines(LOCKED)) == 1
        before = status_of(log)
        hosted.tree.svc(letters, log)
        if "d" in letters:
            await_down(log)
        else:
            until(lambda: status_of(log) != before, "started again")
    if letters == "-d":
        hosted.tree.svc("-u", log)
    hosted.arrives("a", b"line\nmore\n")
    assert content(log / "main") == b"line\nmore\n"


def test_a_multilog_of_somebody_else(hosted: Hosted, oracle: Path) -> None:
    """It has its lines in the log, then ours come."""
    log = hosted.add("a", "./main")
    hosted.add("b", "./main")
    fifo = hosted.tree.root / "foreign"
    os.mkfifo(fifo)
    end = os.open(fifo, os.O_RDWR)
    os.write(end, b"foreign\n")
    words = ["sh", "-c", 'exec "$0" "$1" <"$2"', str(oracle / "multilog"), str(log / "main")]
    foreign = hosted.tree.start([*words, str(fifo)])
    until(lambda: (log / "main/current").exists(), "it is there")
    until(lambda: hosted.current("a") == b"foreign\n", "it works")
    hosted.tree.svscan()
    hosted.host("a")
    hosted.write("a", b"ours\n")
    until(lambda: hosted.tree.lines(LOCKED), "complaint")
    hosted.write("b", b"x\n")
    hosted.arrives("b", b"x\n")
    assert hosted.current("a") == b"foreign\n"
    kill(foreign.pid, signal.SIGTERM)
    foreign.wait()
    os.close(end)
    hosted.arrives("a", b"ours\n")
    assert content(log / "main") == b"foreign\nours\n"
    assert len(hosted.tree.lines(LOCKED)) == 1
    assert runs(hosted.host("a"))


DAMAGE = [b"slj2", b"\xff" * 3000, b"slj2" + b"\0" * 5000, b"slj2" + b"\xff" * 2044 + b"line\n" * 9]


def test_a_damaged_journal_stops_no_log(hosted: Hosted) -> None:
    """It is named once, and the log goes on, as do those beside it."""
    journals = {}
    for number, damage in enumerate([*DAMAGE, None]):
        log = hosted.add(f"s{number}", "t ./main")
        (log / "supervise").mkdir(mode=0o700)
        journals[f"s{number}"] = log / "supervise/journal"
        if damage is not None:
            journals[f"s{number}"].write_bytes(damage)
        else:
            with journals[f"s{number}"].open("wb") as file:
                file.truncate(2 << 30)
    svscan = hosted.tree.svscan()
    for name in journals:
        hosted.host(name)
        hosted.write(name, b"line\n")
        hosted.arrives(name, b" line\n")
        assert hosted.current(name).count(b"\n") == 1
        assert len(hosted.tree.lines(f"damaged journal {os.path.realpath(journals[name])} ")) == 1
    hosted.tree.drain(svscan)
