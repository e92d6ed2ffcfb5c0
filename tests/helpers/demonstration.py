"""The demonstration, run as a user runs it, and what it may leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.checkout import CHECKOUT
from helpers.processes import kill, runs
from helpers.tree import ENVIRONMENT
from helpers.waiting import GENEROUS, until

from slashservice.supervise.demo.place import LOCK, PREFIX
from slashservice.supervise.protocol import scan_directory

PROGRAM = CHECKOUT / "demo"


class Demo:
    """A demonstration in a temporary directory below ``folder``, which has a short name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = folder / "shown"
        self.settings = {"PYTHON": sys.executable, "TMPDIR": str(folder)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *prefix: str) -> subprocess.Popen[bytes]:
        """Start it without a terminal, behind the words of ``prefix``; it says all in a file."""
        with self.shown.open("wb") as output:
            self.process = subprocess.Popen(
                [*prefix, PROGRAM],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, **self.settings},
            )
        return self.process

    def says(self) -> str:
        """Return what it has said so far."""
        return self.shown.read_text()

    def await_words(self, *words: str) -> None:
        """Wait until it has said all of these."""
        for one in words:
            until(lambda: one in self.says(), f"it says {one!r}", pause=0.05)  # noqa: B023

    @property
    def root(self) -> Path:
        """Its directory."""
        (found,) = self.folder.glob(f"{PREFIX}*")
        return found

    def svscan(self) -> int:
        """Return the svscan that runs there."""
        return until(lambda: scan_directory.running(bytes(self.root / "service")), "svscan runs")

    def guard(self) -> int:
        """Return the parent of that svscan."""
        words = Path(f"/proc/{self.svscan()}/stat").read_text().rpartition(")")[2].split()
        return int(words[1])

    def processes(self) -> list[int]:
        """Return what works in its directory, and what has that among its words."""
        found = []
        where = os.fsencode(f"{self.folder}/{PREFIX}")
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                place = os.fsencode(os.readlink(f"/proc/{name}/cwd"))
                words = Path(f"/proc/{name}/cmdline").read_bytes()
                if (place.startswith(where) or where in words) and runs(int(name)):
                    found.append(int(name))
        return found

    def left(self) -> list[object]:
        """Return what there is of it: processes and directories."""
        return [*self.processes(), *self.folder.glob(f"{PREFIX}*")]

    def await_nothing(self) -> None:
        """Wait until nothing is left of it. What a shell slept may not be over at once."""
        until(lambda: not self.left(), "nothing is left", pause=0.05)

    def end(self) -> None:
        """End it, whatever a test has made of it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(GENEROUS)
        try:
            until(lambda: not any(self.folder.glob(f"{PREFIX}*/{LOCK}")), "all is removed")
        finally:
            until(self._all_killed, "all processes have ended")

    def _all_killed(self) -> bool:
        pids = self.processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        return not pids
