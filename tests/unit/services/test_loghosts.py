"""What svscan gives to a log host, and what it makes of the end of one."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.clock import Clock
from helpers.services import make_service, write_script
from helpers.waiting import until

from slashservice.supervise.chain import launchers
from slashservice.supervise.platform import linux
from slashservice.supervise.platform.current import system
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import (
    account_numbers,
    adoption,
    log_script,
    loghost,
    loghosts,
    predecessors,
    trouble,
)
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.loghost import Host
from slashservice.supervise.services.preparation import Preparation
from slashservice.supervise.services.remote_logger import RemoteLogger

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
        self.killed: list[int] = []
        self.complaints: list[int] = []
        commands = top / "command"
        commands.mkdir()
        launcher = launchers.text("multilog", sys.executable, launchers.home())
        write_script(commands / "multilog", launcher)
        self.path = make_service(top / "log", f"#!/bin/sh\nexec {commands}/multilog t ./main\n")
        (self.path / "supervise").mkdir()
        self.directory = ServiceDirectory(os.fsencode(self.path), b"service/log")
        self.heritage = Heritage([b"PATH=" + os.fsencode(commands)], b"this life", loop.mask)
        self.hosts = loghosts.LogHosts(loop, self.heritage, 0)

    def begin(
        self, heritage: Heritage, command: list[bytes], keep: int, null: int, complaints: int
    ) -> int:
        """Stand in for what starts a program of our own."""
        self.attempts += 1
        self.complaints.append(complaints)
        if self.fails:
            raise self.fails
        self.processes.append(Process(keep))
        return FIRST_PID + len(self.processes)

    def start(self) -> RemoteLogger | Preparation | None:
        """Start the log service, with an input that never ends."""
        reading, writing = os.pipe()
        try:
            logger = self.hosts.start(self.directory, reading, self.exits.append)
            assert logger is None or isinstance(logger, (RemoteLogger, Preparation))
            return logger
        finally:
            os.close(reading)
            os.close(writing)

    def host(self) -> Host:
        """Return the newest host."""
        return [host for hosts in self.hosts._hosts.values() for host in hosts][-1]

    def say(self, *messages: bytes, fds: Sequence[int] = ()) -> None:
        """Have the newest host say something, and svscan hear it."""
        for data in messages:
            socket.send_fds(self.processes[-1].socket, [data], fds)
        self.pass_()

    def wait(self, seconds: float) -> None:
        """Let time pass, a moment at a time."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.pass_(0.25)

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
        for hosts in self.hosts._hosts.values():
            for host in hosts:
                host.close()
        for process in self.processes:
            process.socket.close()


