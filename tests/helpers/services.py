"""What the tests of the supervisor share: commands run, services made, supervisors ended."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from helpers.processes import is_copy, kill, runs, state_of
from helpers.waiting import GENEROUS, until

from slashservice.supervise.protocol import status

Word = str | bytes | Path

COARSE = 5
"""The clock that time(2) reads, and so C: up to a tick behind the exact one."""

RECORDER = """\
#!/usr/bin/python3 -IS
import os, signal
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
def say(word):
    fd = os.open("signals", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(fd, word.encode() + b"\\n")
    os.close(fd)
say("start %d" % os.getpid())
while True:
    number = signal.sigwait(every)
    say(signal.Signals(number).name)
    if number == signal.SIGTERM:
        os._exit(0)
"""
"""A run script that writes down every signal it gets, and ends by TERM."""

SLEEPER = "#!/usr/bin/tail -f\n"
"""A run script that is one plain C program, changes nothing about its process, and stays."""


class Outcome(NamedTuple):
    """What a command did; a negative status is the signal it died of."""

    status: int
    out: bytes
    err: bytes


def run(
    program: Word,
    *arguments: Word,
    cwd: Word | None = None,
    env: Mapping[bytes, bytes] | None = None,
    data: bytes = b"",
) -> Outcome:
    """Run a program to its end, with ``data`` as its input."""
    done = subprocess.run(
        [os.fsencode(word) for word in (program, *arguments)],
        cwd=None if cwd is None else os.fsencode(cwd),
        env=env,
        input=data,
        capture_output=True,
        timeout=GENEROUS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def write_script(path: Path, text: str | bytes) -> Path:
    """Put an executable at ``path``, complete from the moment it is there."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(text if isinstance(text, bytes) else text.encode())
    new.chmod(0o755)
    return new.rename(path)


def make_service(
    path: Path, script: str = SLEEPER, log: str | None = None, down: bool = False
) -> Path:
    """Make a service directory; ``log`` is the run script of a log service."""
    path.mkdir(parents=True, exist_ok=True)
    if down:
        (path / "down").touch()
    if log is not None:
        (path / "log").mkdir(exist_ok=True)
        write_script(path / "log/run", log)
    write_script(path / "run", script)
    return path


def contents(path: Path) -> bytes:
    """Return what is in a file, nothing if it can't be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def unread(pipe: int) -> int:
    """Return how many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def status_of(service: Path) -> status.Status | None:
    """Read the status file of a service; None if there is none yet."""
    return status.unpack(contents(service / "supervise/status"))


def in_status(service: Path) -> int:
    """Return the pid in a service's status file; 0 if it is down, or there is no such file."""
    now = status_of(service)
    return now.pid if now else 0


def pid_of(service: Path) -> int:
    """Return the pid of a service's live process; 0 if it is down, or not supervised.

    A process that is still a copy of its supervisor is not live yet.
    """
    now = status_of(service)
    if now is None or not runs(now.pid) or is_copy(now.pid):
        return 0
    return now.pid if is_supervised(service) else 0


def await_pid(service: Path, other_than: int = 0) -> int:
    """Wait for the service to be up, with another pid than the one given; return it."""

    def other() -> int:
        pid = pid_of(service)
        return pid if pid != other_than else 0

    return until(other, f"{service} is up again")


def is_in_place(part: Path) -> bool:
    """Tell whether a script has got to where it has its traps.

    It says so by a file ``ready`` in its directory, or it has stopped itself.
    """
    pid = pid_of(part)
    return pid > 0 and ((part / "ready").exists() or state_of(pid) == "T")


def await_in_place(*parts: Path) -> None:
    """Wait for the scripts of all these to have their traps. A signal would end them before."""
    for part in parts:
        until(lambda: is_in_place(part), f"{part} has its traps")  # noqa: B023


def is_down(service: Path) -> bool:
    """Tell whether there is a status file, and it says that the service is down."""
    now = status_of(service)
    return now is not None and now.pid == 0


def await_down(service: Path) -> None:
    """Wait for the status file to say that the service is down."""
    until(lambda: is_down(service), f"{service} is down")


def is_supervised(service: Path) -> bool:
    """Tell whether somebody holds the service's ``ok`` FIFO open."""
    try:
        os.close(os.open(service / "supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def send(service: Path, letters: bytes) -> None:
    """Write control characters as svc does; nothing if nobody is there to read them."""
    try:
        fd = os.open(service / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        os.write(fd, letters)
    except BrokenPipeError:
        pass  # it has gone in between
    finally:
        os.close(fd)


def services_in(scan: Path) -> list[Path]:
    """Return the service directories of a scan directory, and their log services."""
    found = [path for path in sorted(scan.iterdir()) if (path / "supervise").is_dir()]
    return found + [path / "log" for path in found if (path / "log/supervise").is_dir()]


def stop(supervisor: int, services: Sequence[Path], number: int = signal.SIGTERM) -> None:
    """End a supervisor of any kind, and all of its services; ours by the signal given.

    C svscan has to go first, as it would start each supervise that ends again. Ours must
    live to see its daemons die, or it would leave them behind.
    """
    try:
        program = os.path.basename(os.readlink(f"/proc/{supervisor}/exe"))
    except OSError:
        program = ""  # it has ended already
    if program.startswith("python"):
        for service in services:
            send(service, b"dk")
        for service in services:
            until(lambda: not in_status(service), f"{service} is down")  # noqa: B023
    elif program == "svscan":
        kill(supervisor, signal.SIGKILL)
        end(services)
    else:
        end(services)
    try:
        kill(supervisor, number)
    except ProcessLookupError:
        pass


def end(services: Sequence[Path]) -> None:
    """Have every supervise of ``services`` kill its process and end."""
    for service in services:
        send(service, b"dkx")
    for service in services:
        until(lambda: not is_supervised(service), f"{service} is left alone")  # noqa: B023


@contextmanager
def supervising(
    program: Word,
    *arguments: Word,
    services: Callable[[], Sequence[Path]] | Sequence[Path],
    cwd: Word | None = None,
    env: Mapping[bytes, bytes] | None = None,
    err: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a supervisor run; at the end neither it nor any of ``services`` does.

    What it says on standard error goes to the file ``err``.
    """
    with open(err or os.devnull, "ab") as errors:
        process = subprocess.Popen(
            [os.fsencode(word) for word in (program, *arguments)],
            cwd=None if cwd is None else os.fsencode(cwd),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield process
    finally:
        left = services() if callable(services) else services
        try:
            stop(process.pid, left)
            process.wait(GENEROUS)
        finally:
            process.kill()
            process.wait()


OURS_ALONE = frozenset(name + new for name in ("stat", "pid", "deaths") for new in ("", ".new"))
"""Files in ``supervise/`` that C does not keep; the first two are runit's."""


def is_ours_alone(path: str) -> bool:
    """Tell whether ``path`` is a file that only our supervisors keep."""
    folder, _, name = path.rpartition("/")
    return folder.rpartition("/")[2] == "supervise" and name in OURS_ALONE


def listing(path: Path) -> dict[str, str]:
    """Return the type and mode of everything below ``path``, as ``ls -l`` shows them.

    What is gone before it is looked at is left out: a ``status.new`` gets its name.
    """
    seen = {}
    for found in sorted(path.rglob("*")):
        with suppress(FileNotFoundError):
            seen[str(found.relative_to(path))] = stat.filemode(found.lstat().st_mode)
    return seen
