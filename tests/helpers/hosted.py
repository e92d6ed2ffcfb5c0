"""Services whose logs are hosted, and what the tests do with them."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from helpers.processes import kill
from helpers.services import await_pid
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

from slashservice.supervise.platform import linux


class Hosted:
    """A tree of services with hosted logs, which the test writes to as they would."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.pipes: dict[str, int] = {}
        self.hosts: set[tuple[int, int]] = set()
        self.directories: dict[str, Path] = {}

    def add(self, name: str, actions: str, run: str = SLEEP) -> Path:
        """Add a service whose log does ``actions``; return the directory of its log service."""
        log = f"#!/bin/sh\nexec {self.tree.commands}/multilog {actions}\n"
        self.directories[name] = self.tree.add(name, run, log) / "log"
        return self.directories[name]

    def write(self, name: str, data: bytes) -> None:
        """Say something as the service would; wait as long as its pipe is full."""
        if name not in self.pipes:
            path = self.directories[name].parent / "supervise/pipe"
            until(path.exists, f"{path}")
            # For reading too: nobody is told SIGPIPE while svscan is away.
            self.pipes[name] = os.open(path, os.O_RDWR)
        while data:
            data = data[os.write(self.pipes[name], data) :]

    def host(self, name: str) -> int:
        """Return the pid of the process that runs a log."""
        return self.ends_with_us(await_pid(self.directories[name]))

    def ends_with_us(self, pid: int) -> int:
        """Have a log host end with the test; return its pid."""
        self.hosts.add((pid, linux.started(pid)))
        return pid

    def current(self, name: str, log: str = "main") -> bytes:
        try:
            return (self.directories[name] / log / "current").read_bytes()
        except FileNotFoundError:
            return b""

    def arrives(self, name: str, data: bytes) -> None:
        """Wait until ``current`` ends so."""
        until(lambda: self.current(name).endswith(data), f"{data!r} arrived in {name}")

    def end(self) -> None:
        for pid, started in self.hosts:
            if started and linux.started(pid) == started:
                with contextlib.suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
                until(lambda: linux.started(pid) != started, "host ended")  # noqa: B023
        for fd in self.pipes.values():
            os.close(fd)
