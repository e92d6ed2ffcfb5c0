"""SIGKILL the supervisor just before each system call that matters, one after the other.

strace does the killing. Whatever had been done by then, the next supervisor finds either
what was before the command or what was to come of it, and every daemon runs once.
"""

from __future__ import annotations

import os
import subprocess
from itertools import count
from pathlib import Path

import pytest
from helpers.processes import runs, state_of
from helpers.services import await_pid, is_supervised, pid_of, status_of
from helpers.tree import Tree
from helpers.waiting import until

from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.context import FEWEST
from slashservice.supervise.services.spawner import SECONDS_TO_START

RUN = """\
#!/bin/sh
exec 9>>alone
/usr/bin/flock -n 9 || echo $$ >>twice
echo $$ >>starts
exec sleep 1000
"""

AWAY = RUN.replace("exec sleep", "cd /\nexec sleep")
"""It leaves the directory by which it could be told."""

LOG = "#!/bin/sh\necho $$ >>starts\nexec /usr/bin/multilog ./main\n"

Outcome = tuple[bytes, bool, bool, int]
"""What is wanted, whether it is up, whether it is paused, how often it was started."""


def strace(number: int, call: str) -> list[str]:
    """Return the words that run (or with ``-p`` join) a process until its call ``number``."""
    inject = f"inject={call}:signal=KILL:when={number}"
    return ["/usr/bin/strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]


LONGER_THAN_A_START = int(1.2 * SECONDS_TO_START * 1_000_000)
"""Microseconds."""


def starts(path: Path) -> int:
    try:
        return (path / "starts").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def supervised(tree: Tree, *paths: Path) -> None:
    until(lambda: all(is_supervised(p) and status_of(p) for p in paths), "supervised")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "others"),
    [
        *((call, 0) for call in ("rename", "mknodat", "flock", "clone", "mkdir", "write")),
        *(
            (call, FEWEST)
            for call in ("write", "clone", "pwrite64", "sendmsg", "recvfrom", "prctl")
        ),
    ],
)
def test_in_the_very_first_scan(tree: Tree, call: str, others: int) -> None:
    """With enough others, a spawner starts them."""
    for number in range(others):
        tree.add(f"other{number}", down=True)
    for number in count(1):
        plain = tree.add(f"plain{number}", RUN)
        away = tree.add(f"away{number}", AWAY)
        logged = tree.add(f"logged{number}", RUN, LOG)
        first = tree.svscan([*strace(number, call), "-D"])
        parts = (plain, away, logged, logged / "log")
        until(
            lambda: first.poll() is not None or all(pid_of(part) for part in parts),  # noqa: B023
            "killed, or all up",
        )
        survived = first.poll() is None
        if survived:
            first.kill()
        first.wait()
        second = tree.svscan()
        for part in parts:
            await_pid(part)
        until(lambda: all(starts(part) for part in parts), "each said so")  # noqa: B023
        assert [starts(part) for part in parts] == [1] * 4, f"before {call} {number}"
        assert not (plain / "twice").exists()
        assert not (away / "twice").exists()
        assert not (logged / "twice").exists()
        tree.drain(second)
        for name in (plain.name, away.name, logged.name):
            (tree.scan / name).unlink()
        if survived:
            break
    assert number > 1, f"{call} is never called"


