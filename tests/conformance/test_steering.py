"""Every client steers every supervisor: svc and sv, theirs and ours, on C, runit and ours.

All pairs go through the same steps side by side, as a restart takes each up to a second. The
pair of the C programs is among them: what is expected is what C does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.processes import kill, state_of
from helpers.services import (
    COARSE,
    RECORDER,
    Outcome,
    await_down,
    await_pid,
    contents,
    is_down,
    is_supervised,
    make_service,
    pid_of,
    run,
    status_of,
    supervising,
)
from helpers.waiting import until

SV_WORDS = {
    "u": "up",
    "d": "down",
    "o": "once",
    "p": "pause",
    "c": "cont",
    "h": "hup",
    "a": "alarm",
    "i": "interrupt",
    "t": "term",
    "k": "kill",
    "1": "1",
    "2": "2",
    "q": "quit",
    "x": "exit",
}
SUPERVISORS = ("supervise", "our supervise", "our svscan", "runsv")
CLIENTS = ("svc", "our svc", "sv", "our sv")
STRANGERS = ("supervise", "sv")
"""runit's sv refuses C supervise, whose status file is too short for it."""

PASSED_ON = {"h": "SIGHUP", "a": "SIGALRM", "i": "SIGINT"}
NEWER = {"1": "SIGUSR1", "2": "SIGUSR2", "q": "SIGQUIT"}
"""Letters that C svc does not send and C supervise does not know."""


class Pair(NamedTuple):
    """A service under one supervisor, and the client to steer it by."""

    client: str
    supervisor: str
    service: Path
    programs: dict[str, Path]

    def tell(self, letter: str) -> None:
        if self.client.endswith("sv"):
            run(self.programs[self.client], SV_WORDS[letter], self.service)
        else:
            outcome = run(self.programs[self.client], f"-{letter}", self.service)
            assert outcome == Outcome(0, b"", b"")

    def heard(self) -> list[str]:
        return contents(self.service / "signals").decode().split("\n")[:-1]

    def ready(self) -> bool:
        """Tell whether the process listens to signals by now."""
        pid = pid_of(self.service)
        return pid > 0 and f"start {pid}" in self.heard()

    def paused(self) -> bool:
        now = status_of(self.service)
        return now is not None and now.paused

    def knows(self, letter: str) -> bool:
        return letter not in NEWER or (self.client != "svc" and self.supervisor != "supervise")


@pytest.fixture(scope="module")
def pairs(oracle: Path, ours: Path, world_dir: Path) -> Iterator[list[Pair]]:
    programs = {
        **{name: oracle / name for name in ("svc", "sv", "supervise", "runsv")},
        **{f"our {name}": ours / name for name in ("svc", "sv", "supervise", "svscan")},
    }
    made = []
    with ExitStack() as stack:
        for supervisor in SUPERVISORS:
            top = world_dir / "steering" / supervisor
            mine = [
                Pair(client, supervisor, top / client, programs)
                for client in CLIENTS
                if (supervisor, client) != STRANGERS
            ]
            for pair in mine:
                make_service(pair.service, RECORDER)
            where = [top] if "svscan" in supervisor else [pair.service for pair in mine]
            for path in where:
                everything = [pair.service for pair in mine] if path == top else [path]
                stack.enter_context(supervising(programs[supervisor], path, services=everything))
            made += mine
        yield made


def each(pairs: list[Pair], letter: str, check: Callable[[Pair], bool], what: str) -> None:
    """Send a letter to every service, then wait for each to be as it should."""
    told = [pair for pair in pairs if pair.knows(letter)]
    for pair in told:
        pair.tell(letter)
    for pair in told:
        until(lambda: check(pair), f"{pair.client} -{letter} to {pair.supervisor}: {what}")  # noqa: B023


def all_ready(pairs: list[Pair]) -> dict[Path, int]:
    for pair in pairs:
        until(pair.ready, f"{pair.service} is ready")
    return {pair.service: pid_of(pair.service) for pair in pairs}


