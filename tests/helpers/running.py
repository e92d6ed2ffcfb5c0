"""Loggers that run as processes, and what they wait for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from helpers.services import unread
from helpers.waiting import GENEROUS, until
from typing_extensions import Self

WAITING = ("0", "7", "271") if os.uname().machine == "x86_64" else ("63", "73")
"""The numbers of the calls ``read``, which C waits in, and ``poll`` or ``ppoll``, our own."""


class Running:
    """A multilog or svlogd on a FIFO that stays open, in a directory of its own."""

    def __init__(self, program: Path, script: list[str], cwd: Path) -> None:
        cwd.mkdir(exist_ok=True)
        os.mkfifo(cwd / "fifo")
        self.cwd = cwd
        self.fifo = os.open(cwd / "fifo", os.O_RDWR)
        self.process = subprocess.Popen(
            [program, *script], stdin=self.fifo, stderr=subprocess.PIPE, cwd=cwd
        )

    def __enter__(self) -> Self:
        until(self.waits, "it waits for input")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.fifo)

    def waits(self) -> bool:
        """Tell whether the program waits for input, with all there was before done with."""
        assert self.process.poll() is None
        if unread(self.fifo):
            return False
        call, *arguments = Path(f"/proc/{self.process.pid}/syscall").read_text().split()
        return call in WAITING and (call != WAITING[0] or arguments[0] == "0x0")

    def write(self, data: bytes) -> None:
        os.write(self.fifo, data)
        until(self.waits, "it waits for more input")

    def signal(self, number: int) -> None:
        """Send a signal, and wait until it was dealt with, one way or the other."""
        before = self.sleeps()
        self.process.send_signal(number)
        until(lambda: self.process.poll() is not None or self.sleeps() > before, "dealt with")

    def sleeps(self) -> int:
        """Return how often the process went to sleep so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    def current(self) -> bytes:
        return (self.cwd / "d" / "current").read_bytes()

    def old(self) -> list[bytes]:
        names = sorted(path for path in (self.cwd / "d").iterdir() if path.name[0] == "@")
        return [path.read_bytes() for path in names]

    def end(self) -> tuple[int, bytes]:
        _, errors = self.process.communicate(timeout=GENEROUS)
        return self.process.returncode, errors
