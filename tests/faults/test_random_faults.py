"""System calls of svscan, of its log hosts and of clients fail and are delayed at random.

In one test svscan is killed, and started again, while they do. Afterwards everything is as it is
wanted, no daemon ran twice, and no line is lost or doubled.

What fails is in the file ``faults.log`` of the test, and shown where it fails. Other seeds, and
another length, by the environment: ``SLASHSERVICE_SEED=7 SLASHSERVICE_SECONDS=600``.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import faults as library
from helpers.faults import Faults
from helpers.processes import catches, opened
from helpers.services import await_pid, is_supervised, pid_of, send
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

SECONDS = float(os.environ.get("SLASHSERVICE_SECONDS", "5"))
SEEDS = [int(word) for word in os.environ.get("SLASHSERVICE_SEED", "1 2 3").split()]
PER_MILLION = 8000

DAEMON = """\
#!/bin/sh
# Says numbered lines, and notes each. Another one at the same time is told of.
exec 9>>alone
/usr/bin/flock -n 9 || { echo $$ >>twice; exit 1; }
read -r since rest </proc/uptime  # a pid may come again
n=0
while :; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        n=$((n + 1))
        echo $$.$since $n
        echo $$.$since $n >>noted
    done
    sleep 0.1 9>&-
done
"""

LINE = re.compile(rb"(?m)^(\d+\.[\d.]+) (\d+)$")


@pytest.fixture(scope="session")
def preload(world_dir: Path) -> Path:
    return library.library(world_dir)


@pytest.fixture(params=SEEDS)
def faults(
    tree: Tree, preload: Path, request: pytest.FixtureRequest, world_dir: Path
) -> Iterator[Faults]:
    programs = ["svscan", "svc", "svstat", "svok"]
    made = Faults(tree.root, preload, request.param, programs, world_dir / "code")
    try:
        yield made
    finally:
        made.stop()
        print(f"seed {request.param}, {made.failed} calls failed; the last:\n{made.told()}")
        made.close()


class Storm:
    """Services of every kind in one svscan, and what is done to them while calls fail."""

    def __init__(self, tree: Tree, faults: Faults, seed: int) -> None:
        self.tree = tree
        self.faults = faults
        self.random = random.Random(seed)
        hosted = f"#!/bin/sh\nexec {tree.commands}/multilog s16777215 n1000000 ./main\n"
        alone = "#!/bin/sh\nexec /usr/bin/multilog s16777215 n1000000 ./main\n"
        logs = [hosted, hosted, alone, alone]
        self.logged = [tree.add(f"l{n}", DAEMON, log) for n, log in enumerate(logs)]
        self.hosted = self.logged[:2]
        self.plain = [
            tree.add(f"p{n}", DAEMON.replace("echo $$.$since $n\n", "")) for n in range(2)
        ]
        self.services = [*self.logged, *self.plain]
        self.made = 0
        self.is_restarted = False
        self.kept: list[int] = []
        self.svscan = tree.svscan(faults.prefix)

    def do(self) -> None:
        """Do anything to anything."""
        service = self.random.choice(self.services)
        what = self.random.choice(["t", "k", "d", "u", "o", "h", "pc", "log", "client", "new"])
        if what == "log":
            # A C multilog that is killed loses what it has read; a hosted logger doesn't.
            letter = b"k" if service in self.hosted and self.random.random() < 0.5 else b"t"
            send(service / "log", letter)
        elif what == "client":
            self.client(self.random.choice(["svstat", "svok", "svc"]), service)
        elif what == "new":
            self.come_and_go()
        else:
            send(service, what.encode())

    def kill(self) -> None:
        """Kill svscan, and start it again.

        What is in a pipe is lost if daemon, log and svscan die before svscan sees the deaths of
        the other two; daemons and logs may be dying. So we hold the pipes.
        """
        self.hold_pipes()
        self.check_svscan()
        self.svscan.kill()
        self.svscan.wait()
        self.is_restarted = True
        self.start()

    def start(self) -> None:
        """Start svscan under faults. One that can't begin says so in one line."""
        while True:
            before = len(self.tree.says())
            self.svscan = self.tree.svscan(self.faults.prefix)
            until(lambda: self.svscan.poll() is not None or self.listens(), "svscan has begun")
            if self.svscan.poll() is None:
                return
            said = self.tree.says()[before:].splitlines()
            if self.svscan.returncode == 111:
                assert said[-1].startswith("svscan: fatal: unable to "), said
            else:  # not even the interpreter could begin
                assert self.svscan.returncode in (1, 2), (self.svscan.returncode, said)

    def check_svscan(self) -> None:
        """A svscan that waited for its lock may have been unable to begin; no other ends."""
        if self.svscan.poll() is not None:
            assert self.is_restarted, "svscan has ended"
            assert self.tree.lines("svscan: fatal: unable to start"), "svscan has ended"
            self.start()

    def listens(self) -> bool:
        """Tell whether svscan has gone into its loop, or waits for the lock."""
        return catches(self.svscan.pid, signal.SIGQUIT)

    def hold_pipes(self) -> None:
        """Keep what is in the pipes, whoever dies."""
        self.let_go()
        for service in self.logged:
            pipe = service / "supervise/pipe"
            self.kept.append(os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))

    def let_go(self) -> None:
        """Hold the pipes no more: their logs are to find the end of input."""
        while self.kept:
            os.close(self.kept.pop())

    def client(self, name: str, service: Path) -> None:
        """A client either does its work, or says why not."""
        words = [*self.faults.prefix, str(self.tree.commands / name)]
        words += ["-u"] if name == "svc" else []
        done = subprocess.run([*words, str(service)], capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 100, 111), done
        assert b"internal error" not in done.stderr and b"Traceback" not in done.stderr, done

    def come_and_go(self) -> None:
        """Add a service, or remove the last one that was added."""
        entry = self.tree.scan / f"x{self.made}"
        if entry.is_symlink():
            entry.unlink()
            send(self.tree.real / entry.name, b"dx")
            send(self.tree.real / entry.name / "log", b"dx")
        else:
            self.made += 1
            self.tree.add(f"x{self.made}", SLEEP, "#!/bin/sh\nexec cat\n")

    def settle(self) -> None:
        """Let calls succeed again, want everything up, and have svscan look."""
        self.faults.stop()
        self.check_svscan()
        for entry in self.tree.scan.glob("x*"):
            entry.unlink()
        self.svscan.send_signal(1)
        for name in range(1, self.made + 1):
            until(lambda: self.is_removed(self.tree.real / f"x{name}"), f"x{name} is gone")  # noqa: B023
        for service in self.services:
            until(lambda: is_supervised(service), f"{service} supervised")  # noqa: B023
            for part in (service, service / "log") if service in self.logged else (service,):
                until(lambda: is_supervised(part), f"{part} supervised")  # noqa: B023
                send(part, b"cu")
        self.let_go()

    def is_removed(self, service: Path) -> bool:
        for part in (service, service / "log"):
            send(part, b"dx")
        return not is_supervised(service) and not is_supervised(service / "log")

    def check_processes(self) -> None:
        for service in self.services:
            until(
                lambda: self.tree.workers(service) == [pid_of(service)] or self.sleeps(service),  # noqa: B023
                f"{service} is up, once",
            )
            assert not (service / "twice").exists(), service

    def sleeps(self, service: Path) -> bool:
        """Its own sleep works in its directory, too."""
        return (
            pid_of(service) in self.tree.workers(service) and len(self.tree.workers(service)) == 2
        )

    def check_lines(self) -> None:
        """Each line that was noted is in the log, once and in order; so may one more be."""
        for service in self.logged:
            noted = runs((service / "noted").read_bytes())
            main = service / "log/main"
            found = runs(b"".join(path.read_bytes() for path in sorted(main.glob("@*"))), main)
            for run, numbers in found.items():
                assert numbers == list(range(1, len(numbers) + 1)), (service, run)
                assert len(numbers) - len(noted.get(run, [])) in (0, 1), (service, run)
            assert noted.keys() <= found.keys(), service


