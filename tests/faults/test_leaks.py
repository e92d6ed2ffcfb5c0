"""Services made, stopped, killed, restarted and deleted: svscan has no more afterwards.

As many as were promised take some minutes: ``SLASHSERVICE_SERVICES=10000``.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from helpers.processes import kill, opened
from helpers.services import await_pid, is_supervised, make_service, pid_of, send
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

SERVICES = int(os.environ.get("SLASHSERVICE_SERVICES", "2500"))
PORTION = 20
KILOBYTES = 2048
"""How much larger svscan may be afterwards, than when a fifth of them were made."""


def memory(pid: int) -> int:
    """Return the kilobytes that a process has in memory."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


class Churn:
    """Services that come and go, a portion at a time."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.random = random.Random(1)
        self.count = 0
        hosted = f"#!/bin/sh\nexec {tree.commands}/multilog ./main\n"
        self.logs = (None, hosted, "#!/bin/sh\nexec cat\n")

    def pass_(self) -> None:
        made = [self.make() for _ in range(PORTION)]
        for _, path in made:
            until(lambda: pid_of(path), f"{path} is up")  # noqa: B023
            self.use(path)
        for entry, path in made:
            self.delete(entry, path)

    def make(self) -> tuple[Path, Path]:
        """Make one, in place or by a link; return its entry and its directory."""
        name = f"s{self.count}"
        log = self.logs[self.count % 3]
        self.count += 1
        if self.random.random() < 0.5:
            path = self.tree.add(name, SLEEP, log)
            return self.tree.scan / name, path
        hidden = make_service(self.tree.scan / f".{name}", SLEEP, log)
        entry = hidden.rename(self.tree.scan / name)
        return entry, entry

    def use(self, path: Path) -> None:
        what = self.random.choice(["stop", "kill", "restart", "nothing"])
        if what == "stop":
            send(path, b"d")
            send(path / "log", b"d")
        elif what == "kill" and (pid := pid_of(path)):
            kill(pid, signal.SIGKILL)
        elif what == "restart":
            send(path, b"t")

    def delete(self, entry: Path, path: Path) -> None:
        """Take it away in any state, by the right commands or by none."""
        if self.random.random() < 0.4:
            entry.rename(entry.with_name(f".gone-{entry.name}"))
            path = entry.with_name(f".gone-{entry.name}") if path == entry else path
            for part in (path, path / "log"):
                send(part, b"dx")
            until(lambda: not is_supervised(path), "service let go")
            until(lambda: not is_supervised(path / "log"), "log let go")
        else:
            send(path, b"dk")
            if entry != path:
                entry.unlink()
        # The daemon may be making files there yet.
        until(lambda: self.is_deleted(path), "deleted")

    def is_deleted(self, path: Path) -> bool:
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()


def kinds(pid: int) -> int:
    return len(opened(pid))


def has_again(pid: int, count: int) -> None:
    """Wait for a process to have that many descriptors again; say which it has if it has not."""
    try:
        until(lambda: kinds(pid) <= count, f"{count} descriptors again")
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *sorted(opened(pid))])) from None


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_nothing_is_left_of_services_that_are_gone(tree: Tree) -> None:
    stays = tree.add("stays", SLEEP, f"#!/bin/sh\nexec {tree.commands}/multilog ./main\n")
    svscan = tree.svscan()
    pid = await_pid(stays)
    await_pid(stays / "log")
    before = kinds(svscan.pid)
    churn = Churn(tree)
    while churn.count < SERVICES / 5:
        churn.pass_()  # until it has as many timers as it is ever going to
    has_again(svscan.pid, before)
    first = memory(svscan.pid)
    host = await_pid(stays / "log")
    of_host = memory(host)
    opened_by_host = kinds(host)
    while churn.count < SERVICES:
        churn.pass_()
    has_again(svscan.pid, before)
    has_again(host, opened_by_host)
    assert memory(svscan.pid) < first + KILOBYTES
    assert memory(host) < of_host + KILOBYTES
    assert pid_of(stays) == pid
    tree.drain(svscan)
