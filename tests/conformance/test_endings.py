"""finish and control scripts beside runsv: the same commands in any order, the same traces."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import tree as trees
from helpers.services import await_pid, contents, send, status_of, write_script
from helpers.tree import Tree
from helpers.waiting import GENEROUS, until

SEED = int(os.environ.get("SLASHSERVICE_SEED", "0")) or random.randrange(1, 1 << 32)
"""Printed by a failing test; put it into the environment to have the same again."""

RUN = """\
#!/usr/bin/python3 -IS
import os, signal, sys
every = {signal.SIGHUP, signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT,
         signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
def say(word):
    fd = os.open("trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(fd, word.encode() + b"\\n")
    os.close(fd)
say("run")
with open("up.new", "w") as up:
    up.write(str(os.getpid()))
os.rename("up.new", "up")
while True:
    name = signal.Signals(signal.sigwait(every)).name
    say(name)
    if name in DEADLY:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, every)
        os._exit(CODE) if CODE >= 0 else os.kill(os.getpid(), -CODE)
"""

FINISH = "#!/bin/sh\necho finish $1 $2 >>trace\nexit {code}\n"

CONTROL = "#!/bin/sh\necho control/{letter} >>trace\nexit {code}\n"

LETTERS = "udopchait12qk"

A_WHILE = 0.7
"""Seconds."""

CASES = 8
COMMANDS = 14


class Subject:
    """A service directory, under runsv and under ours."""

    def __init__(self, tree: Tree, name: str, rng: random.Random) -> None:
        deadly = {"SIGTERM"} | set(rng.sample(["SIGHUP", "SIGINT", "SIGUSR1"], 1))
        run = RUN.replace("DEADLY", str(deadly))
        run = run.replace("CODE", str(rng.choice([0, 1, 111, 255, -9, -14])))
        # What runsv's "o" wants is "down", and so its "t" asks control/d then: left out here.
        letters = [c for c in LETTERS if c != "d" and rng.random() < 0.5]
        # After a control/k that exits 0, runsv takes the process for dead, and waits for it at "u".
        # One that control/t has kept alive is told to go on by each "t" of runsv's that follows.
        codes = {c: rng.choice([100 if c in "kt" else 0, 1, 100]) for c in letters}
        finish = rng.choice([None, FINISH.format(code=rng.choice([0, 1, 100]))])
        self.commands = [rng.choice(LETTERS + "udt") for _ in range(COMMANDS)]
        down = False
        for at, command in enumerate(self.commands):
            down = command in "do" or (down and command != "u")
            if down and command == "t":
                self.commands[at] = "d"  # which is what runsv makes of it
        self.about = f"{name}: {deadly} {codes} {finish!r} {self.commands}"
        self.paths = []
        for side in ("runsv", "ours"):
            path = tree.make(f"{name}-{side}", run)
            (path / "control").mkdir()
            for letter, code in codes.items():
                text = CONTROL.format(letter=letter, code=code)
                write_script(path / "control" / letter, text)
            if finish:
                write_script(path / "finish", finish)
            self.paths.append(path)
        (tree.scan / name).symlink_to(self.paths[1])
        tree.start(["/usr/bin/runsv", str(self.paths[0])])

    def state(self, path: Path) -> tuple[list[str], bool, bool, bool, bytes]:
        now = status_of(path)
        assert now
        want = b"d" if now.want == b"\0" else now.want
        trace = os.fsdecode(contents(path / "trace")).splitlines()
        paused = now.paused and now.pid > 0  # runsv says so of a dead process, too
        return trace, now.pid > 0, paused, now.termed == 1, want

    def agree(self) -> bool:
        """Tell whether both have come to the same, and nothing is about to follow."""
        theirs, mine = (self.state(path) for path in self.paths)
        return theirs == mine and all(map(self._is_settled, self.paths))

    def _is_settled(self, path: Path) -> bool:
        now = status_of(path)
        if now is None:
            return False
        if now.pid == 0:
            return now.want != b"u"
        return contents(path / "up") == b"%d" % now.pid

    def differ(self) -> str:
        return f"{self.about}\n" + "\n".join(str(self.state(path)) for path in self.paths)


@pytest.fixture
def tree(tmp_path: Path, ours: Path) -> Iterator[Tree]:
    with trees.tree(tmp_path, ours) as made:
        yield made


@pytest.mark.slow
def test_any_commands_in_any_order(tree: Tree) -> None:
    rng = random.Random(SEED)
    print("seed", SEED)
    subjects = [Subject(tree, f"s{number}", rng) for number in range(CASES)]
    scanner = tree.svscan()
    for subject in subjects:
        for path in subject.paths:
            await_pid(path)
    for turn in range(COMMANDS):
        wait_for(subjects, turn)
        for subject in subjects:
            for path in subject.paths:
                send(path, subject.commands[turn].encode())
    wait_for(subjects, COMMANDS)
    for subject in subjects:
        stat = [contents(path / "supervise/stat") for path in subject.paths]
        assert stat[1] in (stat[0], stat[0].replace(b", paused", b"")), subject.about
        send(subject.paths[0], b"dx")
    tree.drain(scanner)


def wait_for(subjects: list[Subject], turn: int) -> None:
    """Wait until each pair agrees, and has agreed for a while: signals are on their way."""
    since = [time.monotonic()]

    def agree_for_a_while() -> bool:
        if not all(subject.agree() for subject in subjects):
            since[0] = time.monotonic()
        return time.monotonic() > since[0] + A_WHILE

    try:
        until(agree_for_a_while, "both agree", seconds=GENEROUS / 2, pause=0.05)
    except AssertionError:
        told = "\n".join(subject.differ() for subject in subjects if not subject.agree())
        raise AssertionError(f"before command {turn}: {told}") from None


def same_lines(one: Path, other: Path) -> bool:
    return sorted(contents(one).splitlines()) == sorted(contents(other).splitlines())


def test_down_and_its_scripts(tree: Tree) -> None:
    """control/t, TERM, CONT, control/d: whatever each of them says."""
    paths: list[list[Path]] = []
    for codes in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pair = []
        for side in ("runsv", "ours"):
            run = RUN.replace("DEADLY", "{'SIGTERM'}").replace("CODE", "0")
            path = tree.make(f"{side}{codes[0]}{codes[1]}", run)
            (path / "control").mkdir()
            for letter, code in zip("td", codes, strict=True):
                text = CONTROL.format(letter=letter, code=code)
                write_script(path / "control" / letter, text)
            pair.append(path)
        (tree.scan / pair[1].name).symlink_to(pair[1])
        tree.start(["/usr/bin/runsv", str(pair[0])])
        paths.append(pair)
    scanner = tree.svscan()
    for pair in paths:
        for path in pair:
            until(lambda: contents(path / "up"), "it has begun")  # noqa: B023
            send(path, b"d")
    for theirs, mine in paths:
        until(lambda: b"control/d\n" in contents(theirs / "trace"), "runsv is done")  # noqa: B023
        until(
            lambda: same_lines(theirs / "trace", mine / "trace"),  # noqa: B023
            "both have the same trace",
        )
    scanner.kill()


@pytest.mark.parametrize("script", ["finish", "control/t", "control/u"])
@pytest.mark.parametrize("mode", [0o000, 0o644, 0o700, 0o755])
def test_a_script_that_may_not_be_run(tree: Tree, script: str, mode: int) -> None:
    """runsv runs what it can open, and complains; ours leaves alone what is not executable."""
    path = tree.make("service", "#!/bin/sh\nexec sleep 1000\n")
    (path / "control").mkdir()
    write_script(path / script, "#!/bin/sh\necho called >>trace\nexit 1\n").chmod(mode)
    (tree.scan / "service").symlink_to(path)
    scanner = tree.svscan()
    first = await_pid(path)
    send(path, b"t")

    def is_started_again() -> bool:
        now = status_of(path)
        return now is not None and now.pid not in (0, first) and not now.finish

    until(is_started_again, "started again")
    assert (contents(path / "trace") != b"") == bool(mode & 0o100)
    tree.drain(scanner)


def test_what_stat_and_pid_say_is_what_runsv_says(tree: Tree) -> None:
    path = {side: tree.make(side, trees.SLEEP) for side in ("runsv", "ours")}
    (tree.scan / "ours").symlink_to(path["ours"])
    tree.start(["/usr/bin/runsv", str(path["runsv"])])
    scanner = tree.svscan()
    for letters in (b"", b"p", b"c", b"d", b"o", b"p", b"d", b"u"):
        for side in path:
            send(path[side], letters) if letters else await_pid(path[side])
        until(
            lambda: (
                contents(path["ours"] / "supervise/stat")
                == contents(path["runsv"] / "supervise/stat")
            ),
            f"both say the same after {letters!r}",
        )
        for one in path.values():
            until(lambda: says_its_pid(one), "the pid is that of the status")  # noqa: B023
    send(path["runsv"], b"dx")
    tree.drain(scanner)
    assert contents(path["ours"] / "supervise/stat") == b"down\n"


def says_its_pid(path: Path) -> bool:
    now = status_of(path)
    pid = contents(path / "supervise/pid")
    return now is not None and pid == (b"%d\n" % now.pid if now.pid else b"")


def test_finish_of_a_run_script_that_can_not_be_run(tree: Tree) -> None:
    """Both say 111 and 0."""
    finish = FINISH.format(code=0)
    for side in ("runsv", "ours"):
        path = tree.make(side, "")
        (path / "run").unlink()
        write_script(path / "finish", finish)
    (tree.scan / "ours").symlink_to(tree.real / "ours")
    tree.start(["/usr/bin/runsv", str(tree.real / "runsv")])
    scanner = tree.svscan()
    for side in ("runsv", "ours"):
        path = tree.real / side
        until(lambda: b"finish 111 0\n" in contents(path / "trace"), side)  # noqa: B023
    tree.drain(scanner)
