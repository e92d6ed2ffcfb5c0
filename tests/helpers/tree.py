"""A scan directory to be mistreated, and what to look at it with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.services import is_supervised

from slashservice.supervise.platform import linux
from slashservice.supervise.protocol import status

PATIENCE = 30.0
"""Seconds after which a condition that should come true at once is a failure."""

SLEEP = "#!/bin/sh\nexec sleep 1000\n"
"""A daemon that does nothing."""

MULTILOG = "#!/bin/sh\nexec /usr/bin/multilog ./main\n"
"""A log service: the C multilog."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Return the first true value of ``condition``; fail if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still not so: {what}"
        time.sleep(0.005)


SMALL = "32k"

MOUNTED = """
mount --make-rprivate / && mount -t tmpfs -o size=$0,mode=755 none "$1" && shift && exec "$@"
"""
"""A shell's words that put a small file system somewhere, for one command and its children."""


def on_small_disk(path: Path) -> list[str]:
    """Return words to put before a command for which ``path`` is to be a small disk."""
    return ["unshare", "-m", "sh", "-c", MOUNTED, SMALL, str(path)]


def enlarge(pid: int, path: Path) -> None:
    """Make much room on the small disk of a process."""
    words = ["mount", "-o", "remount,size=10M", str(path)]
    subprocess.run(["nsenter", f"--mount=/proc/{pid}/ns/mnt", *words], check=True)


def runs(pid: int) -> bool:
    """Tell whether the process is there, and no zombie."""
    return linux.started(pid) != 0


def state(pid: int) -> str:
    """Return the letter of the process's state, as ps shows it; empty if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(")")[2].split()[0]


def is_copy(pid: int) -> bool:
    """Tell whether the process is a copy of its parent, yet to become what it is to be."""
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        lines = [Path(f"/proc/{one}/cmdline").read_bytes() for one in (pid, parent)]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return lines[0] == lines[1]


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that we started, and wait until it is gone."""
    process.kill()
    process.wait()


def comm(pid: int) -> str:
    """Return what the kernel calls the process; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def opened(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to, of a process that goes on meanwhile."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(link))
    return found


def catches(pid: int, number: int) -> bool:
    """Tell whether the process has a handler for the signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def write_script(path: Path, text: str) -> None:
    """Put an executable file at ``path``, complete from the moment it is there."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.chmod(0o755)
    new.rename(path)


class Tree:
    """A scan directory ``services`` under ``root``, service directories beside it.

    ``commands`` holds the launchers. What svscan and the services say on standard error
    is in the file ``said``.
    """

    def __init__(self, root: Path, commands: Path) -> None:
        self.root = root
        self.commands = commands
        self.scan = root / "services"
        self.real = root / "real"
        self.said = root / "said"
        self.scan.mkdir(parents=True)
        self.real.mkdir()
        self.started: list[subprocess.Popen[bytes]] = []

    def make(self, name: str, run: str = SLEEP, log: str | None = None, down: bool = False) -> Path:
        """Make a service directory, not linked yet."""
        path = self.real / name
        path.mkdir()
        if down:
            (path / "down").touch()
        if log is not None:
            (path / "log").mkdir()
            write_script(path / "log/run", log)
        write_script(path / "run", run)
        return path

    def add(self, name: str, run: str = SLEEP, log: str | None = None, down: bool = False) -> Path:
        """Make a service directory and link it into the scan directory."""
        path = self.make(name, run, log, down)
        (self.scan / name).symlink_to(path)
        return path

    def svscan(
        self,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] = ENVIRONMENT,
        **options: Any,
    ) -> subprocess.Popen[bytes]:
        """Start svscan on the scan directory, behind the words of ``prefix``."""
        return self.start([*prefix, str(self.commands / "svscan"), str(self.scan)], **options)

    def start(self, words: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command that says what it says into our file."""
        with self.said.open("ab") as said:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=ENVIRONMENT,
                **options,
            )
        self.started.append(process)
        return process

    def drain(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        """Tell a supervisor to bring everything down, and wait until it has, and ended well."""
        wait_for(lambda: catches(process.pid, number), "supervisor started")
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE) == 0, self.says()[-2000:]

    def svc(self, options: str, *directories: Path) -> None:
        """Steer with the C svc."""
        subprocess.run(
            ["/usr/bin/svc", options, *directories], check=True, stderr=subprocess.DEVNULL
        )

    def svok(self, directory: Path) -> bool:
        """Tell whether the service is supervised."""
        return is_supervised(directory)

    def status(self, directory: Path) -> status.Status | None:
        """Read the status file; None if there is none."""
        try:
            return status.unpack(status.read(os.fsencode(directory / "supervise/status")))
        except OSError:
            return None

    def pid(self, directory: Path) -> int:
        """Return the pid of a service's live process; 0 if it is down or not supervised."""
        now = self.status(directory)
        if not now or not runs(now.pid) or is_copy(now.pid):
            return 0
        return now.pid if self.svok(directory) else 0

    def up(self, directory: Path, other_than: int = 0) -> int:
        """Wait until the service is up (as another process); return the pid."""

        def other() -> int:
            pid = self.pid(directory)
            return pid if pid != other_than else 0

        pid: int = wait_for(other, f"{directory} up; said: {self.says()[-2000:]!r}")
        return pid

    def down(self, directory: Path) -> None:
        """Wait until the service is down."""

        def is_down() -> bool:
            now = self.status(directory)
            return now is not None and now.pid == 0

        wait_for(is_down, f"{directory} down")

    def says(self) -> str:
        """Return what was said on standard error so far."""
        return os.fsdecode(self.said.read_bytes())

    def lines(self, part: str) -> list[str]:
        """Return the lines said that contain ``part``."""
        return [line for line in self.says().splitlines() if part in line]

    def processes(self) -> list[int]:
        """Return the processes that work in or below our directory."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    if Path(os.readlink(f"/proc/{name}/cwd")).is_relative_to(self.root):
                        found.append(int(name))
        return found

    def workers(self, directory: Path) -> list[int]:
        """Return the processes that work in just this directory."""
        found = []
        for pid in self.processes():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == str(directory):
                    found.append(pid)
        return found

    def end(self) -> None:
        """End all that we started, and all that they did."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        deadline = time.monotonic() + PATIENCE
        while pids := [pid for pid in self.processes() if runs(pid)]:
            assert time.monotonic() < deadline, f"can't end {pids}"
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)


@contextlib.contextmanager
def tree(root: Path, commands: Path) -> Iterator[Tree]:
    """A tree that leaves no process behind."""
    made = Tree(root, commands)
    try:
        yield made
    finally:
        made.end()
