"""SIGKILL the supervisor at any moment: nothing restarts, runs twice, or is lost."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from helpers.processes import kill, runs, state_of
from helpers.services import await_pid, is_supervised, pid_of, status_of, unread
from helpers.tree import Tree
from helpers.waiting import until

from slashservice.supervise.protocol.status import Status

SERVICES = 100
KILLS = 200
SEED = int(os.environ.get("SLASHSERVICE_SEED", "0")) or random.randrange(1, 1 << 32)
"""Printed by a failing test; put it into the environment to have the same again."""

RUN = """\
#!/bin/sh
# Counts what comes in by the FIFO "tick": says each number, and notes that it has said it.
exec 9>>alone
/usr/bin/flock -n 9 || { echo $$ >>twice; exit 1; }
echo $$ >>starts
exec 8<>tick
read -r since rest </proc/uptime  # a pid may come again
n=0
while read -r word <&8; do
    n=$((n + 1))
    echo $$.$since $n
    echo $$.$since $n >>noted
    case $word in *die) exit 1 ;; esac
done
"""

MULTILOG = "#!/bin/sh\necho $$ >>starts\nexec /usr/bin/multilog n99 ./main\n"
CAT = "#!/bin/sh\necho $$ >>starts\nexec cat >>all\n"


LETTERS = {
    "term": "-t",
    "kill": "-k",
    "once": "-o",
    "down": "-d",
    "up": "-u",
    "pause": "-p",
    "continue": "-c",
    "log": "-t",
}


MORTAL = ("term", "kill", "crash", "log")
"""What ends the process it is asked of: never to be asked of the next one too."""


class Subject:
    """A service under test, what we asked of it, and what we should find it to be."""

    def __init__(self, tree: Tree, number: int) -> None:
        self.tree = tree
        self.number = number
        # A daemon and its log are never both ended: see _log_is_well.
        self.log_is_steered = number % 4 == 0
        hosted = f"#!/bin/sh\nexec {tree.commands}/multilog n99 ./main\n"
        log = (MULTILOG, CAT, hosted, MULTILOG)[number % 4]
        self.path = tree.add(f"s{number}", RUN, log)
        os.mkfifo(self.path / "tick")
        self._tick = os.open(self.path / "tick", os.O_RDWR | os.O_NONBLOCK)
        self.want = b"u"
        self.paused = False
        self.deaths = 0
        self.log_deaths = 0
        self._pending = ""
        self._sent = -1
        self._sent_at = 0.0
        self._victim = 0

    def __str__(self) -> str:
        """Say how it is: what was asked of it, and what came of that."""
        parts = (self._pending, self._sent, self._victim, self.starts(), self.deaths)
        log = (self.log_starts(), self.log_deaths, status_of(self.path / "log"))
        return f"s{self.number}: {parts} {self.status()} {log}"

    def starts(self) -> int:
        return self._lines("starts")

    def log_starts(self) -> int:
        return self._lines("log/starts")

    def _lines(self, name: str) -> int:
        try:
            return (self.path / name).read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def tick(self, word: bytes = b"say") -> None:
        try:
            os.write(self._tick, word + b"\n")
        except BlockingIOError:
            pass  # it is paused, or down, for long

    def status(self) -> Status:
        now = status_of(self.path)
        assert now is not None
        return now

    @property
    def busy(self) -> bool:
        return bool(self._pending)

    def act(self, random_: random.Random, generation: int) -> None:
        """Ask something of it, if the last thing asked has come about."""
        if self._pending:
            return
        choices = ["log"] if self.log_is_steered else self._choices()
        chosen = random_.choice(choices)
        if chosen in (*MORTAL, "die", "down") and chosen != "log" and not self._log_is_well():
            return
        self._pending = chosen
        self._sent = -1
        if self._pending == "die":
            self.tick(b"die")
        self.go_on(generation)

    def _choices(self) -> list[str]:
        if self.paused:
            return ["continue"]
        if self.want == b"u":
            return ["die", "term", "kill", "down", "pause", "once", "crash"]
        return ["up", "down"] if self._alive() else ["up", "once"]

    def _alive(self) -> bool:
        return self.starts() > self.deaths

    def _log_is_well(self) -> bool:
        """Tell whether the log reads what this very process says.

        A log whose service died while svscan was away has read to the end of its input, and
        ends. If its service died again then, and svscan again, nobody would hold the pipe,
        and what is in it would be gone: more than we promise.
        """
        try:
            said = (self.path / "noted").read_bytes().splitlines()
        except FileNotFoundError:
            return False
        if not said or said[-1].split(b".")[0] != b"%d" % self.status().pid:
            return not self._alive()
        pipe = os.open(self.path / "supervise/pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            return not unread(pipe)
        finally:
            os.close(pipe)

    def go_on(self, generation: int) -> None:
        """Send what is pending, again if it may have been lost with the svscan it went to."""
        if not self._pending:
            return
        if self._done():
            self._pending = ""
            return
        if self._pending == "die":
            return
        again = self._pending not in MORTAL and time.monotonic() >= self._sent_at + 1
        if self._sent == generation and not again:
            return
        if not is_supervised(self.path) or not is_supervised(self.path / "log"):
            return
        if self._pending in MORTAL and self._sent >= 0 and not runs(self._victim):
            return
        path = self.path / "log" if self._pending == "log" else self.path
        now = status_of(path)
        assert now is not None
        if self._pending in MORTAL and not runs(now.pid):
            return
        self._victim = now.pid
        if self._pending == "crash":
            kill(self._victim, signal.SIGKILL)
        else:
            self.tree.svc(LETTERS[self._pending], path)
        self._sent = generation
        self._sent_at = time.monotonic()

    def _done(self) -> bool:
        """Tell whether it came about; note what follows from it."""
        now = self.status()
        op = self._pending
        if op == "log":
            if self.log_starts() < self.log_deaths + 2:
                return False
            self.log_deaths += 1
            return True
        if op in ("die", "term", "kill", "crash"):
            if self.starts() < self.deaths + 2:
                return False
            self.deaths += 1
            return True
        if op in ("pause", "continue"):
            if now.paused != (op == "pause"):
                return False
            self.paused = now.paused
            return True
        want = {"up": b"u", "once": b"\0", "down": b"d"}[op]
        if now.want != want:
            return False
        if op == "down":
            if now.pid or self.starts() != self.deaths + self._alive():
                return False
            if self._alive():
                self.deaths += 1
        elif not now.pid or self.starts() != self.deaths + 1:
            return False
        self.want = want
        return True

    def check(self) -> None:
        """Whoever supervises it now, it must be as we left it."""
        if self._pending:
            return
        now = self.status()
        assert (now.want, now.paused) == (self.want, self.paused), self.path
        assert bool(now.pid) == self._alive(), self.path
        assert self.starts() <= self.deaths + 1, self.path
        if now.pid:
            assert runs(now.pid)
        if not self.deaths:
            # Else the end of its input, with svscan away, may have ended it in due form.
            assert self.log_starts() <= self.log_deaths + 1, self.path

    def check_log(self) -> None:
        """Every line that was said is in the log, once; nobody ever ran twice."""
        assert not (self.path / "twice").exists()
        kept: list[bytes] = []
        if (self.path / "log/all").exists():
            kept = (self.path / "log/all").read_bytes().splitlines()
        else:
            main = self.path / "log/main"
            names = sorted(name for name in os.listdir(main) if name.startswith("@"))
            for name in [*names, "current"]:
                kept += (main / name).read_bytes().splitlines()
        try:
            noted = (self.path / "noted").read_bytes().splitlines()
        except FileNotFoundError:
            noted = []
        # A daemon killed between saying and noting has one line more in the log.
        surplus = {line for line in kept if line not in set(noted)}
        assert len(surplus) <= self.deaths
        assert [line for line in kept if line not in surplus] == noted, self.path
        assert len(set(kept)) == len(kept), self.path
        numbers: dict[bytes, int] = {}
        for line in kept:
            process, number = line.split()
            assert int(number) == numbers.get(process, 0) + 1, (self.path, line)
            numbers[process] = int(number)


@pytest.mark.slow
def test_svscan_killed_at_random_moments(tree: Tree) -> None:
    print(f"SLASHSERVICE_SEED={SEED}")
    random_ = random.Random(SEED)
    subjects = [Subject(tree, number) for number in range(SERVICES)]
    svscan = tree.svscan()
    until(lambda: all(s.starts() and pid_of(s.path / "log") for s in subjects), "all up")
    steered = [s for s in subjects if s.log_is_steered]
    until(lambda: all(s.log_starts() for s in steered), "logs have noted their start")
    assert pid_of(subjects[2].path / "log") == pid_of(subjects[6].path / "log"), "hosted"
    for generation in range(KILLS):
        moment = random_.choice((0.08, 0.2, 0.5)) * random_.random()
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline:
            subject = random_.choice(subjects)
            subject.tick()
            if random_.random() < 0.5:
                subject.act(random_, generation)
            for other in subjects:
                if other.busy and random_.random() < 0.1:
                    other.go_on(generation)
        svscan.kill()
        svscan.wait()
        for subject in random_.sample(subjects, 3):
            subject.tick()
        svscan = tree.svscan()
        if generation % 10 == 9:
            settle(tree, subjects, svscan.pid, generation)
            for subject in subjects:
                subject.check()
    settle(tree, subjects, svscan.pid, KILLS)
    for subject in subjects:
        subject.check()
        now = subject.status()
        assert (state_of(now.pid) == "T") == subject.paused, subject.path
        if subject.paused:
            tree.svc("-c", subject.path)
    tree.drain(svscan)
    for subject in subjects:
        subject.check_log()
    assert sum(s.deaths + s.log_deaths for s in subjects) > KILLS


def settle(tree: Tree, subjects: list[Subject], svscan: int, generation: int) -> None:
    """Wait until svscan has every service, and everything asked for has come about."""
    for subject in subjects:
        for path in (subject.path, subject.path / "log"):
            until(lambda: is_supervised(path), f"{path} supervised")  # noqa: B023

    # The next generation's number: what an svscan between may have swallowed is sent again.
    def quiet() -> bool:
        for subject in subjects:
            subject.go_on(generation + 1)
        return not any(subject.busy for subject in subjects)

    try:
        until(quiet, "all asked for done")
    except AssertionError as error:
        left = [f"{subject}" for subject in subjects if subject.busy]
        raise AssertionError("\n".join(left) + tree.says()[-1000:]) from error


@pytest.mark.slow
def test_supervise_killed_at_random_moments(tree: Tree) -> None:
    print(f"SLASHSERVICE_SEED={SEED}")
    random_ = random.Random(SEED)
    paths = [tree.make(f"s{number}", RUN) for number in range(6)]
    for path in paths:
        os.mkfifo(path / "tick")
    ticks = [os.open(path / "tick", os.O_RDWR | os.O_NONBLOCK) for path in paths]
    supervisors = [tree.start([str(tree.commands / "supervise"), str(path)]) for path in paths]
    deaths = [0] * len(paths)

    def starts(at: int) -> int:
        try:
            return (paths[at] / "starts").read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    for _ in range(KILLS):
        at = random_.randrange(len(paths))
        if starts(at) == deaths[at] + 1 and random_.random() < 0.3:
            os.write(ticks[at], b"die\n")
            deaths[at] += 1
        time.sleep(0.05 * random_.random())
        supervisors[at].kill()
        supervisors[at].wait()
        supervisors[at] = tree.start([str(tree.commands / "supervise"), str(paths[at])])
    for at, path in enumerate(paths):
        await_pid(path)
        until(lambda: starts(at) == deaths[at] + 1, "started as often as it died")  # noqa: B023
        assert not (path / "twice").exists()
        assert set(tree.workers(path)) - {supervisors[at].pid} == {pid_of(path)}
        tree.drain(supervisors[at])
        os.close(ticks[at])
    assert not tree.lines("fatal")
    assert sum(deaths) > 10