def kinds(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to, without numbers that differ each time."""
    return [re.sub(r"\[\d+\]", "", path) for path in opened(pid)]


def runs(text: bytes, current: Path | None = None) -> dict[bytes, list[int]]:
    """Return the numbers that each run said."""
    found = defaultdict(list)
    for run, number in LINE.findall(text + (current / "current").read_bytes() if current else text):
        found[run].append(int(number))
    return found


def test_all_is_well_after_random_faults(
    tree: Tree, faults: Faults, request: pytest.FixtureRequest
) -> None:
    storm = Storm(tree, faults, request.node.callspec.params["faults"])
    for service in storm.services:
        await_pid(service)
    for service in storm.logged:
        await_pid(service / "log")
    before = Counter(kinds(storm.svscan.pid))
    faults.begin(PER_MILLION)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        storm.do()
        assert storm.svscan.poll() is None, "svscan has ended"
        time.sleep(0.03 * storm.random.random())
    storm.settle()
    storm.check_processes()
    try:
        until(lambda: not Counter(kinds(storm.svscan.pid)) - before, "no more descriptors")
    except AssertionError:
        raise AssertionError(f"left: {Counter(kinds(storm.svscan.pid)) - before}") from None
    assert faults.failed > 20
    tree.drain(storm.svscan)
    assert not tree.lines("internal error") and not tree.lines("Traceback")
    storm.check_lines()


def test_all_is_well_after_kills_and_starts_under_faults(
    tree: Tree, faults: Faults, request: pytest.FixtureRequest
) -> None:
    storm = Storm(tree, faults, request.node.callspec.params["faults"])
    for part in [*storm.services, *(service / "log" for service in storm.logged)]:
        await_pid(part)
    faults.begin(PER_MILLION)
    deadline = time.monotonic() + SECONDS
    try:
        while time.monotonic() < deadline:
            for _ in range(storm.random.randrange(20)):
                storm.do()
                time.sleep(0.03 * storm.random.random())
            storm.kill()
        storm.settle()
    finally:
        storm.let_go()
    storm.check_processes()
    tree.drain(storm.svscan)
    assert not tree.lines("internal error")
    storm.check_lines()
