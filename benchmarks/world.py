"""A temporary world to measure in: our commands as installed, scan directories, processes.

Whoever measures becomes the reaper of orphans, so that killing a supervisor makes what it
leaves our own children, and nothing outlives a measurement.
"""

from __future__ import annotations

import compileall
import ctypes
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from slashservice.supervise.chain import launchers
from slashservice.supervise.protocol import names, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

LOCK = os.fsdecode(names.LOCK)
STATUS = os.fsdecode(names.STATUS)
CONTROL = os.fsdecode(names.CONTROL)

C = Path("/usr/bin")
"""Where Debian's package ``daemontools`` puts the C programs."""

MEMORY = Path("/dev/shm")
NOEXEC = 8  # ST_NOEXEC of statvfs(3)
PREFIX = "slashservice-benchmark-"

CHECKOUT = Path(__file__).resolve().parent.parent
DAEMON = "sleep"
RUN = f"#!/bin/sh\nexec {DAEMON} 1000000\n"
PATIENCE = 120.0
"""Seconds until a measurement that makes no progress is given up."""

PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def temporary_world() -> Iterator[World]:
    """Make a world, and leave nothing of it: no process, no file."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as made:
        try:
            yield World(Path(made))
        finally:
            end_all()


def memory(*, runs: bool = False) -> Path | None:
    """Return a directory in memory, with ``runs`` one that may hold programs, if there is one."""
    if not MEMORY.is_dir() or (runs and os.statvfs(MEMORY).f_flag & NOEXEC):
        return None
    return MEMORY


class World:
    """Our launchers in ``ours``, run by ``python``, and room for directories in ``root``.

    Scan directories are made in ``place``, which is the same but for ``in_memory``.
    """

    def __init__(self, root: Path) -> None:
        self.root = self.place = root
        self.root.chmod(0o755)
        self.ours = root / "command"
        self._scans = 0
        code = root / "code"
        shutil.copytree(
            CHECKOUT / "supervise", code / "supervise", ignore=shutil.ignore_patterns("__pycache__")
        )
        compileall.compile_dir(code, quiet=2)
        self.python = self._interpreter()
        launchers.write(str(self.ours), python=self.python, code=str(code))

    @contextmanager
    def in_memory(self) -> Iterator[None]:
        """Have scan directories made in memory, if programs may be run there."""
        with tempfile.TemporaryDirectory(dir=memory(runs=True), prefix=PREFIX) as made:
            self.place = Path(made)
            try:
                yield
            finally:
                end_all()
                self.place = self.root

    def bare(self) -> list[str | Path]:
        """Return the words that start an interpreter, and nothing else."""
        return [self.python, "-I", "-S", "-c", "pass"]

    def _interpreter(self) -> str:
        """A copy of the interpreter, if it works: ours must not share its memory with us."""
        original = os.path.realpath(launchers.interpreter())
        copy = str(self.root / "python3")
        shutil.copy(original, copy)
        pid = os.posix_spawn(copy, [copy, "-I", "-S", "-c", "import os"], {}, file_actions=QUIET)
        return original if os.waitpid(pid, 0)[1] else copy

    def scan_directory(self, services: int = 0, run: str = RUN) -> Path:
        """Make a new scan directory with so many new services in it.

        New names each time, and nothing is deleted before the end: a file system may take
        much longer to make a file soon after many were deleted.
        """
        self._scans += 1
        scan = self.place / f"scan{self._scans}"
        scan.mkdir()
        for number in range(services):
            make_service(scan / f"{number:05}", run)
        return scan

    def start(
        self, *command: str | Path, hard_limit: int = 0, errors: Path = Path(os.devnull)
    ) -> int:
        """Start a program with nothing to read; return its pid.

        ``hard_limit`` is how many descriptors it may have, ``errors`` where it complains.
        """
        words = [str(word) for word in command]
        if hard_limit:
            words = ["/bin/sh", "-c", f'ulimit -n {hard_limit}; exec "$@"', "sh", *words]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.posix_spawn(
            words[0],
            words,
            os.environ,
            file_actions=[*QUIET, (os.POSIX_SPAWN_OPEN, 2, str(errors), flags, 0o600)],
        )


QUIET = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
]


def make_service(path: Path, run: str = RUN) -> None:
    """Make a service directory, with its run script."""
    path.mkdir()
    script = path / "run"
    script.write_text(run)
    script.chmod(0o755)


def services_of(scan: Path) -> list[Path]:
    """Return the service directories of a scan directory, sorted by name."""
    return sorted(path for path in scan.iterdir() if not path.name.startswith("."))


def forget_boot(scan: Path) -> None:
    """Make the services and their logs look as after a boot: all files there, nothing known to run.

    No record of a process that could be adopted, and a status that is seen to be old.
    """
    for service in services_of(scan):
        for part in (service, service / "log"):
            if (part / LOCK).exists():
                os.truncate(part / LOCK, 0)
                os.utime(part / STATUS, ns=(0, 0))


def daemon_pid(service: Path, name: str = DAEMON) -> int:
    """Return the pid of the service's daemon once it has become what it is to be; else 0.

    ``name`` is what the kernel calls it then: before, it is ``run`` or a shell.
    """
    try:
        with open(service / STATUS, "rb", buffering=0) as file:
            now = status.unpack(file.read(status.SIZE))
            if not now or not now.pid or not os.fstat(file.fileno()).st_mtime_ns:
                return 0
        with open(f"/proc/{now.pid}/comm", "rb", buffering=0) as comm:
            return now.pid if comm.read().rstrip() == name.encode() else 0
    except OSError:
        return 0


def wait_until(condition: Callable[[], T], pause: float = 0.005) -> T:
    """Return what the condition says once it holds, looking every ``pause`` seconds.

    The benchmarks have this one of their own, as they run without the tests and their helpers.
    """
    deadline = time.monotonic() + PATIENCE
    while not (said := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError("a measurement makes no progress")
        time.sleep(pause)
    return said


def wait_until_calm(patience: float = 3.0) -> None:
    """Return once the processors have nearly nothing to do, or patience ends.

    The kernel goes on cleaning up for a while when thousands of processes were killed.
    """
    deadline = time.monotonic() + patience
    idle, total = processor_ticks()
    calm = 0
    while calm < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
        before = idle, total
        idle, total = processor_ticks()
        calm = calm + 1 if idle - before[0] >= 0.8 * (total - before[1]) else 0


def processor_ticks() -> tuple[int, int]:
    """Return how many ticks the processors were idle, and how many there were, since the boot."""
    with open("/proc/stat", "rb") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def wait_for_daemons(services: Iterable[Path]) -> None:
    """Return once every daemon runs. Looks at the last one first: asking costs time too."""
    left = list(services)

    def all_run() -> bool:
        while left and daemon_pid(left[-1]):
            left.pop()
        return not left

    wait_until(all_run)


def status_of(pid: int) -> Mapping[str, str]:
    """Return the lines of ``/proc/PID/status`` by name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def children(pid: int) -> list[int]:
    """Return the pids of a process's children; none if it is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def tree(pid: int) -> list[int]:
    """Return the pids of a process and all its descendants, parents first."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def name_of(pid: int) -> str:
    """Return what the kernel calls a process; nothing if it is gone, or a zombie."""
    try:
        status = status_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if status["State"][0] in "ZX" else status["Name"]


