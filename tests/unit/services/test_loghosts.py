"""What svscan gives to a log host, and what it makes of the end of one."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clock import Clock
from helpers.services import make_service, write_script

from slashservice.supervise.chain import launchers
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import loghosts
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.loghosts import RemoteLogger

FIRST_PID = 1 << 22
"""No process has this pid, or a later one."""


def test_a_journal_is_a_file_of_its_own(tmp_path: Path) -> None:
    (fd,) = loghosts._journal(os.fsencode(tmp_path / "journal"))
    about = os.fstat(fd)
    assert stat.S_ISREG(about.st_mode) and about.st_mode & 0o777 == 0o600
    os.close(fd)


@pytest.mark.parametrize("what", ["link", "fifo", "directory", "nowhere"])
def test_anything_else_is_no_journal(what: str, tmp_path: Path) -> None:
    """Somebody may have put it there; the log goes on without."""
    path = tmp_path / "journal"
    if what == "link":
        (tmp_path / "precious").touch()
        path.symlink_to("precious")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    else:
        path = tmp_path / "nowhere" / "journal"
    before = sorted(os.listdir("/proc/self/fd"))
    assert loghosts._journal(os.fsencode(path)) == []
    assert sorted(os.listdir("/proc/self/fd")) == before


class Process:
    """What stands in for the process of a log host: the other end of its socket."""

    def __init__(self, fd: int) -> None:
        self.socket = socket.socket(fileno=os.dup(fd))
        self.socket.setblocking(False)

    def heard(self) -> list[bytes]:
        """Return the messages that came, and close the descriptors that came with them."""
        messages: list[bytes] = []
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 18, 9)
            except BlockingIOError:
                return messages
            for fd in descriptors:
                os.close(fd)
            messages.append(data)


class World:
    """The log hosts of an svscan, whose processes are only pretended."""

    def __init__(self, top: Path, loop: Loop, clock: Clock) -> None:
        self.clock = clock
        self.loop = loop
        self.fails: OSError | None = None
        self.attempts = 0
        self.processes: list[Process] = []
        self.exits: list[int] = []
        commands = top / "command"
        commands.mkdir()
        launcher = launchers.text("multilog", sys.executable, launchers.home())
        write_script(commands / "multilog", launcher)
        self.path = make_service(top / "log", f"#!/bin/sh\nexec {commands}/multilog t ./main\n")
        (self.path / "supervise").mkdir()
        self.directory = ServiceDirectory(os.fsencode(self.path), b"service/log")
        self.heritage = Heritage([b"PATH=" + os.fsencode(commands)], b"this life", loop.mask)
        self.hosts = loghosts.LogHosts(loop, self.heritage, 0)

    def begin(self, heritage: Heritage, command: list[bytes], keep: int, null: int) -> int:
        """Stand in for what starts a program of our own."""
        self.attempts += 1
        if self.fails:
            raise self.fails
        self.processes.append(Process(keep))
        return FIRST_PID + len(self.processes)

    def start(self) -> RemoteLogger | None:
        """Start the log service, with an input that never ends."""
        reading, writing = os.pipe()
        try:
            return self.hosts.start(self.directory, reading, self.exits.append)
        finally:
            os.close(reading)
            os.close(writing)

    def host(self) -> loghosts.Host:
        (host,) = self.hosts._hosts.values()
        return host

    def pass_(self, seconds: float = 0) -> None:
        """Let time pass, and what is due then happen."""
        self.clock.now += seconds
        self.loop.after(0, lambda: None)
        self.loop.step()

    def die(self, status: int) -> None:
        """Have the newest host be dead, as the loop tells."""
        pid = FIRST_PID + len(self.processes)
        self.loop._children.pop(pid)(status)

    def close(self) -> None:
        for host in self.hosts._hosts.values():
            host.close()
        for process in self.processes:
            process.socket.close()


@pytest.fixture
def world(
    tmp_path: Path, loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    before = os.listdir("/proc/self/fd")
    made = World(tmp_path, loop, clock)
    monkeypatch.setattr(loghosts, "start_command", made.begin)
    yield made
    made.close()
    assert os.listdir("/proc/self/fd") == before


def test_what_a_host_is_told_of_a_logger(world: World) -> None:
    logger = world.start()
    assert logger
    assert logger.pid == FIRST_PID + 1
    logger.signal(signal.SIGALRM)
    assert world.processes[0].heard() == [b"start\0001\0t\0./main", b"signal\0001\00014"]
    world.processes[0].socket.send(b"exited\0001\000256")
    world.pass_()
    assert world.exits == [256]
    assert world.host().is_idle and not world.host().is_closed
    world.pass_(loghosts.SECONDS_OF_IDLENESS)
    assert world.host().is_closed
    logger.signal(signal.SIGALRM)  # it has ended: nobody is to be told
    assert world.host()._backlog == []


def test_messages_wait_in_order_while_the_host_takes_none(world: World) -> None:
    logger = world.start()
    assert logger
    (process,) = world.processes
    sent = 0
    while not world.host()._backlog:
        logger.signal(sent)
        sent += 1
    for number in range(sent, sent + 3):
        logger.signal(number)
    heard = process.heard()
    assert heard[1:] == [b"signal\0001\000%d" % number for number in range(sent - 1)]
    world.pass_(loghosts.SECONDS_UNTIL_MORE / 2)
    assert process.heard() == []
    world.pass_(loghosts.SECONDS_UNTIL_MORE)
    later = [b"signal\0001\000%d" % number for number in range(sent - 1, sent + 3)]
    assert process.heard() == later


def test_what_a_host_has_not_taken_is_closed_with_it(world: World) -> None:
    logger = world.start()
    assert logger
    before = os.listdir("/proc/self/fd")
    while not world.host()._backlog:
        logger.signal(0)
    world.start()
    assert len(os.listdir("/proc/self/fd")) > len(before), "its input and its directory wait"
    world.host().close()
    assert len(os.listdir("/proc/self/fd")) == len(before) - 1
    world.pass_(loghosts.SECONDS_UNTIL_MORE)


def test_a_host_that_dies_before_it_has_read_all(world: World) -> None:
    """The kernel tells that by an error, not by the end of input. Another host is started."""
    first = world.start()
    world.processes[0].socket.close()
    world.pass_()
    assert world.host().is_closed
    assert world.exits == [], "its death is told by the loop"
    second = world.start()
    assert first and second and first.pid != second.pid
    assert not world.host().is_closed


@pytest.mark.parametrize("number", [errno.EPROTONOSUPPORT, errno.EPROTOTYPE])
def test_where_sockets_keep_no_messages_apart_logs_are_run_as_written(
    number: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def refuse(*kind: int) -> tuple[socket.socket, socket.socket]:
        tries.append(1)
        raise OSError(number, "")

    monkeypatch.setattr(socket, "socketpair", refuse)
    assert world.start() is None
    assert world.start() is None
    assert tries == [1], "it is known from then on"


def test_a_host_that_can_not_be_started_now_is_tried_again(world: World) -> None:
    world.fails = BlockingIOError(errno.EAGAIN, "")
    with pytest.raises(BlockingIOError):
        world.start()
    world.fails = None
    assert world.start()
    assert world.attempts == 2


@pytest.mark.parametrize(
    ("status", "again"), [(111 << 8, False), (0, True), (signal.SIGKILL, True)]
)
def test_whether_there_is_another_host_after_one_has_ended(
    status: int, again: bool, world: World
) -> None:
    """Not after one that can't work, as where an account is unknown."""
    assert world.start()
    world.die(status)
    assert world.exits == [status], "all loggers have ended with it"
    assert (world.start() is not None) == again


