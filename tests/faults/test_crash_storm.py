"""Hundreds of services that die at once, again and again: nobody else is kept waiting.

What is asked of svscan meanwhile has to be done before the crowd has had one start each. That is
a measure which holds on a slow machine and on a busy one.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.processes import kill, runs
from helpers.services import await_down, await_pid, contents, in_status, make_service, status_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import GENEROUS, until

COUNTED = "#!/bin/sh\necho >>starts\n"
"""A run script that begins so says that it was started, by one byte."""

PLAIN_LOG = "#!/bin/sh\nexec multilog ./main\n"


class Kind(NamedTuple):
    """How the services of a storm die: ``run`` is their script (None: they have none)."""

    number: int
    run: str | None
    log: str | None = None
    complaint: str = ""


KINDS = {
    "exit 0": Kind(600, COUNTED + "exit 0\n"),
    "exit 1": Kind(2000, COUNTED + "exit 1\n"),
    "killed": Kind(600, COUNTED + "kill -9 $$\n"),
    "no interpreter": Kind(600, "#!/nowhere/sh\n", complaint="unable to start"),
    "no run": Kind(600, None, complaint="unable to start"),
    "with logs": Kind(500, COUNTED + "echo dying\nexit 1\n", log=PLAIN_LOG),
    "after a second": Kind(600, COUNTED + "exec sleep 1\n"),
}


class Storm:
    """Services that die at once, in a tree."""

    def __init__(self, tree: Tree, kind: Kind) -> None:
        self.tree = tree
        self.kind = kind
        self.crowd = [tree.make(f"x{number:04}", log=kind.log) for number in range(kind.number)]
        for path in self.crowd:
            if kind.run is None:
                (path / "run").unlink()
            else:
                make_service(path, kind.run, kind.log)
            (tree.scan / path.name).symlink_to(path)

    def starts(self) -> list[int]:
        """Return how often each was started, or was to be."""
        if not self.kind.complaint:
            return [len(contents(path / "starts")) for path in self.crowd]
        said = [line.split("/")[0].split()[-1] for line in self.tree.lines(self.kind.complaint)]
        count = dict.fromkeys((path.name for path in self.crowd), 0)
        for name in said:
            if name in count:
                count[name] += 1
        return list(count.values())

    @contextmanager
    def in_time(self, what: str) -> Iterator[None]:
        """What is done inside is done before the crowd has had a start each."""
        before = sum(self.starts())
        yield
        passed = sum(self.starts()) - before
        assert passed < self.kind.number, f"{what}: {passed} starts of others came before it"


GOOD = ("termed", "downed", "paused", "killed")
"""Services that work, each for one thing. They were all started more than a second ago."""


def ask(storm: Storm, tree: Tree) -> None:
    """Ask for whatever one may ask svscan for, and see it done."""
    termed, downed, paused, killed = (tree.real / name for name in GOOD)
    pids = {path: await_pid(path) for path in (termed, killed)}
    with storm.in_time("svc -t"):
        tree.svc("-t", termed)
        await_pid(termed, other_than=pids[termed])
    with storm.in_time("the death of a service"):
        kill(pids[killed], signal.SIGKILL)
        await_pid(killed, other_than=pids[killed])
    with storm.in_time("svc -d"):
        tree.svc("-d", downed)
        await_down(downed)
    with storm.in_time("svc -u"):
        tree.svc("-u", downed)
        await_pid(downed)
    with storm.in_time("svc -p"):
        tree.svc("-p", paused)
        until(lambda: (now := status_of(paused)) and now.paused, "paused")
    with storm.in_time("svc -c"):
        tree.svc("-c", paused)
        until(lambda: (now := status_of(paused)) and not now.paused, "continued")
    with storm.in_time("a new link"):
        await_pid(tree.add("linked"))
    with storm.in_time("a new directory"):
        await_pid(make_service(tree.scan / "made", SLEEP))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_nobody_waits_for_those_that_crash(tree: Tree, kind: Kind) -> None:
    good = [tree.add(name) for name in GOOD]
    storm = Storm(tree, kind)
    svscan = tree.svscan()
    until(lambda: sum(storm.starts()) >= kind.number * 3 // 2, "the storm rages", pause=0.1)
    ask(storm, tree)
    until(lambda: min(storm.starts()) >= 2, "each has its turn", 5 * GENEROUS, pause=0.1)
    assert max(storm.starts()) <= 5 * min(storm.starts())
    with storm.in_time("the end"):
        tree.drain(svscan)
    assert all(in_status(path) == 0 for path in [*good, *storm.crowd])


def test_nobody_waits_for_the_first_deaths_of_a_crowd(tree: Tree) -> None:
    """Services that were started after a crowd which died at once and at the same time.

    Told to end, each is seen to have died before the deaths of the crowd have all been seen. svscan
    stands still until the crowd is dead and they have been told. Then each look for a death takes
    some milliseconds, however fast the machine is: that system call is delayed.
    """
    storm = Storm(tree, Kind(400, SLEEP))
    good = [tree.add(f"y{number}") for number in range(4)]  # they are taken up last
    slowly = ["-e", "trace=wait4", "-e", "inject=wait4:delay_enter=4000"]
    svscan = tree.svscan(["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", *slowly])
    pids = {path: await_pid(path) for path in (*storm.crowd, *good)}
    svscan.send_signal(signal.SIGSTOP)
    for path in storm.crowd:
        kill(pids[path], signal.SIGKILL)
    until(lambda: not any(runs(pids[path]) for path in storm.crowd), "the crowd is dead")
    for path, letters in zip(good, ("-t", "-k", "-i", "-du"), strict=True):
        tree.svc(letters, path)
    svscan.send_signal(signal.SIGCONT)
    for path, pid in pids.items():
        await_pid(path, other_than=pid)
    assert max(map(died, good)) < max(map(died, storm.crowd)), "after all others"
    tree.drain(svscan)


def died(service: Path) -> int:
    """Return when the death of a service was seen, in nanoseconds."""
    return (service / "supervise/deaths").stat().st_mtime_ns


def test_a_storm_that_comes_and_goes(tree: Tree) -> None:
    """What breaks all services breaks them while they run; when it is mended they come back."""
    library = tree.root / "library"
    library.touch()
    script = f"#!/bin/sh\necho >>starts\n[ -e {library} ] || exit 127\nexec sleep 1000\n"
    storm = Storm(tree, Kind(600, script))
    for name in GOOD:
        tree.add(name)
    svscan = tree.svscan()
    pids = [await_pid(path) for path in storm.crowd]
    library.unlink()
    for pid in pids:
        kill(pid, signal.SIGKILL)
    until(lambda: min(storm.starts()) >= 2, "the storm rages", pause=0.1)
    ask(storm, tree)
    library.touch()
    for path, pid in zip(storm.crowd, pids, strict=True):
        await_pid(path, other_than=pid)
    tree.drain(svscan)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_svscan_can_be_told_to_end(tree: Tree, number: int) -> None:
    storm = Storm(tree, Kind(1000, COUNTED + "exit 1\n"))
    svscan = tree.svscan()
    until(lambda: sum(storm.starts()) >= 1100, "the storm rages", pause=0.1)
    with storm.in_time("the end"):
        tree.drain(svscan, number)


def test_thousands_of_new_entries_at_once(tree: Tree) -> None:
    """One that is told something is not kept waiting until all of them are taken up.

    Each takes some milliseconds, however fast the machine is: for that a system call that svscan
    needs for every entry is delayed.
    """
    good = tree.add("good")
    number = 500
    for index in range(number):
        tree.make(f"n{index:04}", down=True)
    slowly = ["-e", "trace=flock", "-e", "inject=flock:delay_enter=4000"]
    svscan = tree.svscan(["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", *slowly])
    await_pid(good)
    svscan.send_signal(signal.SIGSTOP)
    for index in range(number):
        (tree.scan / f"n{index:04}").symlink_to(tree.real / f"n{index:04}")
    svscan.send_signal(signal.SIGHUP)
    tree.svc("-d", good)
    svscan.send_signal(signal.SIGCONT)
    await_down(good)
    last = tree.real / f"n{number - 1:04}"
    until(lambda: status_of(last), "all are taken up")
    down, taken = ((path / "supervise/status").stat().st_mtime_ns for path in (good, last))
    assert down < taken, "or the command waited for all of them"
    tree.drain(svscan)


HANGUPS = "while True: os.kill(pid, signal.SIGHUP)"
DEATHS_OF_NOBODY = "while True: os.kill(pid, signal.SIGCHLD)"
COMMANDS = """
fd = os.open(os.path.join(real, "flooded/supervise/control"), os.O_WRONLY)
while True: os.write(fd, b"ud" * 2048)
"""
ENTRIES = """
while True:
    for number in range(500): os.symlink(real, os.path.join(scan, "none%d" % number))
    for number in range(500): os.unlink(os.path.join(scan, "none%d" % number))
