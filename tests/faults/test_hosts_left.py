"""What becomes of log hosts whose svscan was killed: with no room for their lines, or in a row."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from helpers.disks import enlarge, on_small_disk
from helpers.hosted import Hosted
from helpers.logs import content
from helpers.processes import kill, runs
from helpers.services import await_down, in_status, status_of
from helpers.waiting import until

pytestmark = pytest.mark.root

LINES = b"".join(b"line %05d\n" % number for number in range(6000))
"""As much as a pipe holds; more than a small disk."""

WAITS = "waits for disk space"


class Left:
    """A log on a full disk, whose svscan was killed and started again."""

    def __init__(self, hosted: Hosted, full: tuple[str, ...]) -> None:
        self.hosted = hosted
        self.log = hosted.add("web", "./main")
        self.main, self.supervise = self.log / "main", self.log / "supervise"
        disks = {"main": self.main, "supervise": self.supervise}
        prefix: list[str] = []
        for name in full:
            disks[name].mkdir()
            prefix += on_small_disk(disks[name])
        svscan = hosted.tree.svscan(prefix)
        self.inside = svscan.pid
        until(lambda: self.seen(self.main / "current").exists() and self.pid(), "at work")
        self.host = hosted.ends_with_us(self.pid())
        if "supervise" in full:
            self.fill()
        self.write(LINES)
        until(lambda: hosted.tree.lines("unable to write"), "full")
        kill(svscan.pid, signal.SIGKILL)
        svscan.wait()
        svscan = hosted.tree.svscan(["nsenter", f"--mount=/proc/{self.host}/ns/mnt"])
        self.inside = svscan.pid
        until(lambda: self.pid() not in (0, self.host), "another host")
        hosted.ends_with_us(self.pid())

    def fill(self) -> None:
        """Leave no room in the supervise directory."""
        file = (self.seen(self.supervise) / "filler").open("wb", buffering=0)
        with file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(512))

    def seen(self, path: Path) -> Path:
        """Return a path as it is in the namespace of the disks."""
        return Path(f"/proc/{self.inside}/root{path}")

    def pid(self) -> int:
        now = status_of(self.seen(self.log))
        return now.pid if now else 0

    def write(self, data: bytes) -> None:
        pipe = self.seen(self.log.parent / "supervise/pipe")
        subprocess.run(["dd", f"of={pipe}", "bs=64k", "status=none"], input=data, check=True)

    def arrived(self) -> bytes:
        return content(self.seen(self.main))


def test_with_its_lines_in_journals_it_ends(hosted: Hosted) -> None:
    left = Left(hosted, ("main",))
    until(lambda: not runs(left.host), "the old host ended")
    enlarge(left.inside, left.main)
    until(lambda: left.arrived() == LINES, "arrived, each line once")
    assert not hosted.tree.lines(WAITS)
    assert not hosted.tree.lines("damaged")


def test_with_no_room_in_journals_either_it_is_waited_for(hosted: Hosted) -> None:
    """It is named once, and nothing is lost."""
    left = Left(hosted, ("main", "supervise"))
    until(lambda: hosted.tree.lines(WAITS), "named")
    assert runs(left.host)
    enlarge(left.inside, left.main)
    until(lambda: not runs(left.host), "the old host ended")
    until(lambda: left.arrived() == LINES, "arrived, each line once")
    (told,) = hosted.tree.lines(WAITS)
    assert f"log host {left.host}, " in told and told.endswith(" web/log")


def test_with_room_in_journals_since_then_it_ends(hosted: Hosted) -> None:
    """What it had only in memory comes into the journal in time."""
    left = Left(hosted, ("main", "supervise"))
    enlarge(left.inside, left.supervise)
    until(lambda: not runs(left.host), "the old host ended")
    enlarge(left.inside, left.main)
    until(lambda: left.arrived() == LINES, "arrived, each line once")
    assert not hosted.tree.lines("damaged")


@pytest.mark.parametrize("paused", [False, True])
def test_of_many_svscans_killed_in_a_row_one_host_is_left(hosted: Hosted, paused: bool) -> None:
    """Each waits for the journals of the one before, and all but the last are on no record."""
    logs = [hosted.add(name, "./main") for name in ("a", "b", "c")]
    hosts: list[int] = []

    def other(log: Path) -> int:
        pid = in_status(log)
        return pid if pid not in hosts else 0

    for _ in range(5):
        svscan = hosted.tree.svscan()
        pids = {until(lambda: other(log), "another host") for log in logs}  # noqa: B023
        assert len(pids) == 1
        hosts += pids
        hosted.ends_with_us(hosts[-1])
        if paused and len(hosts) == 1:
            hosted.tree.svc("-p", *logs)
            until(lambda: all(paused_in_status(log) for log in logs), "paused")
        if len(hosts) < 5:
            kill(svscan.pid, signal.SIGKILL)
            svscan.wait()
    until(lambda: [pid for pid in hosts if runs(pid)] == hosts[-1:], "the others ended")
    for name in ("a", "b", "c"):
        hosted.write(name, b"a line\n")
    if paused:
        hosted.tree.svc("-c", *logs)
    for name in ("a", "b", "c"):
        hosted.arrives(name, b"a line\n")
    hosted.tree.svc("-d", logs[0])
    await_down(logs[0])
    hosted.write("a", b"another\n")
    hosted.write("b", b"another\n")
    hosted.arrives("b", b"another\n")
    assert hosted.current("a") == b"a line\n", "nobody else writes it"


def paused_in_status(log: Path) -> bool:
    now = status_of(log)
    return now is not None and now.paused
