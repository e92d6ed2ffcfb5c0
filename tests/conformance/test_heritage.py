"""What a daemon inherits: exactly what it would get from C svscan, but for what was decided.

Each case starts C svscan and ours under the same circumstances, ordinary or strange, and
looks at their daemons from outside, in /proc: at those of the first scan and, as ours
starts them in another way, at those started again. What is decided to differ is taken out in
:func:`as_decided`, and nowhere else. All cases run side by side, as C needs a second each.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import services

SLEEPER = "#!/usr/bin/perl\nmkdir 'ready.' . $$; while (1) { sleep }\n"
"""A run script of a program that, unlike a shell, leaves everything as it got it."""

VOLATILE = (
    *("Pid:", "Tgid:", "Ngid:", "PPid:", "NS", "Vm", "Rss", "State:", "FDSize:", "Huge"),
    *("voluntary_ctxt", "nonvoluntary_ctxt", "SigQ:", "TracerPid:", "Threads:"),
)
"""Lines of /proc/PID/status that begin so say nothing about what was inherited."""

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
FILES = ("coredump_filter", "oom_score_adj", "loginuid", "personality", "cgroup", "timerslack_ns")
TTY, PRIORITY, NICE, EXIT_SIGNAL, REALTIME, POLICY = 4, 15, 16, 35, 37, 38
"""Where fields of /proc/PID/stat are once the first two are off."""

CLOSE_ON_EXEC = 0o2000000
LARGE_FILE = 0o100000
ACCESS_MODE = 0o3

OF_THE_C_LIBRARY = 0b11 << 31
"""Signals 32 and 33 in a mask: glibc has them for itself, and programs can't name them."""

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


def block(*numbers: int) -> Callable[[], None]:
    return lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers) and None


def open_more() -> None:
    """Leave open what a careless starter might."""
    os.dup2(os.open("input", os.O_RDWR | os.O_APPEND), 3)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.dup2(reader, 7)
    os.dup2(writer, 8)
    os.dup2(socket.socket().detach(), 42)
    os.dup2(os.open("/", os.O_RDONLY), 300)
    for fd in range(3, 64):
        if fd not in (3, 7, 8, 42):
            try:
                os.close(fd)
            except OSError:
                pass


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

NAMES = ("bare", "logged", "logged/log")
SIDES = ("C", "ours")


def exec_exactly(program: bytes, argv: list[bytes], entries: list[bytes]) -> None:
    """Exec with an environment that Python itself would not pass on."""
    words = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    variables = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)
    ctypes.CDLL(None).execve(program, words, variables)


