"""``svscan -d``: what a killed svscan has left is brought down, and nothing is started.

The mixes are of chance. Other ones by the environment: ``SLASHSERVICE_SEED="7 8 9"``.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.processes import catches, kill, killed, runs
from helpers.services import await_pid, contents, is_down, is_supervised, pid_of, status_of
from helpers.tree import MULTILOG, SLEEP, Tree
from helpers.waiting import GENEROUS, until

from slashservice.installer import supervision
from slashservice.supervise.protocol import scan_directory

SEEDS = [int(word) for word in os.environ.get("SLASHSERVICE_SEED", "1 2 3 4 5 6").split()]
SERVICES = 14

SAY = """\
#!/bin/sh
say() { echo "$1"; echo "$1" >>said; }
"""
"""What is said is in a file as well, to be compared with the log."""

START = SAY + "echo >>starts\nsay up\n"

CLOSING = """\
trap 'for n in 1 2 3 4 5; do say "closing $n"; sleep 0.02; done; : >ended; exit 0' TERM
: >ready
while :; do sleep 0.05; done
"""

RUNS = {
    "closes": START + CLOSING,
    "once": START + CLOSING,
    "is deaf": START + "trap '' TERM\n: >ready\nwhile :; do sleep 0.05; done\n",
    "fails": START + "exit 100\n",
    "crashes": START + "exit 1\n",
}

FINISH = SAY + "echo >>finished\nsay finished\n"

LOGS = {
    "none": None,
    "own": MULTILOG,
    "hosted": "#!/bin/sh\nexec {commands}/multilog ./main\n",
    "slow": "#!/bin/sh\nmkdir -p main\n"
    'while IFS= read -r line; do sleep 0.01; echo "$line" >>main/current; done\n',
}

WAITS = """\
#!/bin/sh
trap 'trap "" TERM; : >closing; while [ ! -e go ]; do sleep 0.02; done; : >ended; exit 0' TERM
echo >>starts
: >ready
while :; do sleep 0.02; done
"""
"""Does not end before it may."""


def drained(tree: Tree, *options: str) -> subprocess.Popen[bytes]:
    """Start ``svscan -d``."""
    return tree.start([str(tree.commands / "svscan"), "-n", "-d", *options, str(tree.scan)])


def begun(tree: Tree, *options: str) -> subprocess.Popen[bytes]:
    """Start ``svscan -d``, and wait until it obeys signals."""
    svscan = drained(tree, *options)
    until(lambda: catches(svscan.pid, signal.SIGQUIT), "it obeys")
    return svscan


def number_of(path: Path) -> int:
    return contents(path).count(b"\n")


class Service:
    """A service of chance, and what becomes of it between the two svscans."""

    def __init__(self, tree: Tree, chance: random.Random, number: int, may_kill: bool) -> None:
        self.kind = chance.choice(["closes", "closes", *RUNS])
        self.log = chance.choice(list(LOGS))
        self.fate = chance.choice(["stays", "TERM", "KILL" if may_kill else "stays"])
        self.log_is_killed = may_kill and chance.random() < 0.5 and self.log == "own"
        self.log_is_killed &= self.kind != "crashes"  # a line may be under way at any time
        self.finishes = chance.random() < 0.5
        self.is_last = chance.random() < 0.3
        log = LOGS[self.log]
        self.path = path = tree.make(
            f"s{number:02}",
            RUNS[self.kind],
            log and log.format(commands=tree.commands),
            down=self.kind == "once",
        )
        if self.finishes:
            (path / "finish").write_text(FINISH)
            (path / "finish").chmod(0o755)
        if self.is_last:
            (path / "down-last").touch()
        if self.kind == "is deaf":
            (path / "timeout-kill").write_text("300\n")
        (tree.scan / path.name).symlink_to(path)

    def __repr__(self) -> str:
        words = [self.path.name, self.kind, f"log {self.log}", self.fate]
        words += ["finishes"] * self.finishes + ["last"] * self.is_last
        return ", ".join(words + ["log killed"] * self.log_is_killed)

    @property
    def stays_up(self) -> bool:
        return self.kind in ("closes", "once", "is deaf")

    def is_as_it_should(self) -> bool:
        """Tell whether it has come to where nothing happens, or goes round and round."""
        if self.log != "none" and not self.has_read():
            return False
        if self.kind == "fails":
            return number_of(self.path / "starts") == 1 and is_down(self.path)
        return (self.path / ("starts" if self.kind == "crashes" else "ready")).exists()

    def pids(self) -> list[int]:
        """Return the processes that end between the two svscans, of themselves so to say."""
        found = []
        if self.fate != "stays" and self.stays_up:
            found.append(pid_of(self.path))
        elif self.log_is_killed:
            found.append(pid_of(self.path / "log"))
        return [pid for pid in found if pid]

    def ends(self, pids: list[int]) -> None:
        number = signal.SIGTERM if self.fate == "TERM" and self.stays_up else signal.SIGKILL
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it may have ended by the first svscan
                kill(pid, number)

    def has_read(self) -> bool:
        """Tell whether the log has what was said so far."""
        if self.kind == "fails" and self.finishes and not number_of(self.path / "finished"):
            return False
        said = contents(self.path / "said")
        return b"up" in said and (self.kind == "crashes" or self.logged() == said)

    def logged(self) -> bytes:
        """Return all lines of the log. A multilog that was killed leaves a file of its own."""
        main = self.path / "log/main"
        return b"".join(map(contents, [*sorted(main.glob("@*")), main / "current"]))


@pytest.mark.parametrize("termed", [False, True], ids=["killed", "told to end and killed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_ended_between_two_svscans_is_not_started_again(
    tree: Tree, seed: int, termed: bool
) -> None:
    chance = random.Random(f"{seed} {termed}")
    services = [Service(tree, chance, number, not termed) for number in range(SERVICES)]
    print(*services, sep="\n")
    first = tree.svscan()
    for one in services:
        if one.kind == "once":
            until(lambda: is_supervised(one.path), "supervised")  # noqa: B023
            tree.svc("-o", one.path)
    for one in services:
        until(one.is_as_it_should, f"{one!r} has begun")
    pids = {one: one.pids() for one in services}
    if termed:
        first.send_signal(signal.SIGTERM)
        closing = chance.choice([one for one in services if one.kind == "closes"])
        if not closing.is_last:
            until(lambda: b"closing" in contents(closing.path / "said"), "it closes")
    killed(first)
    for one, found in pids.items():
        one.ends(found)
        if one.kind != "is deaf" or one.fate == "KILL":
            until(lambda: not any(map(runs, found)), f"{one!r} has ended")  # noqa: B023

    def starts() -> list[int]:
        return [number_of(one.path / "starts") for one in services]

    def has_settled() -> bool:
        """What the killed one was just starting has started, and ended."""
        before = starts()
        time.sleep(0.3)
        return starts() == before

    until(has_settled, "settled")
    before = starts()
    second = drained(tree)
    assert second.wait(GENEROUS) == 0
    until(lambda: not tree.processes(), "nothing is left")
    assert starts() == before
    for one, started in zip(services, before, strict=True):
        assert not is_supervised(one.path) and not is_supervised(one.path / "log")
        if one.finishes:
            assert number_of(one.path / "finished") == started, one
        if one.log != "none":
            assert one.logged() == contents(one.path / "said"), one
    if not termed:
        ended = {
            one: (one.path / "ended").stat().st_mtime_ns
            for one in services
            if one.kind == "closes" and one.fate == "stays"
        }
        last = [when for one, when in ended.items() if one.is_last]
        others = [when for one, when in ended.items() if not one.is_last]
        assert max(others, default=0) <= min([*last, time.time_ns()]), ended
    third = tree.svscan()
    for one, started in zip(services, before, strict=True):
        if one.kind in ("closes", "is deaf"):
            until(lambda: number_of(one.path / "starts") == started + 1, "up again")  # noqa: B023
    tree.drain(third)


def test_a_last_one_that_ends_before_its_turn_is_not_started_again(tree: Tree) -> None:
    last = tree.make("last", WAITS, MULTILOG)
    (last / "down-last").touch()
    (tree.scan / "last").symlink_to(last)
    other = tree.add("other", WAITS)
    first = tree.svscan()
    until(lambda: (last / "ready").exists() and (other / "ready").exists(), "up")
    pid = pid_of(last)
    killed(first)
    second = drained(tree)
    until((other / "closing").exists, "closing")
    assert runs(pid) and not (last / "closing").exists()
    kill(pid, signal.SIGKILL)
    until(lambda: not is_supervised(last), "svscan has seen it")
    (other / "go").touch()
    assert second.wait(GENEROUS) == 0
    assert [number_of(path / "starts") for path in (last, other)] == [1, 1]
    assert (other / "ended").exists()


def test_a_lock_that_is_held_for_a_moment_keeps_nothing_up(tree: Tree) -> None:
    """The last child of the killed one has it until it has become the daemon."""
    paths = [tree.add(f"s{number}", SLEEP, MULTILOG) for number in range(3)]
    (paths[1] / "down-last").touch()
    first = tree.svscan()
    pids = [await_pid(part) for path in paths for part in (path, path / "log")]
    killed(first)
    locks = [(path / "supervise/lock").open("r+") for path in paths[:2]]
    for lock in locks:
        fcntl.flock(lock, fcntl.LOCK_EX)
    second = drained(tree)
    until(lambda: not runs(pids[-1]), "what can be had is down")
    for lock in locks:
        lock.close()
    assert second.wait(GENEROUS) == 0
    assert not any(map(runs, pids))


def test_a_lock_that_is_not_let_go_of_is_said_and_passed_over(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    killed(first)
    with (path / "supervise/lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert drained(tree).wait(GENEROUS) == 0
    assert runs(pid)
    assert len(tree.lines("unable to acquire s/supervise/lock")) == 1


@pytest.mark.parametrize("last", [False, True])
def test_what_is_deaf_is_killed_when_the_time_is_over(tree: Tree, last: bool) -> None:
    path = tree.make("s", RUNS["is deaf"], MULTILOG)
    if last:
        (path / "down-last").touch()
    (tree.scan / "s").symlink_to(path)
    first = tree.svscan()
    until(lambda: (path / "ready").exists() and pid_of(path / "log"), "up")
    killed(first)
    assert drained(tree, "-g", "1").wait(GENEROUS) == 0
    assert tree.lines("s did not end within 1 seconds: killed")
    until(lambda: not tree.processes(), "nothing is left")


def test_where_nothing_was_left_it_ends_and_starts_nothing(tree: Tree) -> None:
    orderly, fresh, late = tree.add("orderly", SLEEP, MULTILOG), tree.make("fresh"), tree.make("x")
    first = tree.svscan()
    await_pid(orderly / "log")
    tree.drain(first)
    (tree.scan / "fresh").symlink_to(fresh)
    (tree.scan / "dangling").symlink_to(late / "none")
    assert drained(tree).wait(GENEROUS) == 0
    assert not (fresh / "supervise").exists()
    assert not pid_of(orderly) and not is_supervised(orderly)
    assert tree.lines("unable to stat dangling")


def test_it_is_nothing_to_a_svscan_that_runs(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    assert drained(tree).wait(GENEROUS) == 111
    assert await_pid(path) == pid
    tree.drain(first)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_meanwhile(tree: Tree, number: signal.Signals) -> None:
    path = tree.add("s", WAITS, MULTILOG)
    fresh = tree.make("fresh")
    first = tree.svscan()
    until((path / "ready").exists, "up")
    pid, log = await_pid(path), await_pid(path / "log")
    killed(first)
    second = begun(tree)
    until((path / "closing").exists, "closing")
    (tree.scan / "fresh").symlink_to(fresh)
    second.send_signal(number)
    if number == signal.SIGQUIT:
        assert second.wait(GENEROUS) == 0
        assert runs(pid) and runs(log)
        second = begun(tree)
    (path / "go").touch()
    assert second.wait(GENEROUS) == 0
    assert (path / "ended").exists() and not runs(log)
    assert number_of(path / "starts") == 1
    assert not (fresh / "supervise").exists()


def test_killed_in_turn_the_next_goes_on(tree: Tree) -> None:
    path = tree.add("s", WAITS, MULTILOG)
    svscan = tree.svscan()
    until((path / "ready").exists, "up")
    await_pid(path / "log")
    for _ in range(3):
        killed(svscan)
        svscan = begun(tree)
        until((path / "closing").exists, "closing")
        is_noted = functools.partial(scan_directory.is_drained, bytes(tree.scan), svscan.pid)
        until(is_noted, "it says that it drains")
    (path / "go").touch()
    assert svscan.wait(GENEROUS) == 0
    assert number_of(path / "starts") == 1
    found = status_of(path)
    assert found and found.want == b"u", "what is wanted stays"


def test_a_directory_that_can_not_be_read_is_told_of(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    killed(first)
    strace = ["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", "-P", str(tree.scan)]
    words = [*strace, "-e", "trace=getdents64", "-e", "inject=getdents64:error=EIO"]
    svscan = tree.start([*words, str(tree.commands / "svscan"), "-d", str(tree.scan)])
    assert svscan.wait(GENEROUS) == 111
    assert runs(pid)
    assert tree.lines("svscan: warning: unable to read directory")


def test_a_drain_by_an_init_starts_nothing(tree: Tree) -> None:
    """As the script of sysvinit has it: init has killed svscan, and something has ended since."""
    paths = [tree.add(name, RUNS["closes"], MULTILOG) for name in ("gone", "stays")]
    first = tree.svscan()
    until(lambda: all((path / "ready").exists() for path in paths), "up")
    pids = [await_pid(path) for path in paths]
    killed(first)
    kill(pids[0], signal.SIGTERM)
    until(lambda: not runs(pids[0]), "it has ended")
    program = str(tree.commands / "svscan")
    assert supervision.drain(str(tree.scan), program=program)
    lines = ["up", *(f"closing {n}" for n in range(1, 6))]
    for path in paths:
        assert number_of(path / "starts") == 1
        assert (path / "log/main/current").read_text().splitlines() == lines
    until(lambda: not tree.processes(), "nothing is left")
