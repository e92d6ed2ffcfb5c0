"""Log hosts that nothing but their journals tells of."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import pytest
from helpers.clock import Clock

from slashservice.supervise.platform import flocks, linux
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import adoption, predecessors
from slashservice.supervise.services.directory import ServiceDirectory

LOCK = "fcntl.flock(file, fcntl.LOCK_EX)"

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "journal", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def host(journal: Path, script: str = HOLD, name: str = "loghost") -> Popen[bytes]:
    """Start a process that has a journal open, and is a log host or calls itself otherwise."""
    words = [sys.executable, "-c", script, str(journal), name]
    process = Popen(words, stdin=PIPE, stdout=PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.fixture(params=["loghost", "another"])
def holder(request: pytest.FixtureRequest, journal: int, tmp_path: Path) -> Iterator[int]:
    """A process that holds the journal, and is a log host or calls itself otherwise."""
    with host(tmp_path / "journal", name=request.param) as process:
        yield process.pid
        process.kill()


def found(journal: int, ours: set[int]) -> list[tuple[int, int]]:
    about = os.fstat(journal)
    return list(predecessors.users({(about.st_dev, about.st_ino)}, ours))


def test_a_host_that_holds_it_is_found(
    holder: int, journal: int, request: pytest.FixtureRequest
) -> None:
    is_host = "loghost" in request.node.name
    assert predecessors.is_held(journal)
    assert found(journal, set()) == ([(holder, linux.started(holder))] if is_host else [])
    assert found(journal, {holder}) == []


def test_nobody_holds_it(journal: int, tmp_path: Path) -> None:
    assert not predecessors.is_held(journal)
    assert found(journal, set()) == []
    with open(tmp_path / "journal") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the look itself holds nothing


def test_a_host_that_waits_for_it_is_found(journal: int, tmp_path: Path) -> None:
    """Nor does it need the list of locks, which some kernels lack."""
    with host(tmp_path / "journal", HOLD.replace(LOCK, "")) as process:
        assert found(journal, set()) == [(process.pid, linux.started(process.pid))]
        process.kill()


def test_a_host_that_we_may_not_look_into_is_found_by_its_lock(
    journal: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hides, so only root may. The lock tells, where its device is the one that we see."""
    monkeypatch.setattr(flocks, "_has_open", lambda pid, files: None)
    locks = tmp_path / "locks"
    monkeypatch.setattr(flocks, "LIST", str(locks))
    with host(tmp_path / "journal") as process:
        about = os.fstat(journal)
        device = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}"
        line = f"1: FLOCK  ADVISORY  WRITE {process.pid} %s:{about.st_ino} 0 EOF\n"
        locks.write_text(line % "ff:ff")
        assert found(journal, set()) == []
        locks.write_text(line % device)
        assert found(journal, set()) == [(process.pid, linux.started(process.pid))]
        process.kill()


