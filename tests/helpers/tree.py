"""A scan directory to be mistreated, and what to look at it with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from helpers.processes import catches, kill, runs
from helpers.services import contents, make_service
from helpers.waiting import GENEROUS, until

SLEEP = "#!/bin/sh\nexec sleep 1000\n"
"""A daemon that does nothing."""

MULTILOG = "#!/bin/sh\nexec /usr/bin/multilog ./main\n"
"""A log service: the C multilog."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


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
        return make_service(self.real / name, run, log, down)

    def add(self, name: str, run: str = SLEEP, log: str | None = None, down: bool = False) -> Path:
        """Make a service directory and link it into the scan directory."""
        path = self.make(name, run, log, down)
        (self.scan / name).symlink_to(path)
        return path

    def svscan(
        self,
        prefix: Sequence[str] = (),
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
        until(lambda: catches(process.pid, number), "supervisor started")
        process.send_signal(number)
        assert process.wait(timeout=GENEROUS) == 0, self.says()[-2000:]

    def svc(self, options: str, *directories: Path) -> None:
        """Steer with the C svc."""
        subprocess.run(
            ["/usr/bin/svc", options, *directories], check=True, stderr=subprocess.DEVNULL
        )

    def says(self) -> str:
        """Return what was said on standard error so far."""
        return os.fsdecode(contents(self.said))

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
        until(self._all_killed, "all processes have ended")

    def _named(self) -> list[int]:
        """Return the processes that were given our directory, or what is in it, as an argument."""
        found = []
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if (
                    name.isdigit()
                    and os.fsencode(self.root) in Path(f"/proc/{name}/cmdline").read_bytes()
                ):
                    found.append(int(name))
        return found

    def _all_killed(self) -> bool:
        """Kill what is left; tell whether nothing was."""
        pids = [pid for pid in [*self.processes(), *self._named()] if runs(pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        return not pids


@contextlib.contextmanager
def tree(root: Path, commands: Path) -> Iterator[Tree]:
    """A tree that leaves no process behind."""
    made = Tree(root, commands)
    try:
        yield made
    finally:
        # What pytest shows of a test that fails.
        print(f"What was said on standard error, in {root}:\n{made.says()}")
        made.end()
