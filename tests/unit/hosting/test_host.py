"""A log host, with svscan's end of its socket in the hands of the test."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from helpers.clock import Clock
from helpers.waiting import GENEROUS, until

from slashservice.supervise.hosting import host
from slashservice.supervise.hosting.workers import SECONDS_UNTIL_STUCK
from slashservice.supervise.messages import Quit
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop


class Svscan:
    """A log host, and what svscan would do with it. Its loggers write into ``top``/NUMBER."""

    def __init__(self, top: Path, loop: Loop) -> None:
        self.top = top
        self.loop = loop
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        self.host = host.LogHost(theirs)

    def start(
        self,
        number: int,
        words: Sequence[bytes] = (b"./main",),
        journal: bool = False,
        data: bytes = b"",
        made: Sequence[bytes] = (),
    ) -> int:
        """Have a logger started, with ``data`` to read at first; return what writes to it."""
        directory = self.top / str(number)
        directory.mkdir(exist_ok=True)
        reading, writing = os.pipe()
        os.write(writing, data)
        fds = [reading, os.open(directory, os.O_RDONLY)]
        if journal:
            fds.append(os.open(directory / "journal", os.O_RDWR | os.O_CREAT))
        start = (b"start", b"%d" % number, b"multilog", b"%d" % len(made))
        message = b"\0".join((*start, *made, *words))
        socket.send_fds(self.socket, [message], fds)
        for fd in fds:
            os.close(fd)
        return writing

    def step(self) -> None:
        """Have the host go on, and wait for nothing."""
        self.loop.after(0, lambda: None)
        self.loop.step()

    def has_half_a_line(self, number: int) -> bool:
        """Tell whether a logger has read the beginning of a line, and not its end."""
        self.step()
        logger = self.host._loggers.get(number)
        return logger is not None and not logger._logger.at_line_end

    def has_logger(self, number: int) -> bool:
        """Have the host go on; tell whether it has a logger."""
        self.step()
        return number in self.host._loggers

    def is_done(self) -> bool:
        """Have the host go on; tell whether its workers have nothing to do."""
        self.step()
        return not self.host._workers.is_at_work

    def heard(self) -> bytes:
        """Have the host go on; return what it says, if anything."""
        self.step()
        try:
            return self.socket.recv(1024)
        except BlockingIOError:
            return b""

    def ends(self) -> bool:
        """Have the host go on; tell whether it has ended."""
        self.step()
        return self.loop.stopped

    def close(self) -> None:
        """Go, as svscan does; the host ends with it."""
        self.socket.close()
        until(self.ends, "the host ends")
        os.close(self.host._workers.fd)
        os.close(self.host._workers._wake)


@pytest.fixture
def svscan(tmp_path: Path, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Svscan]:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(host, "Loop", lambda: loop)
    made = Svscan(tmp_path, loop)
    yield made
    made.close()
    signal.signal(signal.SIGTERM, before)


def test_each_request_is_answered(svscan: Svscan) -> None:
    writing = svscan.start(1)
    assert until(svscan.heard, "an answer") == b"started\0001"
    svscan.socket.send(b"signal\0001\00014")
    assert until(svscan.heard, "an answer") == b"signalled\0001"
    svscan.socket.send(b"signal\0007\00015")
    assert until(svscan.heard, "an answer") == b"signalled\0007"
    os.close(writing)
    assert until(svscan.heard, "the end") == b"exited\0001\0000"


def test_a_script_that_can_not_be_is_told_as_an_exit(
    svscan: Svscan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*words: object) -> None:
        raise Quit(111, b"multilog: fatal: no\n")

    monkeypatch.setattr(host, "Logger", refuse)
    before = len(os.listdir("/proc/self/fd"))
    os.close(svscan.start(1))
    assert until(svscan.heard, "an answer") == b"started\0001"
    assert until(svscan.heard, "why") == b"trouble\0001\0no"
    assert until(svscan.heard, "the end") == b"exited\0001\00028416"
    until(svscan.is_done, "it is said")
    assert len(os.listdir("/proc/self/fd")) == before
    assert capfd.readouterr().err == "multilog: fatal: no\n"


def test_one_that_is_started_while_the_host_ends_ends_as_well(svscan: Svscan) -> None:
    """The first has half a line that is in no journal, and waits for its end; the second none."""
    first = svscan.start(1)
    os.write(first, b"half")
    until(lambda: svscan.has_half_a_line(1), "half of a line is read")
    assert svscan.socket.recv(100) == b"started\0001"
    svscan.host._end()
    second = svscan.start(2)
    assert until(svscan.heard, "an answer") == b"started\0002"
    assert until(svscan.heard, "one has ended") == b"exited\0002\0000"
    assert not svscan.loop.stopped
    os.write(first, b" a line\n")
    assert until(svscan.heard, "the other has ended") == b"exited\0001\0000"
    assert svscan.loop.stopped
    assert (svscan.top / "1/main/current").read_bytes() == b"half a line\n"
    os.close(first)
    os.close(second)


def test_half_a_line_in_the_journal_goes_to_the_next_host(svscan: Svscan) -> None:
    """The host ends at once, and the next logger has the whole line."""
    writing = svscan.start(1, journal=True)
    os.write(writing, b"whole\nhalf")
    until(lambda: svscan.has_half_a_line(1), "half of a line is read")
    assert svscan.socket.recv(100) == b"started\0001"
    svscan.host._end()
    assert until(svscan.heard, "it has ended") == b"exited\0001\0000"
    current = svscan.top / "1/main/current"
    assert current.read_bytes() == b"whole\n"
    assert current.stat().st_mode & 0o777 == 0o744, "it was closed cleanly"
    os.close(writing)
    svscan.host._ending = False
    os.close(svscan.start(1, journal=True, data=b" and half\nlast"))
    assert until(svscan.heard, "an answer") == b"started\0001"
    assert until(svscan.heard, "it has ended") == b"exited\0001\0000"
    assert current.read_bytes() == b"whole\nhalf and half\nlast\n"


@pytest.mark.parametrize("directories", [1, 6])
def test_no_more_is_started_than_there_are_descriptors_for(
    directories: int, svscan: Svscan, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [b"t", *(b"./d%d" % n for n in range(directories))]
    limit = host.OWN_DESCRIPTORS + posix.RESERVE + 2 * host.descriptors(b"multilog", words) + 2
    monkeypatch.setattr(posix, "descriptor_limit", lambda: limit)
    answers = []
    writers = []
    for number in (1, 2, 3):
        writers.append(svscan.start(number, words=words))
        answers.append(until(svscan.heard, "an answer"))
    assert answers == [b"started\0001", b"started\0002", b"full\0003"]
    os.close(writers.pop(0))
    assert until(svscan.heard, "the first ends") == b"exited\0001\0000"
    writers.append(svscan.start(4, words=words))
    assert until(svscan.heard, "there is room again") == b"started\0004"
    for fd in writers:
        os.close(fd)


def lowest_free() -> int:
    """Return the number that the next descriptor will have. Only those below a limit can be had."""
    fd = os.dup(0)
    os.close(fd)
    return fd


@pytest.mark.parametrize("most", [0, 1])
def test_descriptors_that_do_not_arrive_are_told(
    most: int, svscan: Svscan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel hands over as many as we may have, and drops the others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = sorted(os.listdir("/proc/self/fd"))
    reading, writing = os.pipe()
    base = os.open(svscan.top, os.O_RDONLY)
    socket.send_fds(svscan.socket, [b"start\0001\0multilog\0000\0./main"], [reading, base])
    os.close(reading)
    os.close(base)
    os.close(writing)
    free = lowest_free()
    monkeypatch.setattr(posix, "descriptor_limit", lambda: hard)  # not refused for that reason
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + most, hard))
    try:
        svscan.host._told()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert svscan.heard() == b"full\0001"
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_what_means_nothing_is_passed_over(
    svscan: Svscan, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    for data in (
        b"x",
        b"signal\0001\000x",
        b"start\000-1",
        b"stop\0001",
        b"start\0001\0cat\0000\0x",
        b"start\0001\0multilog\0002\0x",
    ):
        socket.send_fds(svscan.socket, [data], [0, 1, 2])
        svscan.step()
        expected = "loghost: warning: svscan asks for something unknown\n"
        assert capfd.readouterr().err == expected
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert svscan.heard() == b""


def test_answers_wait_while_svscan_takes_none(svscan: Svscan, clock: Clock) -> None:
    """The host goes on meanwhile."""
    count = 0
    while not svscan.host._unsent:
        svscan.socket.send(b"signal\0001\0001")
        svscan.host._told()
        count += 1
    for number in range(2, 5):
        svscan.socket.send(b"signal\000%d\0001" % number)
        svscan.host._told()
    answers: list[bytes] = []
    while answers[-1:] != [b"signalled\0004"]:
        clock.now += host.SECONDS_UNTIL_MORE
        answers.append(until(svscan.heard, "an answer"))
    assert answers == [b"signalled\0001"] * count + [b"signalled\000%d" % n for n in (2, 3, 4)]


def test_trouble_is_told_by_any_thread_while_the_logger_is_there(svscan: Svscan) -> None:
    writing = svscan.start(1)
    assert until(svscan.heard, "an answer") == b"started\0001"
    report = svscan.host._loggers[1].report
    for text, told in (
        (b"full \x1b[31m\xff disk\n", b"trouble\0001\0full \\x1b[31m\\xff disk\\n"),
        (None, b"trouble\0001"),
        (b"x" * 9999, b"trouble\0001\0" + b"x" * 512),
    ):
        thread = threading.Thread(target=report, args=(text,))
        thread.start()
        assert until(svscan.heard, "trouble") == told
        thread.join()
    os.close(writing)
    assert until(svscan.heard, "the end") == b"exited\0001\0000"
    report(b"late")
    assert svscan.heard() == b""


def test_the_end_of_a_child_whose_status_is_lost_counts_as_good(svscan: Svscan) -> None:
    """Or the logger that waits for it would do so for ever."""
    with subprocess.Popen(["/usr/bin/true"]) as gone:
        pass
    seen: list[int] = []
    svscan.host._after_death(gone.pid, seen.append)
    svscan.step()
    assert seen == [0]
    svscan.step()
    assert seen == [0]


def test_what_svscan_asked_before_it_was_killed_is_done(svscan: Svscan) -> None:
    """The system tells first that it is gone, as it has left answers unread."""
    os.close(svscan.start(1))
    until(lambda: svscan.has_logger(1), "the first logger is there, and said to be")
    written = b"a line that nobody else has\n"
    os.close(svscan.start(2, data=written))
    svscan.socket.close()
    until(svscan.ends, "the host ends")
    assert (svscan.top / "2/main/current").read_bytes() == written


def test_a_logger_begins_if_directories_are_there(svscan: Svscan) -> None:
    (svscan.top / "1/sub").mkdir(parents=True)
    writing = svscan.start(1, made=[b"sub", os.fsencode(svscan.top)])
    assert until(svscan.heard, "an answer") == b"started\0001"
    assert until(svscan.heard, "what it found") == b"ready\0001"
    os.close(writing)
    assert until(svscan.heard, "the end") == b"exited\0001\0000"


@pytest.mark.parametrize("path", [b"missing", b"a file", b"a file/x"])
def test_one_that_can_not_begin_is_told(path: bytes, svscan: Svscan) -> None:
    (svscan.top / "1").mkdir()
    (svscan.top / "1/a file").touch()
    writing = svscan.start(1, made=[b".", path])
    assert until(svscan.heard, "an answer") == b"started\0001"
    heard = until(svscan.heard, "what it found")
    while heard == b"trouble\0001":
        heard = until(svscan.heard, "what it found")
    assert heard == b"unready\0001"
    assert not svscan.has_logger(1)
    assert not (svscan.top / "1/main").exists()
    os.close(writing)


def test_looking_for_a_directory_may_take_for_ever(
    svscan: Svscan, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that does not answer: it keeps no other log, and no answer."""
    answers = threading.Event()
    monkeypatch.setattr(host, "is_directory", lambda path, base: answers.wait(GENEROUS))
    first = svscan.start(1, made=[b"/far"])
    second = svscan.start(2, data=b"x\n")
    current = svscan.top / "2/main/current"

    def is_written() -> bool:
        clock.now += SECONDS_UNTIL_STUCK
        svscan.step()
        return current.exists() and current.read_bytes() == b"x\n"

    said = {until(svscan.heard, "an answer"), until(svscan.heard, "an answer")}
    assert said == {b"started\0001", b"started\0002"}
    try:
        until(is_written, "written", 10)
    finally:
        answers.set()
    assert until(svscan.heard, "what it found") == b"ready\0001"
    os.close(first)
    os.close(second)
    ends = {until(svscan.heard, "the end"), until(svscan.heard, "the end")}
    assert ends == {b"exited\0001\0000", b"exited\0002\0000"}
