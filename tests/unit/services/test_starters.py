"""Starting a process: what the child keeps, and what is as it was when it can't be started."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.waiting import until

from slashservice.supervise.platform import linux
from slashservice.supervise.platform.current import system
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.protocol.record import Record
from slashservice.supervise.services import context as contexts
from slashservice.supervise.services import spawner
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.spawner import Spawner, Spawners
from slashservice.supervise.services.starters import Child, Forking

LIFE = b"life"
SLEEP = "#!/bin/sh\nexec sleep 1000\n"


class World:
    """Service directories that are held, and ways to start what is in them."""

    def __init__(self, top: Path, loop: Loop) -> None:
        self.top = top
        self.loop = loop
        self.heritage = Heritage([b"PATH=/usr/bin:/bin"], LIFE, loop.mask)
        self.directories: list[ServiceDirectory] = []
        self.started: list[Child] = []
        self.ends: list[int] = []

    def directory(self, run: str = SLEEP, mode: int = 0o755) -> ServiceDirectory:
        """Make one, and take it."""
        path = self.top / f"s{len(self.directories)}"
        path.mkdir()
        (path / "run").write_text(run)
        (path / "run").chmod(mode)
        directory = ServiceDirectory(os.fsencode(path), os.fsencode(path.name))
        directory.acquire(LIFE, 1 << 20)
        self.directories.append(directory)
        return directory

    def start(self, starter: Forking | Spawner, directory: ServiceDirectory) -> Child:
        answers: list[Child | OSError] = []
        starter.start(directory, {}, self.ends.append, answers.append)
        if isinstance(starter, Spawner):
            starter.collect()
        (answer,) = answers
        if isinstance(answer, OSError):
            raise answer
        self.started.append(answer)
        return answer

    def close(self) -> None:
        for child in self.started:
            try:
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
            child.leave()
        for directory in self.directories:
            directory.release()


@pytest.fixture
def world(tmp_path: Path, loop: Loop) -> Iterator[World]:
    made = World(tmp_path, loop)
    yield made
    made.close()


@pytest.fixture(params=[Forking, Spawner])
def starter(request: pytest.FixtureRequest, world: World) -> Iterator[Forking | Spawner]:
    """Each way to start a service."""
    made: Forking | Spawner = request.param(world.loop, world.heritage)
    yield made
    if isinstance(made, Spawner):
        made.end()


def has_become_sleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def on_record(directory: ServiceDirectory) -> Record:
    found = record.parse(os.pread(directory.lock, record.LENGTH, 0))
    assert found
    return found


def test_what_is_started_is_on_record(world: World, starter: Forking | Spawner) -> None:
    directories = [world.directory() for _ in range(5)]
    children = [world.start(starter, directory) for directory in directories]
    for directory, child in zip(directories, children, strict=True):
        until(lambda: has_become_sleep(child.pid), "it runs")  # noqa: B023
        found = on_record(directory)
        assert (found.pid, found.life, found.place) == (child.pid, LIFE, directory.place)
        assert found.runs()
        assert os.getsid(child.pid) == child.pid
        assert os.readlink(f"/proc/{child.pid}/cwd") == os.fsdecode(directory.path)
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        assert limits == Path("/proc/self/limits").read_text(), "no mark is left"


def test_a_daemon_has_no_descriptor_of_ours(world: World, starter: Forking | Spawner) -> None:
    other, directory = world.directory(), world.directory()
    given, kept = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(given, True)
    heritage = Heritage(world.heritage.environment, LIFE, world.loop.mask)
    starter._heritage = heritage
    try:
        child = world.start(starter, directory)
        until(lambda: has_become_sleep(child.pid), "it runs")
        there = {int(name) for name in os.listdir(f"/proc/{child.pid}/fd")}
        assert there == heritage._descriptors | {0, 1, 2}
        assert given in there
        assert kept not in there
        assert other.lock not in there
    finally:
        os.close(given)
        os.close(kept)


def test_the_children_of_a_spawner_become_ours(world: World) -> None:
    starter = Spawner(world.loop, world.heritage)
    quick = world.start(starter, world.directory("#!/bin/sh\nexit 7\n"))
    child = world.start(starter, world.directory())
    starter.end()
    assert os.waitpid(quick.pid, 0) == (quick.pid, 7 << 8)
    assert os.waitpid(child.pid, os.WNOHANG) == (0, 0), "it is ours, and runs"
    assert starter._pid == 0


def test_a_script_that_cannot_be_run(
    world: World, starter: Forking | Spawner, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = world.directory(mode=0o644)
    if isinstance(starter, Spawner):
        with pytest.raises(PermissionError):
            world.start(starter, directory)
        assert on_record(directory).pid == 0
    else:
        child = world.start(starter, directory)
        assert os.waitpid(child.pid, 0) == (child.pid, 111 << 8)
        said = "supervise: fatal: unable to start s0/run: access denied\n"
        assert capfd.readouterr().err == said


def replaced(world: World, directory: ServiceDirectory) -> Path:
    """Move a directory, and make another one in its place; return where it is now."""
    path = Path(os.fsdecode(directory.path))
    elsewhere = path.rename(world.top / "elsewhere")
    path.mkdir()
    (path / "run").write_text(f"#!/bin/sh\ntouch {world.top}/ran\n")
    (path / "run").chmod(0o755)
    return elsewhere


def test_what_was_moved_runs_where_it_is_now(world: World, starter: Forking | Spawner) -> None:
    directory = world.directory()
    elsewhere = replaced(world, directory)
    child = world.start(starter, directory)
    until(lambda: has_become_sleep(child.pid), "it runs")
    assert os.readlink(f"/proc/{child.pid}/cwd") == str(elsewhere)
    assert not (world.top / "ran").exists()


def test_nothing_runs_in_another_directory_of_that_name(
    world: World, starter: Forking | Spawner
) -> None:
    directory = world.directory()
    shutil.rmtree(replaced(world, directory))
    if isinstance(starter, Spawner):
        with pytest.raises(FileNotFoundError):
            world.start(starter, directory)
    else:
        child = world.start(starter, directory)
        assert os.waitpid(child.pid, 0)[1] == 111 << 8
    assert not (world.top / "ran").exists()


@pytest.mark.parametrize("victim", ["before the start", "in the start"])
def test_a_killed_spawner_leaves_what_it_has_started(
    world: World, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter = Spawner(world.loop, world.heritage)
    first = world.start(starter, world.directory())
    if victim == "before the start":
        os.kill(starter._pid, signal.SIGKILL)
    else:
        # It dies when it has started the daemon, before that is on record.
        hear = starter._hear

        def killed() -> int:
            pid = hear()
            resource.prlimit(pid, linux.MARK, (starter._mark, resource.RLIM_INFINITY))
            directory.record(0, LIFE)
            os.kill(starter._pid, signal.SIGKILL)
            return 0

        monkeypatch.setattr(starter, "_hear", killed)
    directory = world.directory()
    second = world.start(starter, directory)
    until(lambda: has_become_sleep(second.pid), "it runs")
    assert on_record(directory).pid == second.pid
    starter.end()
    for child in (first, second):
        assert os.waitpid(child.pid, os.WNOHANG) == (0, 0), "it is ours, and runs"


def test_a_start_that_hangs_hangs_alone(world: World) -> None:
    """Its program is leased to us, so that nobody may open it until we let go."""
    hanging = world.directory()
    fd = os.open(os.fsdecode(hanging.path) + "/run", os.O_RDONLY)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    starter = Spawner(world.loop, world.heritage)
    try:
        first = world.start(starter, world.directory())
        stuck = world.start(starter, hanging)
        last = world.start(starter, world.directory())
        starter.end()
        assert on_record(hanging).pid == stuck.pid
        for child in (first, last):
            until(lambda: has_become_sleep(child.pid), "it runs")  # noqa: B023
        for child in (first, stuck, last):
            assert os.waitpid(child.pid, os.WNOHANG) == (0, 0), "it is ours"
        assert not has_become_sleep(stuck.pid)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(fd)
        fd = -1
        until(lambda: has_become_sleep(stuck.pid), "it goes on")
    finally:
        if fd >= 0:
            os.close(fd)
        signal.signal(signal.SIGIO, before)


def test_a_spawner_that_hangs_for_good_is_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated: here nothing makes a process that can't be killed."""
    starter = Spawner(world.loop, world.heritage)
    child = world.start(starter, world.directory())
    real = os.waitpid
    theirs = starter._pid
    monkeypatch.setattr(spawner, "SECONDS_TO_DIE", 0)
    monkeypatch.setattr(os, "waitpid", lambda pid, how: (0, 0) if pid == theirs else real(pid, how))
    starter.end()
    monkeypatch.undo()
    real(theirs, 0)
    os.kill(child.pid, signal.SIGKILL)
    while not world.ends:
        world.loop.step()