def without_daemons(pids: Iterable[int]) -> list[int]:
    """Return those which run and are not the daemons that are supervised."""
    return [pid for pid in pids if name_of(pid) not in ("", DAEMON)]


def wait_for_helpers(svscan: int) -> None:
    """Return once svscan has no children but other programs, all of which run.

    The helper of a first scan is none, and a zombie until svscan is through with that scan.
    """

    def has_no_helper() -> bool:
        own = name_of(svscan)
        return own != "" and {own, ""}.isdisjoint(map(name_of, children(svscan)))

    wait_until(has_no_helper)


def end_all() -> None:
    """Kill whatever we started, and what that started, and see it dead.

    Parents first: a supervisor which sees its daemon die starts it again.
    """
    me = os.getpid()
    while pids := tree(me)[1:]:
        for pid in pids:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        reap()


def reap() -> None:
    """Fetch at least one dead child, and all there are."""
    try:
        os.waitpid(-1, 0)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def run(words: Sequence[str | Path]) -> int:
    """Run a program to its end, quietly; return its exit status."""
    program = [str(word) for word in words]
    pid = os.posix_spawn(program[0], program, os.environ, file_actions=QUIET)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def milliseconds(words: list[str | Path]) -> float:
    """Return how long a program takes from start to end."""
    began = time.monotonic()
    if run(words):
        raise RuntimeError(f"{words} failed")
    return (time.monotonic() - began) * 1000
