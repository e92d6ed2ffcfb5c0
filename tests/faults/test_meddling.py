"""A scan directory in which everything changes, at any moment, while svscan is at work.

svscan must live through it, and what is in order in the end must run. Each seed is another
story; the moments are up to the machine.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.processes import catches, killed
from helpers.services import await_pid, write_script
from helpers.tree import MULTILOG, SLEEP, Tree
from helpers.waiting import until

ROUNDS = 10
MOST_AT_ONCE = 60
SHARE_OF_KILLS = 0.3
PAUSES = (0.0, 0.0, 0.0, 1e-4, 1e-3, 1e-2)
"""Seconds between two changes are up to one of these."""

NAMES = [*(f"s{n}" for n in range(8)), ".hidden"]
LOGS = [None, MULTILOG, "#!/bin/sh\nexec multilog ./main\n"]
TARGETS = ("nowhere", "s0", "s1", "../real", "/dev/null")
LETTERS = ("-t", "-d", "-u", "-x", "-k", "-o", "-c")
"""Not -p: should it reach the copy that is yet to become the daemon, and svscan be killed then,
the copy keeps svscan's lock until somebody continues it."""


def remove(path: Path) -> None:
    """Remove whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class Meddler:
    """Somebody who changes the scan directory of ``tree``, with ``luck``."""

    def __init__(self, tree: Tree, luck: random.Random) -> None:
        self.tree = tree
        self.luck = luck
        self.made = 0
        self.changes: list[Callable[[Path], object]] = [
            self.link,
            self.link_under_another_name,
            self.link_to_something_else,
            self.move_in,
            self.make_in_place,
            self.rename,
            self.rename_what_a_link_leads_to,
            remove,
            self.steer,
            lambda path: remove(path / "supervise"),
            lambda path: (path / "supervise").rename(path / "gone"),
            lambda path: remove(path / "log"),
            lambda path: shutil.copytree(self.service() / "log", path / "log"),
            lambda path: remove(path / "run"),
            lambda path: write_script(path / "run", luck.choice([SLEEP, "garbage"])),
            lambda path: path.touch(),
        ]

    def change_something(self) -> None:
        """Make one change, if it can be made, and wait a moment."""
        path = self.tree.scan / self.luck.choice(NAMES)
        with contextlib.suppress(OSError):
            self.luck.choice(self.changes)(path)
        end = time.perf_counter() + self.luck.choice(PAUSES) * self.luck.random()
        while time.perf_counter() < end:
            pass

    def service(self) -> Path:
        """Make a service directory that is in order."""
        self.made += 1
        return self.tree.make(f"r{self.made}", log=self.luck.choice(LOGS))

    def link(self, path: Path) -> None:
        path.symlink_to(self.service())

    def link_under_another_name(self, path: Path) -> None:
        new = self.tree.scan / self.luck.choice(["new", ".new"])
        remove(new)
        new.symlink_to(self.service())
        new.rename(path)

    def link_to_something_else(self, path: Path) -> None:
        path.symlink_to(self.luck.choice(TARGETS))

    def move_in(self, path: Path) -> None:
        self.service().rename(path)

    def make_in_place(self, path: Path) -> None:
        path.mkdir()
        write_script(path / "run", SLEEP)
        (path / "log").mkdir()
        write_script(path / "log/run", MULTILOG)

    def rename(self, path: Path) -> None:
        path.rename(self.tree.scan / self.luck.choice(NAMES))

    def rename_what_a_link_leads_to(self, path: Path) -> None:
        target = self.tree.scan / os.readlink(path)
        if target.resolve().is_relative_to(self.tree.root.resolve()):
            target.rename(target.with_name(target.name + ".moved"))

    def steer(self, path: Path) -> None:
        letter = self.luck.choice(LETTERS)
        subprocess.run(["/usr/bin/svc", letter, path], stderr=subprocess.DEVNULL, check=False)


def hang_up(svscan: subprocess.Popen[bytes]) -> None:
    """Have it look at everything."""
    until(lambda: catches(svscan.pid, signal.SIGHUP), "svscan has begun")
    svscan.send_signal(signal.SIGHUP)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_meddling(tree: Tree, seed: int) -> None:
    luck = random.Random(seed)
    meddler = Meddler(tree, luck)
    svscan = tree.svscan()
    for turn in range(ROUNDS):
        for _ in range(luck.randrange(MOST_AT_ONCE)):
            meddler.change_something()
        good = [tree.scan / f"good{turn}-{n}" for n in range(3)]
        for path in good:
            path.symlink_to(meddler.service())
        pids = [await_pid(path) for path in good]
        assert svscan.poll() is None, tree.says()
        if luck.random() < SHARE_OF_KILLS:
            killed(svscan)
            svscan = tree.svscan()
            assert [await_pid(path) for path in good] == pids
        else:
            hang_up(svscan)
    tree.drain(svscan)
    assert not tree.lines("internal error")
