"""A log account is a stranger: what it does to its log host costs nobody else anything.

The account sends the signals itself. It can't get at the host's socket; where a test has it
forge messages, root has stolen the socket for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.logs import content
from helpers.processes import comm, runs
from helpers.services import await_down, await_pid, pid_of
from helpers.waiting import until

from slashservice.supervise.platform import linux

pytestmark = pytest.mark.root

ACCOUNT = "nobody"
PIDFD_GETFD = 438

BREAK_IN = r"""
import ctypes, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    if libc.syscall(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")

def get_descriptor():
    process = os.pidfd_open(pid)
    try:
        for fd in range(64):
            try:
                call(438, process, fd, 0)
            except OSError as error:
                if error.errno != 9:
                    raise
            else:
                return
        raise OSError(9, "")
    finally:
        os.close(process)

def trace():
    if libc.ptrace(ctypes.c_long(0x4206), ctypes.c_long(pid), None, None) < 0:
        raise OSError(ctypes.get_errno(), "")

for name, attempt in {
    "memory": lambda: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
    "maps": lambda: open(f"/proc/{pid}/maps").close(),
    "environment": lambda: open(f"/proc/{pid}/environ").close(),
    "descriptors": lambda: os.listdir(f"/proc/{pid}/fd"),
    "descriptor": get_descriptor,
    "trace": trace,
}.items():
    try:
        attempt()
    except OSError:
        pass
    else:
        print(name)
"""
"""Prints the ways in which it gets into a process."""

HUNT = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
own = {os.getpid(), *map(int, sys.argv[1:])}
print("ready", flush=True)
while True:
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in own:
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"loghost" not in file.read():
                    continue
            process = os.pidfd_open(int(name))
        except OSError:
            continue
        for fd in range(3, 24):
            if libc.syscall(438, process, fd, 0) >= 0:
                print("got", name, fd, flush=True)
                sys.exit()
        os.close(process)
"""
"""Tries to get a descriptor of any log host, above all of one that begins."""


def as_account(code: str, *words: object) -> subprocess.Popen[str]:
    """Have the account run some Python."""
    return subprocess.Popen(
        [sys.executable, "-ISc", code, *map(str, words)],
        user=ACCOUNT,
        group=pwd.getpwnam(ACCOUNT).pw_gid,
        extra_groups=[],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def ways_into(pid: int) -> set[str]:
    process = as_account(BREAK_IN, pid)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return set(said.split())


def send(pid: int, number: int) -> None:
    """Have the account send a signal."""
    process = as_account("import os, sys; os.kill(*map(int, sys.argv[1:]))", pid, int(number))
    with process:
        assert process.wait(60) == 0


def is_of_account(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return f"\nUid:\t{pwd.getpwnam(ACCOUNT).pw_uid}\t" in status


def add(hosted: Hosted, name: str, actions: str = "./main", account: str = ACCOUNT) -> Path:
    """Add a service whose log an account writes."""
    log = hosted.add(name, actions)
    commands = hosted.tree.commands
    (log / "run").write_text(
        f"#!/bin/sh\nexec {commands}/setuidgid {account} {commands}/multilog {actions}\n"
    )
    for word in actions.split():
        if word[:2] == "./":
            (log / word).mkdir()
            about = pwd.getpwnam(account)
            os.chown(log / word, about.pw_uid, about.pw_gid)
    return log


def lines_of(hosted: Hosted, name: str) -> bytes:
    return content(hosted.directories[name] / "main")


def taken(pid: int) -> socket.socket:
    """Take a host's socket from it, as only root can."""
    libc = ctypes.CDLL(None, use_errno=True)
    (number,) = [
        int(link.name)
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(link).startswith("socket:")
    ]
    process = os.pidfd_open(pid)
    fd = libc.syscall(PIDFD_GETFD, process, number, 0)
    os.close(process)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    return socket.socket(fileno=fd)


@pytest.fixture
def logged(hosted: Hosted) -> Hosted:
    """Two logs of the account, and one of root's, each with a line."""
    add(hosted, "a")
    add(hosted, "b")
    hosted.add("root", "./main")
    hosted.tree.svscan()
    for name in hosted.directories:
        hosted.host(name)
        hosted.write(name, b"first\n")
        hosted.arrives(name, b"first\n")
    return hosted


def all_goes_on(hosted: Hosted) -> None:
    """Nothing that was said is lost, and all logs are written."""
    (svscan,) = [process for process in hosted.tree.started if process.poll() is None]
    for name in hosted.directories:
        before = lines_of(hosted, name)
        hosted.write(name, b"more\n")
        until(lambda: lines_of(hosted, name).endswith(b"more\n"), f"{name} goes on")  # noqa: B023
        hosted.host(name)
        assert lines_of(hosted, name).startswith(before)
    assert svscan.poll() is None


def test_the_account_does_not_get_into_its_host(logged: Hosted) -> None:
    """Into another process of its own it does."""
    with as_account("import time; print(flush=True); time.sleep(1000)") as other:
        assert other.stdout
        other.stdout.readline()
        assert len(ways_into(other.pid)) == 6
        other.kill()
    assert ways_into(logged.host("a")) == set()
    all_goes_on(logged)


def test_nor_into_one_that_begins(logged: Hosted) -> None:
    with as_account(HUNT, logged.host("root")) as hunter:
        assert hunter.stdout
        assert hunter.stdout.readline() == "ready\n"
        for _ in range(6):
            host = logged.host("a")
            until(lambda: is_of_account(host), "the host has taken the account")  # noqa: B023
            send(host, signal.SIGKILL)
            for name in ("a", "b"):
                await_pid(logged.directories[name], other_than=host)
        found = hunter.poll()
        hunter.kill()
        assert found is None, hunter.stdout.read()
    all_goes_on(logged)


def test_a_processor_gets_nothing_of_the_host(hosted: Hosted) -> None:
    log = add(hosted, "a", "'!cat; ls /proc/$$/fd >&5' ./main")
    add(hosted, "b")
    hosted.tree.svscan()
    hosted.host("a")
    hosted.write("a", b"line\n")
    hosted.arrives("a", b"line\n")
    hosted.tree.svc("-a", log)
    state = log / "main/state"
    until(lambda: state.exists() and state.read_text(), "it ran")
    assert set(state.read_text().split()) - {"10", "255"} == {"0", "1", "2", "4", "5"}


@pytest.mark.parametrize("option", ["-k", "-t", "-d", "-dx"])
def test_svc_works_on_the_log_of_a_stopped_host(option: str, logged: Hosted) -> None:
    """Its host is replaced, and its sibling goes on in the next one."""
    log, host = logged.directories["a"], logged.host("a")
    other = logged.host("root")
    send(host, signal.SIGSTOP)
    logged.write("a", b"meanwhile\n")
    logged.write("b", b"meanwhile\n")
    logged.tree.svc(option, log)
    if option == "-d":
        await_down(log)
        assert not runs(host)
        logged.tree.svc("-u", log)
    else:
        until(lambda: not runs(host), "the host is replaced")
    all_goes_on(logged)
    assert logged.host("root") == other
    for name in ("a", "b"):
        assert lines_of(logged, name) == b"first\nmeanwhile\nmore\n"
    assert len(logged.tree.lines("replacing it")) == 1


@pytest.mark.parametrize("kills", [1, 2])
def test_a_stopped_host_of_a_killed_svscan(kills: int, logged: Hosted) -> None:
    """The second svscan after it knows nothing of that host any more."""
    host = logged.host("a")
    send(host, signal.SIGSTOP)
    logged.write("a", b"meanwhile\n")
    svscan = logged.tree.started[-1]
    for _ in range(kills):
        svscan.kill()
        svscan.wait()
        svscan = logged.tree.svscan()
        for name in ("a", "b"):
            before = await_pid(logged.directories[name], other_than=host)
            logged.hosts.add((before, linux.started(before)))
    until(lambda: not runs(host), "the old host is gone")
    all_goes_on(logged)
    assert lines_of(logged, "a") == b"first\nmeanwhile\nmore\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP])
def test_signals_of_the_account(number: int, logged: Hosted) -> None:
    host = logged.host("a")
    logged.write("a", b"half")
    send(host, number)
    for name in ("a", "b"):
        await_pid(logged.directories[name], other_than=host)
    logged.write("a", b" a line\n")
    all_goes_on(logged)
    assert lines_of(logged, "a") == b"first\nhalf a line\nmore\n"


FORGED: dict[str, Callable[[socket.socket], object]] = {
    "words": lambda host: host.send(b"hello"),
    "no integer": lambda host: host.send(b"exited\0001\0x"),
    "bytes": lambda host: host.send(os.urandom(200)),
    "a status": lambda host: host.send(b"exited\0001\000127"),
    "an answer": lambda host: host.send(b"started\0001"),
    "a number": lambda host: host.send(b"exited\000999\0000"),
    "too much": lambda host: host.send(b"x" * 100_000),
    "descriptors": lambda host: socket.send_fds(host, [b"exited\0001\0000"], [0] * 100),
    "nothing": lambda host: host.send(b""),
    "the end": lambda host: host.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_messages(what: str, logged: Hosted) -> None:
    host, other = logged.host("a"), logged.host("root")
    with taken(host) as stolen:
        FORGED[what](stolen)
    until(lambda: not runs(host), "the host is replaced")
    all_goes_on(logged)
    assert logged.host("root") == other
    assert lines_of(logged, "b") == b"first\nmore\n"


def test_a_flood_of_messages(logged: Hosted) -> None:
    """Other services are seen to meanwhile."""
    host, other = logged.host("a"), logged.host("root")
    with taken(host) as stolen, contextlib.suppress(ConnectionError):
        stolen.setblocking(True)
        while True:
            stolen.send(b"trouble\0001\0again")
    until(lambda: not runs(host), "the host is replaced")
    all_goes_on(logged)
    assert logged.host("root") == other


def test_limits_that_the_account_sets(logged: Hosted) -> None:
    """prlimit(2) asks for no more than the same account."""
    host = logged.host("a")
    code = (
        "import resource, sys; resource.prlimit(int(sys.argv[1]), resource.RLIMIT_NOFILE, (9, 9))"
    )
    with as_account(code, host) as process:
        assert process.wait(60) == 0
    logged.tree.svc("-t", logged.directories["a"])
    until(lambda: logged.tree.lines("has no descriptors left for a/log"), "it was started anew")
    all_goes_on(logged)


def test_more_logs_than_one_host_has_descriptors_for(hosted: Hosted) -> None:
    actions = " ".join(f"./d{number}" for number in range(6))
    names = [f"s{number}" for number in range(60)]
    for name in names:
        add(hosted, name, actions)
    svscan = hosted.tree.svscan(["prlimit", "--nofile=1024:1024"])
    for name in names:
        hosted.write(name, b"line\n")
    for name in names:
        for number in range(6):
            until(
                lambda: hosted.current(name, f"d{number}") == b"line\n",  # noqa: B023
                f"{name} is written to d{number}",
            )
    hosts = {hosted.host(name) for name in names}
    assert len(hosts) > 1 and {comm(pid) for pid in hosts} == {"loghost"}
    hosted.tree.drain(svscan)
    until(lambda: not any(map(runs, hosts)), "the hosts have ended")


def test_half_a_line_keeps_no_host(hosted: Hosted) -> None:
    """However often svscan is killed, and the line arrives whole."""
    log = add(hosted, "a")
    svscan = hosted.tree.svscan()
    hosted.host("a")
    seen = []
    for number in range(4):
        hosted.write("a", b"%d" % number)
        until(lambda: (log / "supervise/journal").stat().st_size, "it is read")
        seen.append(hosted.host("a"))
        svscan.kill()
        svscan.wait()
        svscan = hosted.tree.svscan()
        await_pid(log, other_than=seen[-1])
        until(lambda: not runs(seen[-1]), "the old host has ended")
    hosted.write("a", b"\nlast\n")
    hosted.arrives("a", b"last\n")
    hosted.host("a")
    assert lines_of(hosted, "a") == b"0123\nlast\n"
    assert len(list((log / "main").iterdir())) == 3, "current, lock and state"


@pytest.mark.parametrize("number", ["ENOBUFS", "EMFILE", "ETOOMANYREFS"])
def test_messages_that_the_kernel_refuses(number: str, hosted: Hosted, tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    for name in names:
        add(hosted, name)
    inject = f"inject=sendmsg:error={number}:when=1..7"
    hosted.tree.svscan(["strace", "-D", "-qq", "-o", str(tmp_path / "trace"), "-e", inject])
    for name in names:
        hosted.host(name)
        hosted.write(name, b"x\n")
        hosted.arrives(name, b"x\n")
    assert "INJECTED" in (tmp_path / "trace").read_text()


def test_a_host_that_has_no_work_ends(logged: Hosted) -> None:
    host = logged.host("a")
    for name in ("a", "b"):
        logged.tree.svc("-d", logged.directories[name])
        await_down(logged.directories[name])
    until(lambda: not runs(host), "the host has ended")
    for name in ("a", "b"):
        logged.tree.svc("-u", logged.directories[name])
    until(lambda: pid_of(logged.directories["a"]), "another runs it")
    assert linux.started(logged.host("a"))
    all_goes_on(logged)