def launch(program: Path, argument: str, top: Path, case: Case) -> int:
    """Start a supervisor in ``top`` under the circumstances of ``case``; return its pid."""
    argv = [os.fsencode(program), argument.encode()]
    pid = os.fork()
    if pid:
        return pid
    try:
        os.chdir(top)
        for fd, name, flags in (
            (0, "input", os.O_RDONLY),
            (1, "output", os.O_WRONLY | os.O_APPEND | os.O_CREAT),
            (2, "errors", os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        ):
            os.dup2(os.open(name, flags, 0o666), fd)
        os.closerange(3, 1024)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        case.prepare()
        exec_exactly(argv[0], argv, case.entries)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(127)


class Started(NamedTuple):
    """A supervisor that runs, ``program`` on ``argument`` in ``top``."""

    top: Path
    pid: int

    def services(self) -> list[Path]:
        return [self.top / "scan" / name for name in NAMES]


def dump(service: Path, pid: int, top: Path) -> dict[str, Any]:
    """Take down all about a process that it inherited."""
    proc = Path(f"/proc/{pid}")

    def plain(text: str) -> str:
        return text.replace(os.fspath(top), "TOP")

    lines = (proc / "status").read_text().splitlines()
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return {
        "status": [line for line in lines if not line.startswith(VOLATILE)],
        "stat": [fields[at] for at in (TTY, PRIORITY, NICE, EXIT_SIGNAL, REALTIME, POLICY)],
        "environment": (proc / "environ").read_bytes(),
        "arguments": (proc / "cmdline").read_bytes(),
        "limits": (proc / "limits").read_text(),
        "links": [plain(os.readlink(proc / name)) for name in ("cwd", "root", "exe")],
        "namespaces": [os.readlink(proc / "ns" / name) for name in NAMESPACES],
        "descriptors": {
            int(fd.name): (plain(os.readlink(fd)), fd_flags(proc, fd.name))
            for fd in sorted((proc / "fd").iterdir())
            if os.readlink(fd) != os.fspath(service / "run")
        },
        "ready": oct((service / f"ready.{pid}").stat().st_mode),
        **{name: (proc / name).read_text() for name in FILES},
        "leads": os.getsid(pid) == pid == os.getpgid(pid),
    }


def fd_flags(proc: Path, fd: str) -> int:
    """Return the flags of a descriptor, as open(2) has them."""
    for line in (proc / "fdinfo" / fd).read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    raise AssertionError(line)


def as_decided(name: str, taken: dict[str, Any], supervisor: str) -> dict[str, Any]:
    """Return a dump without the ways in which ours was meant to differ."""
    taken = dict(taken)
    # A session of its own.
    assert taken.pop("leads") == (supervisor == "ours")
    descriptors = {}
    for number, (target, flags) in taken["descriptors"].items():
        if target.startswith("pipe:") or target == "TOP/scan/logged/supervise/pipe":
            # The pipe to the log is a FIFO, and its writers hold both ends.
            target, flags = "pipe", flags & ~ACCESS_MODE & ~LARGE_FILE
        descriptors[number] = (target.split(":")[0], flags & ~CLOSE_ON_EXEC)
    if not name.endswith("/log"):
        # Standard input is /dev/null.
        theirs = descriptors.pop(0, None)
        assert supervisor == "C" or theirs == ("/dev/null", os.O_RDWR | LARGE_FILE)
    taken["descriptors"] = descriptors
    # glibc's posix_spawn ignores its own two signals in the child.
    taken["status"] = [
        f"SigIgn: {int(line.split()[1], 16) & ~OF_THE_C_LIBRARY:x}"
        if line.startswith("SigIgn:")
        else line
        for line in taken["status"]
    ]
    return taken


def await_ready(service: Path, other_than: int, deadline: float) -> int:
    """Wait for the daemon, and for it to be all that it will be; return its pid, or 0."""
    while True:
        pid = services.pid_of(service)
        if pid != other_than and (service / f"ready.{pid}").exists():
            return pid
        if time.monotonic() > deadline:
            return 0
        time.sleep(services.MOMENT)


Dumps = dict[tuple[str, str, str, int], dict[str, Any]]
"""By case, side, service, and whether it is the first start (0) or the second (1)."""


@pytest.fixture(scope="module")
def started(oracle: Path, ours: Path, world_dir: Path) -> Iterator[dict[tuple[str, str], Started]]:
    """A scan directory under C svscan and one under ours, for every case."""
    running = {}
    try:
        for name, case in CASES.items():
            for side, program in zip(SIDES, (oracle / "svscan", ours / "svscan"), strict=True):
                top = world_dir / "heritage" / name / side
                services.make_service(top / "scan/bare", SLEEPER)
                services.make_service(top / "scan/logged", SLEEPER, log=SLEEPER)
                (top / "input").touch()
                for path in [top, *top.rglob("*")]:
                    os.chown(path, *((65534, 65534) if name == "nobody" else (0, 0)))
                running[name, side] = Started(top, launch(program, "scan", top, case))
        yield running
    finally:
        for _, pid in running.values():
            os.kill(pid, signal.SIGKILL)  # TERM may be blocked
        every = [service for one in running.values() for service in one.services()]
        services.end(every)
        for _, pid in running.values():
            os.waitpid(pid, 0)


@pytest.fixture(scope="module")
def dumps(started: dict[tuple[str, str], Started]) -> Dumps:
    """What the daemons of all cases inherited."""
    taken: Dumps = {}
    pids = dict.fromkeys(((*key, name) for key in started for name in NAMES), 0)
    for round_ in (0, 1):
        deadline = time.monotonic() + services.GENEROUS
        for (case, side, name), before in pids.items():
            top = started[case, side].top
            service = top / "scan" / name
            if pid := await_ready(service, before, deadline):
                taken[case, side, name, round_] = dump(service, pid, top)
            pids[case, side, name] = pid
        if round_ == 0:
            for pid in filter(None, pids.values()):
                os.kill(pid, signal.SIGKILL)
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
            for name, mode in services.tree(started[case, side].top / "scan").items()
            if "/ready." not in name
        }
        for side in SIDES
    )
    own = {name for name in mine if name.startswith(".svscan") or name.endswith("supervise/pipe")}
    assert own == {".svscan", ".svscan/lock", ".svscan/pid", "logged/supervise/pipe"}
    assert {name: mode for name, mode in mine.items() if name not in own} == theirs