@pytest.mark.parametrize("there", ["nothing", "a directory", "another program"])
def test_a_script_whose_multilog_is_not_ours_is_run_as_written(
    there: str, world: World, tmp_path: Path
) -> None:
    write_script(world.path / "run", "#!/bin/sh\nexec multilog t ./main\n")
    assert world.start()
    (tmp_path / "bin").mkdir()
    multilog = tmp_path / "bin/multilog"
    if there == "a directory":
        multilog.mkdir()
    elif there == "another program":
        write_script(multilog, "#!/bin/sh\n")
    world.heritage.environment = [b"PATH=" + os.fsencode(multilog.parent)]
    assert world.start() is None


@pytest.mark.parametrize(
    ("out", "err", "closed_at_start", "same"),
    [
        ("a", "a", (), True),
        ("a", "b", (), False),
        ("a", None, (), False),
        ("a", "a", (1,), False),
        ("a", "a", (2,), False),
    ],
)
def test_where_complaints_go(
    out: str, err: str | None, closed_at_start: tuple[int, ...], same: bool, tmp_path: Path
) -> None:
    child = os.fork()
    if child == 0:
        for fd, name in ((1, out), (2, err)):
            if name:
                os.dup2(os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), fd)
            else:
                os.close(fd)
        for fd in closed_at_start:
            os.set_inheritable(fd, False)
        os._exit(loghosts.complaints_go_where_output_goes() == same)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