def test_without_proc(journal: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(flocks, "LIST", str(tmp_path / "locks"))
    assert found(journal, set()) == []

    def refuse(path: str) -> list[str]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert found(journal, set()) == []


@pytest.mark.parametrize("room", [0, predecessors.LITTLE])
@pytest.mark.parametrize("is_held", [False, True])
def test_who_waits_for_space(
    is_held: bool, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that holds its journal, which has no room."""
    directory = os.fsencode(tmp_path)
    assert not predecessors.waits_for_space(directory), "it was never hosted"
    (tmp_path / "supervise").mkdir()
    path = tmp_path / "supervise/journal"
    with path.open("w") as file:
        if is_held:
            fcntl.flock(file, fcntl.LOCK_EX)
        disk = SimpleNamespace(f_bavail=room, f_frsize=1, f_blocks=9)
        monkeypatch.setattr(os, "fstatvfs", lambda fd: disk)
        assert predecessors.waits_for_space(directory) == (is_held and not room)
    path.unlink()
    path.symlink_to("nothing")
    assert predecessors.waits_for_space(directory), "it could open none"


class World:
    """Log hosts that killed svscans have left; they are only pretended."""

    def __init__(self, loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = loop
        self.clock = clock
        self.told: list[int] = []
        """Those that were told to end."""
        monkeypatch.setattr(adoption, "Adopted", self._adopted)
        self.known = predecessors.Predecessors(loop, set, all_is_seen=False)

    def _adopted(self, loop: Loop, pid: int, start: int, gone: object) -> SimpleNamespace:
        def signal_(number: int) -> None:
            if number == signal.SIGTERM:
                self.told.append(pid)

        return SimpleNamespace(signal=signal_)

    def pass_(self, seconds: float = 0) -> None:
        """Let time pass, and what is due then happen."""
        self.clock.now += seconds
        self.loop.after(0, lambda: None)
        self.loop.step()

    def log(self) -> ServiceDirectory:
        return ServiceDirectory(b"/nowhere", b"log")


FIRST, SECOND = 1 << 22, (1 << 22) + 1
"""No process has these pids."""


@pytest.fixture
def world(loop: Loop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(loop, clock, monkeypatch)


def test_a_host_is_kept_until_all_is_seen(world: World) -> None:
    """It may have the pipe of a service that is not seen yet."""
    world.known.retire(FIRST, 1)
    world.pass_(100)
    assert world.told == []
    world.known.all_is_seen()
    assert world.told == [FIRST]
    world.known.retire(FIRST, 1)
    world.known.retire(SECOND, 2)
    world.pass_()
    assert world.told == [FIRST, SECOND]


def test_a_host_is_kept_until_its_logs_are_started(world: World) -> None:
    logs = [world.log() for _ in range(3)]
    for log in logs:
        world.known.retire(FIRST, 1, log, goes_on=log is not logs[2])
    world.known.all_is_seen()
    world.pass_()
    world.known.is_started(logs[0])
    world.known.is_started(logs[0])
    world.known.is_started(world.log())
    world.pass_()
    assert world.told == []
    world.known.is_started(logs[1])
    world.pass_()
    assert world.told == [FIRST]
    world.pass_(predecessors.SECONDS_TO_TAKE_OVER)
    assert world.told == [FIRST], "it is told so once"


def test_a_host_is_not_kept_for_ever_for_a_log_that_can_not_be_started(world: World) -> None:
    world.known.retire(FIRST, 1, world.log(), goes_on=True)
    world.known.all_is_seen()
    world.pass_(predecessors.SECONDS_TO_TAKE_OVER - 1)
    assert world.told == []
    world.pass_(2)
    assert world.told == [FIRST]


def test_a_host_on_no_record_is_kept_until_the_logs_of_others_are_started(world: World) -> None:
    """It may have their pipes."""
    log = world.log()
    world.known.all_is_seen()
    world.known.retire(FIRST, 1, log, goes_on=True)
    world.known.retire(SECOND, 2)
    world.pass_()
    assert world.told == []
    world.known.is_started(log)
    world.pass_()
    assert world.told == [FIRST, SECOND]


def test_those_on_no_record_are_looked_for_until_there_are_none(
    world: World, journal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may wait for the journal of the one before."""
    looks = [[(FIRST, 1), (SECOND, 2)], [(SECOND, 2)], [], [(FIRST + 2, 3)]]
    monkeypatch.setattr(predecessors, "users", lambda journals, ours: looks.pop(0))
    world.known.all_is_seen()
    world.known.retire(FIRST, 1)
    world.pass_()
    world.known.expect(journal)
    for _ in range(3):
        world.pass_(predecessors.LOOK_LAST)
        world.pass_()
    assert world.told == [FIRST, SECOND]
    world.known.expect(journal)
    world.pass_(predecessors.LOOK_LAST)
    assert len(looks) == 1, "there is no sign that svscan was killed"


def test_all_are_told_at_the_end(
    world: World, journal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that would have been kept, or looked for, a while longer."""
    monkeypatch.setattr(predecessors, "users", lambda journals, ours: [(SECOND, 2)])
    world.known.retire(FIRST, 1, world.log(), goes_on=True)
    world.known.expect(journal)
    world.known.end_all()
    assert world.told == [FIRST, SECOND]
    world.known.end_all()
    world.pass_(100)
    assert world.told == [FIRST, SECOND]
