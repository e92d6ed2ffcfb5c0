"""System calls that fail: each complaint and status as C has it, or a lasting disk intact."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.both import Both, Outcome

from slashservice.supervise import platform

ERRORS = ["EPERM", "EIO", "ENOMEM", "EINVAL", "EACCES", "ENOSYS"]

CALLS = [
    ("setuidgid root true", "setgroups"),
    ("setuidgid root true", "setgid"),
    ("setuidgid root true", "setuid"),
    ("pgrphack true", "setsid"),
    ("setlock lock true", "flock"),
    ("setlock -n lock true", "flock"),
    ("setlock -x lock true", "flock"),
    ("envdir env true", "chdir"),
    ("envdir env true", "fchdir"),
    ("chpst -u root true", "setgroups"),
    ("chpst -u root true", "setgid"),
    ("chpst -u root true", "setuid"),
    ("chpst -e env true", "chdir"),
    ("chpst -e env true", "fchdir"),
    ("chpst -/ / true", "chroot"),
    ("chpst -/ / true", "chdir"),
    ("chpst -n 1 true", "setpriority"),
    ("chpst -l lock true", "flock"),
    ("chpst -L lock true", "flock"),
    ("chpst -P true", "setsid"),
    ("fghack true", "pipe2"),
    ("fghack true", "clone"),
    ("fghack true", "wait4"),
]
"""A line, and the call in it that is made to fail: once in C's program and once in ours."""


def inject(both: Both, call: str, error: str, programs: Path, line: list[str]) -> Outcome:
    """Run a line under strace, which makes ``call`` fail."""
    rule = f"inject={call}:error={error}"
    trace = ["/usr/bin/strace", "-o", "/dev/null", "-e", rule]
    return both.run(programs, [*trace, str(both.link / line[0]), *line[1:]])


@pytest.fixture
def env(work: Path) -> None:
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")


@pytest.mark.root
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("line", "call"), CALLS)
def test_one_call_fails(both: Both, env: None, line: str, call: str, error: str) -> None:
    theirs = inject(both, call, error, both._oracle, line.split())
    mine = inject(both, call, error, both._ours, line.split())
    assert mine == theirs


@pytest.mark.parametrize(
    "error",
    ["E2BIG", "EACCES", "EIO", "EISDIR", "ELOOP", "ENOENT", "ENOEXEC", "ENOMEM", "ENOTDIR",
     "EPERM", "ETXTBSY", "EAGAIN", "EMFILE", "ENAMETOOLONG"],
)  # fmt: skip
def test_the_exec_fails(both: Both, env: None, error: str) -> None:
    for line in ("softlimit /bin/true", "chpst -v /bin/true", "envdir env true"):
        theirs = inject(both, "execve", error, both._oracle, line.split())
        mine = inject(both, "execve", error, both._ours, line.split())
        assert mine == theirs
        assert mine.status == 111


@pytest.mark.parametrize("waiting", ["-m50000000", "-o10", "-s1000000"])
def test_the_exec_fails_while_limits_wait(both: Both, env: None, waiting: str) -> None:
    line = ["softlimit", waiting, "envdir", "env", "/bin/true"]
    mine = inject(both, "execve", "EACCES", both._ours, line)
    assert mine.stderr == b"envdir: fatal: unable to run /bin/true: access denied\n"


def test_full_disk_for_the_lock(both: Both, work: Path) -> None:
    for command, words in (("setlock", "unable to open /dev/full/x"), ("chpst", "unable to op")):
        option = ["-l"] if command == "chpst" else []
        outcome = both.same(command, *option, "/dev/full/x", "true")
        assert outcome.status == 111
        assert words.encode() in outcome.stderr


def test_complaint_to_a_full_disk(both: Both, work: Path) -> None:
    """It can't be said, and that changes nothing."""
    assert both.same("setlock", "nosuch/x", "true", stderr="/dev/full").status == 111


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_killed_while_waiting_for_a_lock(both: Both, work: Path, number: int) -> None:
    """It dies of the signal as C does, leaving the lock to who holds it."""
    import fcntl

    for programs in (both._oracle, both._ours):
        with (work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen([programs / "setlock", "lock", "true"], cwd=work)
            both.await_lock(process.pid)
            process.send_signal(number)
            assert process.wait(60) == -number
        assert both.ours("setlock", "-n", "lock", "true").status == 0


@pytest.mark.root
def test_account_that_may_not_read_our_code(both: Both, work: Path, ours: Path) -> None:
    """It still gets its program, and a complaint in plain words."""
    code = both._ours.parent / "code" / "supervise"
    mode = code.stat().st_mode
    code.chmod(0o700)
    try:
        assert both.ours("setuidgid", "nobody", "true").status == 0
        outcome = both.ours("setuidgid", "nobody", "nosuch")
        assert outcome.stderr.startswith(b"setuidgid: fatal: unable to run nosuch: ")
        assert outcome.status == 111
        line = "chpst -u nobody -l /dev/null -o 20 -N -M 022 -012 true"
        assert both.ours(*line.split()).status == 0
    finally:
        code.chmod(mode)


def test_interpreter_without_ctypes(
    both: Both, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ``_ctypes`` is missing everything works but what nothing else can do."""
    from slashservice.supervise import signals
    from slashservice.supervise.chain import pathexec

    class Became(BaseException):
        pass

    def execve(path: bytes, argv: list[bytes], entries: Mapping[bytes, bytes]) -> None:
        raise Became(argv, list(zip(entries.keys(), entries.values(), strict=True)))

    monkeypatch.setitem(sys.modules, "slashservice.supervise.platform.clib", None)
    monkeypatch.delattr(platform, "clib", raising=False)
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(signals, "restore_defaults", lambda: None)
    with pytest.raises(Became) as became:
        pathexec.execute(b"/x", [b"x"], [b"A=1", b"odd", b"=2", b"A=3"])
    assert became.value.args == ([b"x"], [(b"A", b"1"), (b"A", b"3")])


def test_error_numbers_are_passed_on(work: Path) -> None:
    """An exec by way of the C library says why it failed, too."""
    from slashservice.supervise.platform import clib

    ready = clib.Exec(os.fsencode(work / "nosuch"), [b""], [b"odd"])
    assert ready.attempt() == errno.ENOENT
    with pytest.raises(OSError, match="Invalid argument"):
        clib.prctl(-1, 0)