"""
FILES = """
made = os.path.join(scan, "made")
os.mkdir(made)
while True:
    os.close(os.open(os.path.join(made, "down"), os.O_WRONLY | os.O_CREAT))
    os.unlink(os.path.join(made, "down"))
"""


@pytest.mark.parametrize(
    "flood",
    [HANGUPS, DEATHS_OF_NOBODY, COMMANDS, ENTRIES, FILES],
    ids=["HUP", "CHLD", "commands", "entries", "files"],
)
def test_a_flood_of_anything_else(tree: Tree, flood: str) -> None:
    """While it lasts a command is obeyed, a death is answered, a new entry is seen, and TERM."""
    termed, killed = tree.add("termed"), tree.add("killed")
    for number in range(200):
        tree.add(f"x{number:04}", "#!/bin/false\n")
    flooded = tree.add("flooded")
    svscan = tree.svscan()
    pids = {path: await_pid(path) for path in (termed, killed, flooded)}
    code = f"import os, signal, sys\npid, scan, real = int(sys.argv[1]), *sys.argv[2:]\n{flood}"
    words = [sys.executable, "-c", code, str(svscan.pid), str(tree.scan), str(tree.real)]
    flooding = tree.start(words)
    tree.svc("-t", termed)
    kill(pids[killed], signal.SIGKILL)
    await_pid(termed, other_than=pids[termed])
    await_pid(killed, other_than=pids[killed])
    await_pid(tree.add("linked"))
    assert flooding.poll() is None, tree.says()
    tree.drain(svscan)
    flooding.kill()
