"""What a log script prepares before its logger is begun: it may fail, hang or be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.processes import killed, runs
from helpers.services import await_down, await_pid, contents, pid_of, status_of
from helpers.tree import ENVIRONMENT
from helpers.waiting import until

from slashservice.supervise.services.loghost import SECONDS_OF_IDLENESS


def add(hosted: Hosted, name: str, before: str, actions: str = "./main", start: str = "") -> Path:
    """Add a service whose log does something before it execs multilog."""
    log = hosted.add(name, actions)
    text = f"#!/bin/sh{start}\n{before}exec {hosted.tree.commands}/multilog {actions}\n"
    (log / "run").write_text(text)
    return log


def is_in_host(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"loghost" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def shells(log: Path) -> list[int]:
    """Return the processes that prepare a log: each leads a session.

    What a shell has forked is its copy for a moment, and may be left when the shell is killed.
    """
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == str(log):
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                is_shell = words[:2] in ([b"/bin/sh", b"-c"], [b"/bin/sh", b"-e"])
                if is_shell and os.getsid(int(name)) == int(name):
                    found.append(int(name))
    return found


def waits_in(log: Path) -> int:
    """Wait until a shell prepares a log; return its pid."""

    def alone() -> int:
        found = shells(log)
        return found[0] if len(found) == 1 else 0

    return until(alone, "a shell prepares it")


def fifo(log: Path) -> str:
    """Make what a script waits at, until somebody opens it for writing; return that line."""
    os.mkfifo(log / "gate")
    return "cat ./gate >./passed\n"


def opened_gate(log: Path) -> None:
    """Let all pass who wait at the gate, and who come there, until nobody prepares the log."""
    until(lambda: has_let_pass(log), "all have passed")


def has_let_pass(log: Path) -> bool:
    """Let those pass who wait at the gate; tell whether nobody prepares the log."""
    try:
        fd = os.open(log / "gate", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return not shells(log)
    os.write(fd, b"go\n")
    os.close(fd)
    return False


def held(hosted: Hosted, name: str, start: str = "", after: str = "") -> Path:
    """Add a service whose log waits at its gate."""
    log = add(hosted, name, "", start=start)
    line = fifo(log)
    text = (log / "run").read_text().replace("exec ", f"{line}{after}exec ")
    (log / "run").write_text(text)
    return log


def test_what_hangs_keeps_nobody_else(hosted: Hosted) -> None:
    log = held(hosted, "a")
    hosted.add("b", "./main")
    svscan = hosted.tree.svscan()
    hosted.host("b")
    waits_in(log)
    hosted.write("a", b"early\n")
    hosted.write("b", b"x\n")
    hosted.arrives("b", b"x\n")
    assert is_in_host(await_pid(log)), "to others it is what it will be"
    assert not (log / "main").exists()
    opened_gate(log)
    hosted.write("a", b"late\n")
    hosted.arrives("a", b"early\nlate\n")
    assert pid_of(log) == hosted.host("b"), "as before"
    assert (log / "passed").read_text().startswith("go\n")
    hosted.tree.drain(svscan)


@pytest.mark.parametrize("option", ["-t", "-k", "-h", "-a"])
def test_a_signal_ends_the_shell(option: str, hosted: Hosted) -> None:
    """So it would the script, which then begins again."""
    log = held(hosted, "a")
    hosted.tree.svscan()
    first = waits_in(log)
    hosted.tree.svc(option, log)
    until(lambda: not runs(first), "it ends")
    until(lambda: [pid for pid in shells(log) if pid != first], "another one begins")
    opened_gate(log)
    hosted.write("a", b"x\n")
    hosted.arrives("a", b"x\n")
    hosted.host("a")


def test_one_that_is_stopped_goes_on_later(hosted: Hosted) -> None:
    log = held(hosted, "a")
    hosted.tree.svscan()
    shell = waits_in(log)
    hosted.tree.svc("-p", log)
    until(lambda: "T (stopped)" in Path(f"/proc/{shell}/status").read_text(), "stopped")
    hosted.tree.svc("-c", log)
    opened_gate(log)
    hosted.write("a", b"x\n")
    hosted.arrives("a", b"x\n")
    hosted.host("a")


def test_down_and_up(hosted: Hosted) -> None:
    log = held(hosted, "a")
    hosted.tree.svscan()
    shell = waits_in(log)
    hosted.tree.svc("-d", log)
    await_down(log)
    until(lambda: not runs(shell), "it ends")
    hosted.tree.svc("-u", log)
    waits_in(log)
    hosted.tree.svc("-d", log)
    await_down(log)
    assert not (log / "main").exists()


@pytest.mark.parametrize("start", ["", " -e"])
def test_what_fails(start: str, hosted: Hosted) -> None:
    """The script goes on, or ends and begins again, as the shell decides."""
    log = add(hosted, "a", "echo x >>./begun\nmkdir /dev/null/x\n", start=start)
    hosted.tree.svscan()
    hosted.write("a", b"x\n")
    if start:
        until(lambda: contents(log / "begun") == b"x\nx\n", "it begins again")
        assert not (log / "main").exists()
        (log / "run").write_text((log / "run").read_text().replace("mkdir /dev", "true /dev"))
    hosted.arrives("a", b"x\n")
    hosted.host("a")
    assert "/dev/null/x" in hosted.tree.says()


def test_svscan_is_killed_while_a_shell_prepares(hosted: Hosted) -> None:
    """The next one begins anew; what was said in between arrives."""
    log = held(hosted, "a")
    svscan = hosted.tree.svscan()
    first = waits_in(log)
    hosted.write("a", b"1\n")
    killed(svscan)
    svscan = hosted.tree.svscan()
    until(lambda: [pid for pid in shells(log) if pid != first], "another shell")
    hosted.write("a", b"2\n")
    opened_gate(log)
    hosted.arrives("a", b"1\n2\n")
    hosted.host("a")
    hosted.tree.drain(svscan)


def test_the_host_is_killed_while_a_shell_prepares(hosted: Hosted) -> None:
    """Then the log has ended with it, and begins anew."""
    log = held(hosted, "a")
    hosted.add("b", "./main")
    svscan = hosted.tree.svscan()
    host = hosted.host("b")
    waits_in(log)
    assert await_pid(log) == host
    os.kill(host, signal.SIGKILL)
    await_pid(hosted.directories["b"], other_than=host)
    hosted.write("a", b"x\n")
    until(lambda: has_let_pass(log) and hosted.current("a") == b"x\n", "it begins anew")
    assert hosted.host("a") == hosted.host("b") != host
    hosted.tree.drain(svscan)


def test_a_host_waits_for_what_is_prepared_for_it(hosted: Hosted) -> None:
    """However long that takes. A host without loggers ends otherwise after a while."""
    log = held(hosted, "a")
    hosted.tree.svscan()
    waits_in(log)
    pid = await_pid(log)
    time.sleep(SECONDS_OF_IDLENESS + 1)
    opened_gate(log)
    hosted.write("a", b"x\n")
    hosted.arrives("a", b"x\n")
    assert hosted.host("a") == pid
    status = status_of(log)
    assert status and status.pid == pid


def test_a_drain_ends_what_hangs(hosted: Hosted) -> None:
    log = held(hosted, "a")
    hosted.add("b", "./main")
    svscan = hosted.tree.start(
        [str(hosted.tree.commands / "svscan"), "-g", "1", str(hosted.tree.scan)]
    )
    hosted.host("b")
    shell = waits_in(log)
    hosted.write("b", b"x\n")
    for fd in hosted.pipes.values():
        os.close(fd)
    hosted.pipes.clear()
    hosted.tree.drain(svscan)
    until(lambda: not runs(shell), "the shell has ended, too")
    assert hosted.current("b") == b"x\n"


def test_nothing_of_ours_is_in_the_shell(hosted: Hosted) -> None:
    """It has the input, the outputs, and what it tells us by; and all that a daemon has."""
    before = "find /proc/self/fd -printf '%f\\n' >./fds\ncat /proc/self/status >./status\n"
    log = add(hosted, "a", before + "printf '%s ' $HOME $x >./env\n")
    script = f"#!/bin/sh\n{before}exec cat\n"
    other = hosted.tree.add("b", log=script) / "log"
    svscan = hosted.tree.start(
        ["env", "x=y", "HOME=/h", str(hosted.tree.commands / "svscan"), str(hosted.tree.scan)]
    )
    hosted.host("a")
    await_pid(other)
    until(lambda: b"ctxt" in contents(other / "status"), "the other was there")
    until(lambda: contents(log / "env") == b"/h y ", "the environment is there")
    ours, theirs = ({*(at / "fds").read_text().split()} for at in (log, other))
    assert ours == theirs | {"9"}
    kept = ("Uid", "Gid", "Groups", "Umask", "SigBlk", "SigIgn", "SigCgt")
    statuses = [
        [line for line in (at / "status").read_text().splitlines() if line.startswith(kept)]
        for at in (log, other)
    ]
    assert statuses[0] == statuses[1]
    hosted.tree.drain(svscan)


def test_a_directory_that_is_removed_is_made_again(hosted: Hosted) -> None:
    made = hosted.tree.root / "logs/a"
    log = add(hosted, "a", f"mkdir -p {made}\n", str(made))
    svscan = hosted.tree.svscan()
    hosted.write("a", b"1\n")
    until(lambda: made.joinpath("current").exists(), "made")
    hosted.host("a")
    hosted.tree.svc("-d", log)
    await_down(log)
    subprocess.run(["rm", "-r", made.parent], check=True, env=ENVIRONMENT)
    hosted.write("a", b"2\n")
    hosted.tree.svc("-u", log)
    until(
        lambda: (
            made.joinpath("current").exists() and b"2\n" in made.joinpath("current").read_bytes()
        ),
        "made again",
    )
    hosted.tree.drain(svscan)