@pytest.mark.slow
@pytest.mark.parametrize("call", ["recvmsg", "clone3", "pwrite64", "prlimit64", "sendto"])
def test_a_spawner_that_is_slow(tree: Tree, call: str) -> None:
    """Wherever it is when svscan no longer waits, each service is started just once."""
    paths = [tree.add(f"s{number}", RUN) for number in range(FEWEST + 2)]
    words = ["/usr/bin/strace", "-f", "-D", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    scanner = tree.svscan([*words, "-e", f"inject={call}:delay_enter={LONGER_THAN_A_START}"])
    for path in paths:
        await_pid(path)
    until(lambda: all(map(starts, paths)), "each said so")
    assert [starts(path) for path in paths] == [1] * len(paths)
    assert not any((path / "twice").exists() for path in paths)
    tree.drain(scanner)


COMMANDS: list[tuple[str, bytes, list[Outcome], list[Outcome]]] = [
    ("down", b"d", [(b"u", True, False, 1)], [(b"d", False, False, 1)]),
    ("up", b"u", [(b"d", False, False, 0)], [(b"u", True, False, 1)]),
    (
        "once",
        b"o",
        [(b"d", False, False, 0)],
        # Wanted, and then never run: the one thing that a crash may cut in half.
        [(b"\0", True, False, 1), (b"\0", False, False, 0)],
    ),
    ("pause", b"p", [(b"u", True, False, 1)], [(b"u", True, True, 1)]),
    ("continue", b"c", [(b"u", True, True, 1)], [(b"u", True, False, 1)]),
    ("paused and down", b"d", [(b"u", True, True, 1)], [(b"d", False, False, 1)]),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("letter", "before", "after"),
    [case[1:] for case in COMMANDS],
    ids=[case[0] for case in COMMANDS],
)
@pytest.mark.parametrize("program", ["svscan", "supervise"])
def test_in_a_command(
    tree: Tree, program: str, letter: bytes, before: list[Outcome], after: list[Outcome]
) -> None:
    struck = sum(
        kill_at_each(tree, program, letter, before, after, call)
        for call in ("read", "openat", "rename", "kill", "clone", "pwrite64")
    )
    assert struck >= 3


def kill_at_each(
    tree: Tree,
    program: str,
    letter: bytes,
    before: list[Outcome],
    after: list[Outcome],
    call: str,
) -> int:
    """Kill it at its first ``call``, then at the second, as long as there are; return how many."""

    def start(path: Path) -> subprocess.Popen[bytes]:
        if program == "svscan":
            return tree.svscan()
        return tree.start([str(tree.commands / program), str(path)])

    _, was_up, was_paused, _ = before[0]
    for number in count(1):
        path = tree.add(f"{call}{number}", RUN, down=not was_up)
        first = start(path)
        supervised(tree, path)
        if was_up:
            until(lambda: starts(path), "up")  # noqa: B023
        if was_paused:
            tree.svc("-p", path)
        until(lambda: found(tree, path) in before, "as it is to be before")  # noqa: B023
        if survives(first, strace(number, call), tree, path, letter, after):
            first.kill()
            first.wait()
            break
        second = start(path)
        until(
            lambda: is_supervised(path) and found(tree, path) in [*before, *after],  # noqa: B023
            f"{found(tree, path)} before {call} {number} to become {before} or {after}",
        )
        assert not (path / "twice").exists()
        tree.drain(second)
        (tree.scan / path.name).unlink()
    tree.end()
    (tree.scan / path.name).unlink()
    return number - 1


def survives(
    process: subprocess.Popen[bytes],
    words: list[str],
    tree: Tree,
    path: Path,
    letter: bytes,
    after: list[Outcome],
) -> bool:
    """Send it the command, traced by ``words``; tell whether it carries it out and lives."""
    tracer = tree.start([*words, "-p", str(process.pid)])
    about = Path(f"/proc/{process.pid}/status")
    until(lambda: b"TracerPid:\t0\n" not in about.read_bytes(), "traced")
    order(path, letter)
    until(lambda: process.poll() is not None or found(tree, path) in after, "killed, or done")
    tracer.terminate()
    tracer.wait()
    return process.poll() is None


def order(path: Path, letter: bytes) -> None:
    control = os.open(path / "supervise/control", os.O_WRONLY)
    os.write(control, letter)
    os.close(control)


def found(tree: Tree, path: Path) -> Outcome:
    now = status_of(path) or Status(b"", 0, False, b"?")
    up = runs(now.pid)
    paused = up and now.paused and state_of(now.pid) == "T"
    return now.want, up, paused, starts(path)