def agree(pairs: list[Pair], oracle: Path, ours: Path) -> list[bytes]:
    """Have C svstat and ours say the same of every service; return what."""
    names = [pair.service for pair in pairs]
    while True:
        second = int(time.clock_gettime(COARSE))
        theirs, mine = (run(where / "svstat", *names) for where in (oracle, ours))
        if int(time.time()) == second:
            break
    assert mine == theirs
    for name in names:
        assert run(ours / "svok", name) == run(oracle / "svok", name)
    return [
        line.removeprefix(os.fsencode(name) + b": ")
        for name, line in zip(names, theirs.out.splitlines(), strict=True)
    ]


def test_every_client_steers_every_supervisor(pairs: list[Pair], oracle: Path, ours: Path) -> None:
    pids = all_ready(pairs)
    for letter, name in {**PASSED_ON, **NEWER}.items():
        each(pairs, letter, lambda pair: pair.heard()[-1] == name, name)  # noqa: B023

    each(pairs, "p", lambda pair: state_of(pids[pair.service]) == "T", "stopped")
    for pair in pairs:
        until(pair.paused, f"{pair.service} is said to be paused")
    for said in agree(pairs, oracle, ours):
        assert said.startswith(b"up (pid ") and said.endswith(b", paused")
    each(pairs, "c", lambda pair: state_of(pids[pair.service]) != "T", "goes on")
    for pair in pairs:
        until(lambda: not pair.paused(), f"{pair.service} is said to go on")  # noqa: B023
    each(pairs, "c", lambda pair: pair.heard()[-1] == "SIGCONT", "SIGCONT")
    assert all(said.endswith(b" seconds") for said in agree(pairs, oracle, ours))
    assert {pair.service: pid_of(pair.service) for pair in pairs} == pids

    each(pairs, "t", lambda pair: "SIGTERM" in pair.heard(), "SIGTERM")
    for pair in pairs:
        await_pid(pair.service, pids[pair.service])
    pids = all_ready(pairs)
    each(pairs, "k", lambda pair: state_of(pids[pair.service]) in "ZX", "killed")
    for pair in pairs:
        await_pid(pair.service, pids[pair.service])
    pids = all_ready(pairs)

    each(pairs, "d", lambda pair: is_down(pair.service), "down")
    for pair in pairs:
        assert pair.heard()[-1] in ("SIGTERM", "SIGCONT")
    assert all(b", normally up" in said for said in agree(pairs, oracle, ours))
    each(pairs, "o", lambda pair: pair.ready(), "up once")
    each(pairs, "t", lambda pair: is_down(pair.service), "down after once")
    down = agree(pairs, oracle, ours)
    assert all(b"down " in said and b"want up" not in said for said in down)
    each(pairs, "u", lambda pair: pair.ready(), "up")

    # runit's x takes the service down; daemontools' waits for it to be.
    each(pairs, "d", lambda pair: is_down(pair.service), "down")
    alone = [pair for pair in pairs if pair.supervisor != "our svscan"]
    each(alone, "x", lambda pair: not is_supervised(pair.service), "left alone")
    for pair in alone:
        assert run(ours / "svok", pair.service).status == 100


def test_runit_shows_ours(ours: Path, oracle: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    plain = make_service(scan / "plain", RECORDER)
    quiet = make_service(scan / "quiet", RECORDER, down=True)
    logged = make_service(scan / "logged", RECORDER, log=RECORDER)
    everything = [plain, quiet, logged, logged / "log"]
    begun = time.monotonic()
    with supervising(ours / "svscan", scan, services=everything):
        pids = [await_pid(service) for service in (plain, logged, logged / "log")]
        await_down(quiet)

        def status(service: Path) -> bytes:
            return run(oracle / "sv", "status", service).out.replace(os.fsencode(scan), b"SCAN")

        seen = (status(plain), status(quiet))
        seconds = [b"%ds" % n for n in range(int(time.monotonic() - begun) + 2)]
        assert seen[0] in [b"run: SCAN/plain: (pid %d) %s\n" % (pids[0], s) for s in seconds]
        assert seen[1] in [b"down: SCAN/quiet: %s\n" % s for s in seconds]
        assert status(logged).startswith(b"run: SCAN/logged: (pid %d) " % pids[1])
        assert b"; run: log: (pid %d) " % pids[2] in status(logged)
        kill(pids[0], signal.SIGSTOP)
        run(ours / "svc", "-pd", plain)
        until(lambda: is_down(plain), "down by TERM and CONT, though paused")
        assert b"normally up" in status(plain)
