"""A log host, with svscan's end of its socket in the hands of the test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.waiting import until

from slashservice.supervise.hosting import host
from slashservice.supervise.platform.loop import Loop


class Svscan:
    """A log host, and what svscan would do with it. Its loggers write into ``top``/NUMBER."""

    def __init__(self, top: Path, loop: Loop) -> None:
        self.top = top
        self.loop = loop
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        self.host = host.LogHost(theirs)

    def start(self, number: int) -> int:
        """Have a logger started; return what writes to it."""
        directory = self.top / str(number)
        directory.mkdir()
        reading, writing = os.pipe()
        base = os.open(directory, os.O_RDONLY)
        words = b"start\0%d\0./main" % number
        socket.send_fds(self.socket, [words], [reading, base])
        os.close(reading)
        os.close(base)
        return writing

    def step(self) -> None:
        """Have the host go on, and wait for nothing."""
        self.loop.after(0, lambda: None)
        self.loop.step()

    def has_half_a_line(self, number: int) -> bool:
        """Tell whether a logger has read the beginning of a line, and not its end."""
        self.step()
        logger = self.host._loggers.get(b"%d" % number)
        return logger is not None and not logger._logger.at_line_end

    def heard(self) -> bytes:
        """Have the host go on; return what it says, if anything."""
        self.step()
        try:
            return self.socket.recv(100)
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


def test_one_that_is_started_while_the_host_ends_ends_as_well(svscan: Svscan) -> None:
    """The first waits for the end of its line, the second has none."""
    first = svscan.start(1)
    os.write(first, b"half")
    until(lambda: svscan.has_half_a_line(1), "half of a line is read")
    svscan.host._end()
    second = svscan.start(2)
    assert until(svscan.heard, "one has ended") == b"exited\0002\0000"
    assert not svscan.loop.stopped
    os.write(first, b" a line\n")
    assert until(svscan.heard, "the other has ended") == b"exited\0001\0000"
    assert svscan.loop.stopped
    assert (svscan.top / "1/main/current").read_bytes() == b"half a line\n"
    os.close(first)
    os.close(second)


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