def test_a_stopped_child_has_let_go_of_what_is_not_its_own(world: World) -> None:
    other, directory = world.directory(), world.directory()
    for _ in range(20):
        child = world.start(Forking(world.loop, world.heritage), directory)
        child.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        locks = {os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in _open_in(child.pid)}
        assert os.fsdecode(other.at(b"supervise/lock")) not in locks
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)


def _open_in(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/fd")


def test_where_a_spawner_cannot_be_had_services_are_forked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter = Spawner(world.loop, world.heritage)
    monkeypatch.setattr(system, "adopt_orphans", lambda yes: False)
    child = world.start(starter, world.directory())
    assert starter._pid == 0
    until(lambda: has_become_sleep(child.pid), "it runs")


def test_many_are_started_by_a_spawner_and_few_are_not(world: World) -> None:
    context = Context(world.loop, world.heritage, 1 << 20)
    context.expect(contexts.FEWEST - 1)
    assert context._spawners is None
    context.expect(contexts.FEWEST)
    assert isinstance(context._spawners, Spawners)
    context.expect_no_more()
    assert context._spawners is None


@pytest.mark.parametrize("why", ["no fork", "no socket"])
def test_trouble_at_the_start_of_a_spawner_is_that_of_a_fork(
    world: World, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "")

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    descriptors = os.listdir("/proc/self/fd")
    starter = Spawner(world.loop, world.heritage)
    directory = world.directory()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", refuse)
        with pytest.raises(BlockingIOError):
            world.start(starter, directory)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    directory.release()
    assert os.listdir("/proc/self/fd") == descriptors


def test_a_child_that_can_not_be_watched_is_a_child_all_the_same(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error here would have the service started again, beside it."""

    def refuse(fd: int, readable: object) -> None:
        raise OSError(errno.ENOSPC, "")

    before = os.listdir("/proc/self/fd")
    holding, held = os.pipe()
    os.close(held)
    monkeypatch.setattr(loop, "add", refuse)
    ends: list[int] = []
    child = Child(loop, 1 << 22, ends.append, holding)
    assert os.listdir("/proc/self/fd") == before
    child._gone(7)
    assert ends == [7]


def test_spawners_take_turns_and_all_answer(world: World) -> None:
    starter = Spawners(world.loop, world.heritage)
    answers: list[Child | OSError] = []
    directories = [world.directory(mode=0o644 if n == 2 else 0o755) for n in range(5)]
    for directory in directories:
        starter.start(directory, {}, world.ends.append, answers.append)
    assert Spawner.running == Spawners.NUMBER
    starter.end()
    assert Spawner.running == 0
    assert [isinstance(answer, PermissionError) for answer in answers] == [n == 2 for n in range(5)]
    for directory, answer in zip(directories, answers, strict=True):
        if isinstance(answer, Child):
            world.started.append(answer)
            assert on_record(directory).pid == answer.pid
            assert os.waitpid(answer.pid, os.WNOHANG) == (0, 0), "it is ours, and runs"


def test_a_spawner_whose_end_the_loop_has_seen_is_not_signalled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pid may be another process's by then. What it was to start is started all the same."""
    starter = Spawner(world.loop, world.heritage)
    first = world.start(starter, world.directory())
    os.kill(starter._pid, signal.SIGKILL)

    def is_reaped() -> bool:
        world.loop.after(0, lambda: None)
        world.loop.step()
        return starter._is_reaped

    until(is_reaped, "the loop has seen its end")

    def kill(pid: int, number: int) -> None:
        raise AssertionError(pid)

    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", kill)
        second = world.start(starter, world.directory())
        starter.end()
    for child in (first, second):
        assert os.waitpid(child.pid, os.WNOHANG) == (0, 0), "it is ours, and runs"


def test_what_a_spawner_has_started_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of processes that can't be read for a moment doubles nothing."""
    starter = Spawner(world.loop, world.heritage)
    found: list[int] = []
    real = linux.find

    def find(*arguments: Any, **options: Any) -> int:
        found.append(0)
        if len(found) < 3:
            raise OSError(errno.ENFILE, "")
        return real(*arguments, **options)

    monkeypatch.setattr(system, "find", find)
    monkeypatch.setattr(starter, "_hear", lambda: 0)
    monkeypatch.setattr(ServiceDirectory, "recorded", lambda self: -1)
    world.start(starter, world.directory())
    starter.end()
    assert len(found) == 3