@pytest.fixture
def world(
    tmp_path: Path, loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    before = os.listdir("/proc/self/fd")
    made = World(tmp_path, loop, clock)
    monkeypatch.setattr(loghost, "start_command", made.begin)
    monkeypatch.setattr(loghost.Host, "_kill", lambda host: made.killed.append(host.pid))
    yield made
    made.close()
    assert os.listdir("/proc/self/fd") == before


def test_what_a_host_is_told_of_a_logger(world: World) -> None:
    logger = world.start()
    assert logger
    assert logger.pid == FIRST_PID + 1
    logger.signal(signal.SIGALRM)
    assert world.processes[0].heard() == [
        b"start\0001\0multilog\0000\0t\0./main",
        b"signal\0001\00014",
    ]
    world.say(b"started\0001", b"signalled\0001", b"exited\0001\000256")
    assert world.exits == [256]
    assert world.host().is_idle and not world.host().is_closed
    world.pass_(loghost.SECONDS_OF_IDLENESS)
    assert world.host().is_closed
    logger.signal(signal.SIGALRM)  # it has ended: nobody is to be told
    assert world.host()._unsent == []


def test_messages_wait_in_order_while_the_host_takes_none(world: World) -> None:
    logger = world.start()
    assert logger
    (process,) = world.processes
    sent = 0
    while not world.host()._unsent:
        logger.signal(1 + sent % 64)
        sent += 1
    for number in range(sent, sent + 3):
        logger.signal(1 + number % 64)
    heard = process.heard()
    assert heard[1:] == [b"signal\0001\000%d" % (1 + n % 64) for n in range(sent - 1)]
    world.pass_(loghost.SECONDS_UNTIL_MORE / 2)
    assert process.heard() == []
    world.pass_(loghost.SECONDS_UNTIL_MORE)
    later = [b"signal\0001\000%d" % (1 + n % 64) for n in range(sent - 1, sent + 3)]
    assert process.heard() == later


def test_what_a_host_has_not_taken_is_closed_with_it(world: World) -> None:
    logger = world.start()
    assert logger
    before = os.listdir("/proc/self/fd")
    while not world.host()._unsent:
        logger.signal(0)
    world.start()
    assert len(os.listdir("/proc/self/fd")) > len(before), "its input and its directory wait"
    world.host().close()
    assert len(os.listdir("/proc/self/fd")) == len(before) - 1
    world.pass_(loghost.SECONDS_UNTIL_MORE)


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


def test_what_a_host_said_before_it_died_is_heard(world: World) -> None:
    """Also if it has not read all; the kernel tells of that first."""
    logger = world.start()
    assert logger
    world.say(b"started\0001")
    logger.signal(signal.SIGALRM)
    world.processes[0].socket.send(b"exited\0001\0000")
    world.processes[0].socket.close()
    world.pass_()
    assert world.exits == [0]
    assert world.host().is_closed


def test_the_host_of_a_killed_svscan_is_kept_until_another_has_the_pipe(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That has it when it says so. Until then the request may be with us, who may be killed."""
    told: list[int] = []

    def adopted(loop: Loop, pid: int, start: int, gone: object) -> SimpleNamespace:
        return SimpleNamespace(signal=told.append)

    monkeypatch.setattr(adoption, "Adopted", adopted)
    world.hosts.predecessors.retire(1 << 22, 1, world.directory, goes_on=True)
    assert world.start()
    world.pass_()
    assert told == []
    world.say(b"started\0001")
    world.pass_()
    assert told == [signal.SIGTERM]


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
        os._exit(log_script.complaints_go_where_output_goes() == same)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def makes(world: World, command: str = "/bin/mkdir -p") -> Path:
    """Have the script make a directory where it is missing; return that."""
    made = world.path / "logs"
    text = (world.path / "run").read_text()
    write_script(
        world.path / "run", text.replace("exec", f"[ -d {made} ] || {command} {made}\nexec")
    )
    return made


def test_a_host_looks_for_what_a_script_would_make(world: World) -> None:
    made = makes(world)
    logger = world.start()
    assert isinstance(logger, Preparation)
    assert logger.pid == FIRST_PID + 1
    started = b"start\0001\0multilog\0001\0%s\0t\0./main" % os.fsencode(made)
    assert world.processes[0].heard() == [started]
    logger.signal(signal.SIGALRM)
    world.say(b"started\0001", b"signalled\0001", b"ready\0001")
    assert not logger._kept and not logger._signals
    world.say(b"exited\0001\0000")
    assert world.exits == [0]
    assert not world.hosts._preparing


def test_what_is_missing_is_made_by_a_shell(world: World) -> None:
    made = makes(world)
    logger = world.start()
    assert logger
    world.processes[0].heard()
    world.say(b"started\0001", b"unready\0001")
    assert not world.host().is_idle, "it is about to be given the logger"

    def is_begun() -> bool:
        world.pass_()
        return bool(world.processes[0].heard())

    until(is_begun, "begun")
    assert made.is_dir()
    world.say(b"started\0002", b"exited\0002\000256")
    assert world.exits == [256]
    assert world.host().is_idle


def test_a_signal_that_comes_while_the_host_looks_is_for_the_shell(world: World) -> None:
    makes(world, "/bin/sleep 1000 2>")
    logger = world.start()
    assert logger
    logger.signal(signal.SIGTERM)
    world.say(b"started\0001", b"signalled\0001", b"unready\0001")

    def has_ended() -> bool:
        world.pass_()
        return bool(world.exits)

    until(has_ended, "it has ended")
    assert world.exits == [signal.SIGTERM]


def test_what_a_shell_may_not_do_is_run_as_written(world: World) -> None:
    made = makes(world, "make")
    assert world.start() is None
    made.mkdir()
    assert world.start()


def test_complaints_go_where_the_script_sends_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (world.path / "run").read_text()
    write_script(world.path / "run", text.replace("exec", "exec 2>&1\nexec"))
    for same in (True, False):
        monkeypatch.setattr(log_script, "complaints_go_where_output_goes", lambda: same)  # noqa: B023
        monkeypatch.setattr(os, "get_inheritable", lambda fd: True)
        assert world.start()
    assert world.complaints == [2, 1]


def ready(world: World) -> RemoteLogger:
    """Start a logger, and have the host say so."""
    logger = world.start()
    assert isinstance(logger, RemoteLogger)
    world.processes[-1].heard()
    world.say(b"started\0%d" % logger.number)
    return logger


NONSENSE = {
    "unknown": [b"hello"],
    "no number": [b"exited\0001\0x"],
    "no status": [b"exited\0001"],
    "a status of no process": [b"exited\0001\000127"],
    "a larger status": [b"exited\0001\00065536"],
    "an unknown logger": [b"exited\0007\0000"],
    "an end without a start": [b"exited\0001\0000", b"exited\0001\0000"],
    "an answer to nothing": [b"signalled\0001"],
    "another answer": [b"started\0001"],
    "too long": [b"trouble\0001\0" + b"x" * 100_000],
    "escapes": [b"trouble\0001\0\x1b[2J"],
    "trouble of nobody": [b"trouble\0009\0full"],
    "having looked": [b"ready\0001"],
    "having looked in vain": [b"unready\0001"],
}


@pytest.mark.parametrize("what", NONSENSE)
def test_a_host_that_talks_nonsense_is_replaced(
    what: str, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    ready(world)
    world.say(*NONSENSE[what])
    world.pass_()
    assert world.killed[:1] == [FIRST_PID + 1]
    assert world.host().is_closed
    said = f"svscan: warning: log host {FIRST_PID + 1} talks nonsense, replacing it\n"
    assert capfd.readouterr().err == said
    ended = len(world.exits)
    world.die(signal.SIGKILL)
    assert world.exits[ended:] == [signal.SIGKILL] * (1 - ended)
    again = world.start()
    assert again and again.pid == FIRST_PID + 2


def test_descriptors_of_a_host_are_not_accepted(world: World) -> None:
    ready(world)
    before = sorted(os.listdir("/proc/self/fd"))
    with open("/dev/null") as null:
        world.say(b"exited\0001\0000", fds=[null.fileno()])
    assert world.killed == [FIRST_PID + 1]
    assert world.exits == []
    assert len(os.listdir("/proc/self/fd")) == len(before) - 1, "only the socket is closed"


def test_a_flood_is_taken_in_portions_and_ends(world: World) -> None:
    ready(world)
    sent = 0
    for _ in range(200):
        try:
            world.processes[0].socket.send(b"trouble\0001\0full")
        except BlockingIOError:
            break
        sent += 1
    assert sent > 2 * loghost.MESSAGES_AT_ONCE
    world.pass_()
    assert world.host()._troubles == loghost.MESSAGES_AT_ONCE
    assert not world.killed
    while not world.killed and world.host()._troubles < sent:
        world.pass_()
    assert world.killed == [FIRST_PID + 1]


@pytest.mark.parametrize("asked", ["signal", "start"])
def test_a_host_that_does_not_answer_is_replaced(
    asked: str, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = ready(world)
    world.wait(100)
    assert not world.killed, "nothing was asked"
    if asked == "signal":
        logger.signal(signal.SIGTERM)
    else:
        world.start()
    world.wait(loghost.SECONDS_TO_ANSWER - 0.5)
    assert not world.killed
    world.wait(1)
    assert world.killed == [FIRST_PID + 1]
    assert "does not answer, replacing it" in capfd.readouterr().err


def test_a_host_that_begins_may_take_longer(world: World) -> None:
    world.start()
    world.wait(loghost.SECONDS_TO_BEGIN - 0.5)
    assert not world.killed
    world.wait(1)
    assert world.killed


def test_time_in_which_svscan_did_not_listen_does_not_count(world: World) -> None:
    logger = ready(world)
    logger.signal(signal.SIGALRM)
    world.pass_(100)
    assert not world.killed
    world.say(b"signalled\0001")
    world.wait(10)
    assert not world.killed


@pytest.mark.parametrize("by", ["signal", "kill"])
def test_a_logger_that_does_not_die_has_its_host_killed(
    by: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a host that waits for a disk, only whoever insists has that."""
    waits = True
    monkeypatch.setattr(system, "waits_for_disk", lambda pid: waits)
    logger = ready(world)
    if by == "kill":
        logger.kill()
    else:
        logger.signal(signal.SIGKILL)
    assert world.processes[0].heard() == [b"signal\0001\0009"]
    world.say(b"signalled\0001")
    world.wait(loghost.SECONDS_TO_DIE + 0.5)
    assert bool(world.killed) == (by == "kill")
    waits = False
    world.wait(loghost.SECONDS_TO_DIE + 0.5)
    assert world.killed[:1] == [FIRST_PID + 1]


def test_a_logger_that_dies_has_its_host_go_on(world: World) -> None:
    logger = ready(world)
    logger.kill()
    world.say(b"exited\0001\0009", b"signalled\0001")
    assert world.exits == [signal.SIGKILL]
    logger.kill()
    ready(world)
    world.wait(30)
    assert not world.killed


def test_a_host_that_is_full_has_another_beside_it(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    first = ready(world)
    world.start()
    world.say(b"full\0002")
    assert world.exits == [111 << 8]
    said = f"log host {first.pid} has no descriptors left for service/log, starting it elsewhere"
    assert said in capfd.readouterr().err
    second = ready(world)
    assert second.pid != first.pid
    world.processes[0].socket.send(b"exited\0001\0000")
    world.pass_()
    third = world.start()
    assert third and third.pid == first.pid, "there is room again"


def test_a_log_that_no_host_has_room_for_is_run_as_written_for_a_while(world: World) -> None:
    world.start()
    world.say(b"full\0001")
    assert world.exits == [111 << 8]
    assert world.start() is None
    world.wait(loghosts.SECONDS_AS_WRITTEN)
    assert world.start()


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.EMFILE, errno.ETOOMANYREFS, errno.EINVAL])
@pytest.mark.parametrize("passes", [True, False])
def test_what_can_not_be_sent_is_tried_again_and_then_said(
    passes: bool,
    number: int,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ready(world)
    before = len(os.listdir("/proc/self/fd"))

    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(socket, "send_fds", refuse)
        assert world.start()
        world.wait(1 if passes else loghost.SECONDS_TO_ANSWER + 1)
    assert world.exits == ([] if passes else [111 << 8])
    world.pass_(1)
    assert bool(world.processes[0].heard()) == passes
    assert not world.killed, "it is not the host's fault"
    assert ("unable to talk to the log host of service/log" in capfd.readouterr().err) != passes
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_start_that_fails_midway_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when no descriptor can be had for the copy that waits."""
    ready(world)
    before = len(os.listdir("/proc/self/fd"))
    left = [os.dup]

    def copy(fd: int) -> int:
        if not left:
            raise OSError(errno.EMFILE, "")
        return left.pop()(fd)

    def full(*arguments: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "send_fds", full)
        patch.setattr(os, "dup", copy)
        with pytest.raises(OSError, match="24"):
            world.start()
    assert len(os.listdir("/proc/self/fd")) == before
    world.die(signal.SIGKILL)
    assert world.exits == [signal.SIGKILL], "of the one that was started"


def test_a_host_that_hangs_up_without_ending_is_killed(world: World) -> None:
    ready(world)
    world.processes[0].socket.shutdown(socket.SHUT_WR)
    world.pass_()
    assert world.host().is_closed
    world.wait(loghost.SECONDS_TO_ANSWER + 0.5)
    assert world.killed == [FIRST_PID + 1]


def test_hosts_that_are_replaced_again_and_again_are_given_up_for_a_while(world: World) -> None:
    for _ in range(2):
        ready(world)
        world.say(b"hello")
        world.die(signal.SIGKILL)
    assert world.start() is None
    world.wait(loghosts.SECONDS_AS_WRITTEN)
    assert world.start()


def test_a_host_without_loggers_from_the_start_ends_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(Host, "start", refuse)
    with pytest.raises(OSError, match="24"):
        world.start()
    world.pass_(loghost.SECONDS_OF_IDLENESS)
    assert world.host().is_closed


def test_an_account_with_other_numbers_has_another_host(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwd = tmp_path / "passwd"
    monkeypatch.setattr(account_numbers, "ACCOUNTS", os.fsencode(passwd))
    commands = launchers.text("setuidgid", sys.executable, launchers.home())
    write_script(tmp_path / "command/setuidgid", commands)
    run = "exec setuidgid logs multilog t ./main"
    write_script(world.path / "run", f"#!/bin/sh\n{run}\n")
    pids: list[int] = []
    for numbers in ("7:7", "7:7", "8:7", "8:9", "8:9"):
        passwd.write_text(f"other:x:1:1::/:/bin/sh\nlogs:x:{numbers}::/:/bin/sh\n# {len(pids)}\n")
        logger = world.start()
        assert logger
        pids.append(logger.pid - FIRST_PID)
    assert pids == [1, 1, 2, 3, 3]


def test_trouble_is_shown_in_the_service_directory(world: World) -> None:
    path = world.path / "supervise/trouble"
    ready(world)
    world.say(b"trouble\0001\0out of disk space")
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    assert path.read_text() == "out of disk space\n"
    world.say(b"trouble\0001")
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    assert not path.exists()
    world.say(b"trouble\0001\0again")
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    assert path.read_text() == "again\n"
    world.say(b"exited\0001\0000")
    assert not path.exists()
    assert sorted(os.listdir(path.parent)) == ["journal"]


@pytest.mark.parametrize("planted", ["link", "directory", "fifo"])
def test_trouble_is_written_over_nobodys_file(planted: str, world: World, tmp_path: Path) -> None:
    new = world.path / "supervise/trouble.new"
    victim = tmp_path / "victim"
    victim.write_text("precious")
    if planted == "link":
        new.symlink_to(victim)
    elif planted == "directory":
        new.mkdir()
    else:
        os.mkfifo(new)
    trouble.write(world.directory, b"text")
    assert victim.read_text() == "precious"


def test_trouble_of_an_earlier_svscan_is_forgotten(world: World) -> None:
    path = world.path / "supervise/trouble"
    path.write_text("old\n")
    ready(world)
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    assert not path.exists()


def test_why_a_logger_could_not_begin_is_kept_until_one_could(world: World) -> None:
    path = world.path / "supervise/trouble"
    for number in (b"1", b"2"):
        world.start()
        if number == b"2":
            assert path.read_text() == "no such directory\n"
        world.say(b"started\0" + number)
        world.say(b"trouble\0" + number + b"\0no such directory")
        world.say(b"exited\0" + number + b"\00028416")
        assert path.read_text() == "no such directory\n"
    world.start()
    world.say(b"started\0003")
    assert path.exists()
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    assert not path.exists()


def test_trouble_that_was_over_is_not_left_by_the_end_of_a_logger(world: World) -> None:
    """That it is over was not written down yet."""
    path = world.path / "supervise/trouble"
    ready(world)
    world.say(b"trouble\0001\0full")
    world.pass_(loghost.SECONDS_BETWEEN_TROUBLES)
    world.say(b"trouble\0001")
    world.say(b"exited\0001\0000")
    assert not path.exists()


def test_a_host_left_is_killed_once_it_waits_for_no_space(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    waits = [True, True, False]
    monkeypatch.setattr(predecessors, "waits_for_space", lambda path: waits.pop(0))
    words = ["sh", "-c", "trap '' TERM; echo; exec sleep 1000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as left:
        assert left.stdout
        left.stdout.readline()
        start = linux.started(left.pid)
        for _ in range(2):
            world.hosts.predecessors.retire(left.pid, start)
        world.hosts.predecessors.retire(left.pid, start, world.directory)
        world.pass_()
        for _ in (1, 2):
            world.pass_(predecessors.SECONDS_TO_HAND_OVER)
            assert left.poll() is None
        world.pass_(predecessors.SECONDS_TO_HAND_OVER)
        assert left.wait() == -signal.SIGKILL
        world.pass_()
    told = f"svscan: warning: log host {left.pid}, left by another svscan, waits for disk space"
    assert capfd.readouterr().err == told + ", and with it service/log\n"
