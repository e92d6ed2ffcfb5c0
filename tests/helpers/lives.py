"""Loggers that live one after the other, each killed at some system call."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from slashservice.supervise.logs import (
    background,
    folder,
    journal,
    logdir,
    logger,
    processor,
    svlogd_directory,
)
from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.platform import linux

MODULES = (background, folder, journal, linux, logdir, logger, processor, svlogd_directory)
"""Those that make system calls."""

CALLS = ["open", "write", "pwrite", "splice", "pread", "ftruncate", "rename", "link", "unlink"]
CALLS += ["chmod", "fchmod", "fsync", "mkdir", "stat", "fstat", "listdir", "fork"]


class Killed(BaseException):
    """What a test has instead of SIGKILL."""


def killed_while_pausing(seconds: float) -> None:
    """Stand for the sleep of a logger whose processor was killed, when its own end comes too."""
    raise Killed


class Deadly:
    """The ``os`` of a process that is killed just before its n-th system call."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: object, **keywords: object) -> object:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return real(*arguments, **keywords)

        return call


class Life:
    """Loggers one after the other in a directory, on one pipe, with one journal."""

    def __init__(
        self,
        place: Path,
        script: Sequence[bytes],
        journaled: bool,
        make: Callable[..., Logger] = Logger,
    ) -> None:
        self.make = make
        self.place = place
        self.script = script
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        self.journaled = journaled
        self.base = os.open(place, os.O_RDONLY)
        self.fed = b""

    def close(self) -> None:
        for fd in (self.read, self.write, self.base):
            os.close(fd)

    def live(self, calls: int, monkeypatch: pytest.MonkeyPatch) -> bool:
        """Run a logger until the pipe is empty, or its time comes; return whether it did."""
        with monkeypatch.context() as patch:
            deadly = Deadly(calls)
            for module in MODULES:
                patch.setattr(module, "os", deadly)
            patch.setattr(time, "sleep", killed_while_pausing)
            if self.journaled:
                fd = os.open(self.place / "journal", os.O_RDWR | os.O_CREAT, 0o600)
                current = self.make(self.script, Journal(fd, self.script))
            else:
                current = self.make(self.script)
            try:
                carry_out(current.start(self.base))
                while select.select([self.read], [], [], 0)[0]:
                    if self.journaled:
                        carry_out(current.take(self.read, 4096))
                    else:
                        block = os.read(self.read, 4096)
                        self.fed += block
                        carry_out(current.feed(block))
                carry_out(current.finish())
                return False
            except Killed:
                patch.undo()
                return True
            finally:
                patch.undo()
                current.release()
