"""What a daemon inherits: exactly what it would get from C svscan, but for what was decided.

Each case starts C svscan and ours under the same circumstances, ordinary or strange, and
looks at their daemons from outside, in /proc: at those of the first scan and, as ours
starts them in another way, at those started again. What is decided to differ is taken out in
:func:`~conformance.inheritance.as_decided`, and nowhere else. All cases run side by side, as
C needs a second each.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.inheritance import SLEEPER, as_decided, dump, launch, open_more
from helpers.processes import kill
from helpers.services import (
    await_pid,
    is_ours_alone,
    listing,
    make_service,
    pid_of,
    stop,
    supervising,
)
from helpers.waiting import GENEROUS, MOMENT, until

PLAIN = [b"PATH=/usr/bin:/bin", b"HOME=/", b"LANG=C.UTF-8"]
ODD = [
    *(
        b"PATH=/usr/bin:/bin",
        b"TWICE=1",
        b"NOT=\xff\xfe text",
        b"TWICE=2",
        b"without",
        b"=nameless",
    ),
    *(b"", b"EMPTY=", b"LINES=a\nb", b"PATH=/nowhere", b"TWO=a=b", b"\xff=\xff"),
]
FOR_PYTHON = [
    *(b"PYTHONHOME=/nowhere", b"PYTHONPATH=/nowhere", b"PYTHONUTF8=0", b"PYTHONINSPECT=1"),
    *(b"PYTHONMALLOC=debug", b"PYTHONCOERCECLOCALE=warn", b"PYTHONDEVMODE=1", b"PYTHONVERBOSE=1"),
]


class Case(NamedTuple):
    """Circumstances: what is done to the process before svscan, and its environment."""

    prepare: Callable[[], Any]
    entries: list[bytes] = PLAIN


def close(*descriptors: int) -> Callable[[], None]:
    def prepare() -> None:
        for fd in descriptors:
            os.close(fd)

    return prepare


def ignore(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return prepare


def block(*numbers: int) -> Callable[[], object]:
    return lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def limit(**soft: int) -> Callable[[], None]:
    def prepare() -> None:
        for name, value in soft.items():
            which = getattr(resource, f"RLIMIT_{name}")
            resource.setrlimit(which, (value, resource.getrlimit(which)[1]))

    return prepare


def become_nobody() -> None:
    os.setgroups([12345, 7])
    os.setgid(65534)
    os.setuid(65534)


def control_process(*option: int) -> Callable[[], None]:
    return lambda: ctypes.CDLL(None).prctl(*option, *[0] * (5 - len(option)))


NO_NEW_PRIVILEGES = (38, 1)
DROP_FROM_BOUNDS = (24, 21)
TIMER_SLACK = (29, 77_000)

CASES = {
    "ordinary": Case(lambda: None),
    "closed input": Case(close(0)),
    "closed output": Case(close(1)),
    "closed errors": Case(close(2)),
    "all closed": Case(close(0, 1, 2)),
    "more open": Case(open_more),
    "HUP ignored": Case(ignore(signal.SIGHUP)),
    "much ignored": Case(
        ignore(
            *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1),
            *(signal.SIGALRM, signal.SIGTTOU, signal.SIGRTMIN),
        )
    ),
    "CHLD ignored": Case(ignore(signal.SIGCHLD)),
    "blocked": Case(block(signal.SIGHUP, signal.SIGTERM, signal.SIGUSR2, signal.SIGRTMAX)),
    "CHLD blocked": Case(block(signal.SIGCHLD)),
    "everything blocked": Case(block(*signal.valid_signals())),
    "umask 0": Case(lambda: os.umask(0)),
    "umask 777": Case(lambda: os.umask(0o777)),
    "umask 137": Case(lambda: os.umask(0o137)),
    "empty environment": Case(lambda: None, []),
    "C locale": Case(lambda: None, [*PLAIN[:2], b"LC_ALL=C"]),
    "odd environment": Case(lambda: None, ODD),
    "repeated variables": Case(lambda: None, [*PLAIN, b"A=1", b"A=2", b"LC_CTYPE=C.UTF-8"]),
    "for Python": Case(lambda: None, [*PLAIN, *FOR_PYTHON]),
    "fewer descriptors": Case(limit(NOFILE=200)),
    "limits": Case(limit(CORE=4096, STACK=2**20, FSIZE=2**20, NPROC=3000, MEMLOCK=8192)),
    "nice": Case(lambda: os.nice(7)),
    "batch": Case(lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))),
    "one processor": Case(lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])),
    "out of memory last": Case(lambda: Path("/proc/self/oom_score_adj").write_text("500")),
    "nobody": Case(become_nobody),
    "no new privileges": Case(control_process(*NO_NEW_PRIVILEGES)),
    "fewer capabilities": Case(control_process(*DROP_FROM_BOUNDS)),
    "timer slack": Case(control_process(*TIMER_SLACK)),
    "own session": Case(os.setsid),
}

PROGRAMS = {"svscan": "scan", "supervise": "alone"}
"""What runs in each directory, and on what."""

NAMES = ("scan/bare", "scan/logged", "scan/logged/log", "alone")
SIDES = ("C", "ours")


class Started(NamedTuple):
    """The supervisors of one case on one side, in ``top``."""

    top: Path
    pids: list[int]


def await_ready(service: Path, other_than: int, deadline: float) -> int:
    """Wait for the daemon, and for it to be all that it will be; return its pid, or 0."""
    while True:
        pid = pid_of(service)
        if pid != other_than and (service / f"ready.{pid}").exists():
            return pid
        if time.monotonic() > deadline:
            return 0
        time.sleep(MOMENT)


Dumps = dict[tuple[str, str, str, int], dict[str, Any]]
"""By case, side, service, and whether it is the first start (0) or the second (1)."""


@pytest.fixture(scope="module")
def started(oracle: Path, ours: Path, world_dir: Path) -> Iterator[dict[tuple[str, str], Started]]:
    """The programs of C and ours, under the circumstances of every case."""
    running: dict[tuple[str, str], Started] = {}
    try:
        for name, case in CASES.items():
            for side, where in zip(SIDES, (oracle, ours), strict=True):
                top = world_dir / "heritage" / name / side
                make_service(top / "scan/bare", SLEEPER)
                make_service(top / "scan/logged", SLEEPER, log=SLEEPER)
                make_service(top / "alone", SLEEPER)
                (top / "input").touch()
                for path in [top, *top.rglob("*")]:
                    os.chown(path, *((65534, 65534) if name == "nobody" else (0, 0)))
                running[name, side] = Started(top, [])
                for program, argument in PROGRAMS.items():
                    argv = [os.fsencode(where / program), argument.encode()]
                    running[name, side].pids.append(launch(argv, top, case.prepare, case.entries))
        yield running
    finally:
        for one in running.values():
            for pid, argument in zip(one.pids, PROGRAMS.values(), strict=True):
                under = [one.top / name for name in NAMES if name.startswith(argument)]
                stop(pid, under, signal.SIGKILL)  # TERM may be blocked
                os.waitpid(pid, 0)


@pytest.fixture(scope="module")
def dumps(started: dict[tuple[str, str], Started]) -> Dumps:
    """What the daemons of all cases inherited."""
    taken: Dumps = {}
    pids = dict.fromkeys(((*key, name) for key in started for name in NAMES), 0)
    for round_ in (0, 1):
        deadline = time.monotonic() + GENEROUS
        for (case, side, name), before in pids.items():
            top = started[case, side].top
            service = top / name
            if pid := await_ready(service, before, deadline):
                taken[case, side, name, round_] = dump(service, pid, top)
            pids[case, side, name] = pid
        if round_ == 0:
            for pid in filter(None, pids.values()):
                kill(pid, signal.SIGKILL)
    return taken


@pytest.mark.root
@pytest.mark.parametrize("start", [0, 1], ids=["first", "again"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_daemon_inherits_the_same(dumps: Dumps, case: str, name: str, start: int) -> None:
    for side in SIDES:
        assert (case, side, name, start) in dumps, f"did not start under {side}"
    theirs, mine = (as_decided(name, dumps[case, side, name, start], side) for side in SIDES)
    for what in theirs:
        assert mine[what] == theirs[what], what
    assert mine.keys() == theirs.keys()


@pytest.mark.root
@pytest.mark.parametrize("case", CASES)
def test_files_are_the_same(
    started: dict[tuple[str, str], Started], dumps: Dumps, case: str
) -> None:
    theirs, mine = (
        {
            name: mode
            for name, mode in listing(started[case, side].top).items()
            if "/ready." not in name
            and name not in ("output", "errors")
            and not is_ours_alone(name)
        }
        for side in SIDES
    )
    pipe = "scan/logged/supervise/pipe"
    assert pipe in mine
    assert {name: mode for name, mode in mine.items() if name != pipe} == theirs


def test_a_binary_sees_the_same_arguments(oracle: Path, ours: Path, world_dir: Path) -> None:
    for where in (oracle, ours):
        service = world_dir / "binary" / where.name / "scan/service"
        make_service(service, SLEEPER, log="")
        shutil.copy("/bin/cat", service / "log/run")
        with supervising(where / "svscan", service.parent, services=[service, service / "log"]):
            before = 0
            for _ in range(2):
                before = await_pid(service / "log", before)
                words = Path(f"/proc/{before}/cmdline")
                until(lambda: words.read_bytes() == b"./run\0", "it runs")  # noqa: B023
                kill(before, signal.SIGKILL)
