"""A service under supervision, on a real directory, with processes that are only pretended."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers.clock import Clock

from slashservice.supervise.platform.loop import PORTION, Loop
from slashservice.supervise.protocol import names, status
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.announcer import SECONDS_UNTIL_WRITTEN
from slashservice.supervise.services.context import SECONDS_UNTIL_CHECKED, Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.log_pipe import LogPipe
from slashservice.supervise.services.starters import RUN, Script
from slashservice.supervise.services.supervised import (
    SECONDS_THAT_LAST,
    SECONDS_UNTIL_MENDED,
    Supervised,
)
from slashservice.supervise.services.turns import CRASHED, LASTED, NEW

KILL, TERM, CONT, STOP = 9, 15, 18, 19


class Process:
    """It notes each signal, with the status file as it was then."""

    def __init__(self, path: Path, exited: Callable[[int], None]) -> None:
        self.pid = 7
        self.signals: list[tuple[int, Status]] = []
        self.exited = exited
        self.left = False
        self._path = path

    def signal(self, number: int) -> None:
        self.signals.append((number, on_disk(self._path)))

    def kill_group(self) -> None:
        self.signal(-KILL)

    def leave(self) -> None:
        self.left = True


class World(Context):
    """What a service needs, without starting anything."""

    def __init__(self, loop: Loop, path: Path) -> None:
        heritage = Heritage([b"PATH=/bin"], b"life", loop.mask)
        super().__init__(loop, heritage, 1 << 20)
        self.path = path
        self.fails: OSError | None = None
        self.started: list[tuple[dict[int, int], Process]] = []
        self.scripts: list[list[bytes]] = []
        self.found: list[tuple[bytes, int, bool, int]] = []
        """What each script that is started finds in the status file."""

    def start(
        self,
        directory: ServiceDirectory,
        streams: dict[int, int],
        exited: Callable[[int], None],
        answer: Callable[[Any], None],
        script: Script = RUN,
    ) -> None:
        if self.fails:
            answer(self.fails)
            return
        self.found.append(says(self.path))
        process = Process(self.path, exited)
        self.started.append((dict(streams), process))
        self.scripts.append(script.words)
        answer(process)

    @property
    def process(self) -> Process:
        return self.started[-1][1]


class Subject:
    """A service in a directory of its own, and what became of it."""

    def __init__(self, path: Path, loop: Loop) -> None:
        self.path = path
        self.world = World(loop, path)
        directory, left = self.world.acquire(os.fsencode(path), b"service")
        self.forgotten = 0
        self.supervised = Supervised(self.world, directory, {1: 5}, self.forget)
        self.supervised.begin(left)

    def forget(self) -> None:
        self.forgotten += 1

    def command(self, characters: bytes) -> None:
        control = os.open(self.path / os.fsdecode(names.CONTROL), os.O_WRONLY)
        os.write(control, characters)
        os.close(control)
        self.world.loop.step()


def on_disk(path: Path) -> Status:
    found = status.unpack((path / os.fsdecode(names.STATUS)).read_bytes())
    assert found
    return found


def says(path: Path) -> tuple[bytes, int, bool, int]:
    found = on_disk(path)
    return found.want, found.pid, found.paused, found.termed


@pytest.fixture
def subject(tmp_path: Path, loop: Loop) -> Iterator[Subject]:
    made = Subject(tmp_path, loop)
    yield made
    if made.supervised.directory.is_held:
        made.supervised.directory.ignore(loop)
        made.supervised.directory.release()


def test_it_starts_and_says_so(subject: Subject) -> None:
    ((streams, _),) = subject.world.started
    assert streams == {1: 5}
    assert says(subject.path) == (b"u", 7, False, False)


def test_a_script_finds_a_status(subject: Subject, tmp_path: Path, loop: Loop) -> None:
    """Of the first start in each life of the machine; a status of another life is none."""
    assert subject.world.found == [(b"u", 0, False, False)]
    subject.supervised.directory.ignore(loop)
    subject.supervised.directory.release(forget=True)
    assert says(subject.path) == (b"u", 7, False, False)
    again = Subject(tmp_path, loop)
    assert again.world.found == [(b"u", 0, False, False)]
    again.supervised.directory.ignore(loop)
    again.supervised.directory.release()


@pytest.mark.parametrize(
    ("command", "number", "before", "after"),
    [
        (b"d", TERM, (b"d", 7, False, False), (b"d", 7, False, True)),
        (b"p", STOP, (b"u", 7, True, False), (b"u", 7, True, False)),
        (b"t", TERM, (b"u", 7, False, False), (b"u", 7, False, True)),
    ],
)
def test_what_is_wanted_is_on_disk_when_the_signal_is_sent(
    subject: Subject,
    command: bytes,
    number: int,
    before: tuple[bytes, int, bool, bool],
    after: tuple[bytes, int, bool, bool],
) -> None:
    subject.command(command)
    sent, then = subject.world.process.signals[0]
    assert sent == number
    assert (then.want, then.pid, then.paused, then.termed) == before
    assert says(subject.path) == after


def test_it_is_started_again_a_second_after_its_last_start(subject: Subject, clock: Clock) -> None:
    first = subject.world.process
    first.exited(0)
    assert says(subject.path) == (b"u", 0, False, False)
    clock.now += 1
    subject.world.loop.step()
    assert subject.world.process is not first
    assert says(subject.path) == (b"u", 7, False, False)


def test_nothing_is_obeyed_after_the_end(subject: Subject) -> None:
    process = subject.world.process
    subject.command(b"dx")
    process.exited(0)
    assert subject.forgotten == 1
    assert not subject.supervised.directory.is_held


def test_the_rest_of_what_was_sent_is_dropped_at_the_end(subject: Subject) -> None:
    subject.world.process.exited(0)
    subject.command(b"dxuuu")
    assert subject.forgotten == 1
    assert len(subject.world.started) == 1


def writes_to(descriptor: int) -> LogPipe:
    pipe = LogPipe()
    pipe.writer = descriptor
    return pipe


def test_another_stream_from_the_next_start_on(subject: Subject, clock: Clock) -> None:
    subject.supervised.redirect(writes_to(6))
    assert [number for number, _ in subject.world.process.signals] == [TERM]
    clock.now += 1
    subject.world.process.exited(0)
    assert subject.world.started[1][0] == {1: 6}


def test_one_that_is_down_is_not_started_for_another_stream(subject: Subject) -> None:
    subject.command(b"d")
    subject.world.process.exited(0)
    subject.supervised.redirect(writes_to(6))
    assert len(subject.world.started) == 1


@pytest.mark.parametrize(
    ("error", "seconds", "complaint"),
    [
        (BlockingIOError(11, ""), 5, "warning: unable to fork for service, trying again"),
        (PermissionError(13, ""), 1, "fatal: unable to start service/run: access denied"),
    ],
    ids=["no process", "no run"],
)
def test_a_start_that_fails_is_tried_again(
    subject: Subject,
    clock: Clock,
    capfd: pytest.CaptureFixture[str],
    error: OSError,
    seconds: int,
    complaint: str,
) -> None:
    clock.now += 10
    subject.world.fails = error
    subject.world.process.exited(0)
    assert complaint in capfd.readouterr().err
    assert says(subject.path) == (b"u", 0, False, False)
    subject.world.fails = None
    clock.now += seconds - 0.5
    subject.world.loop.after(0, lambda: None)
    subject.world.loop.step()
    assert len(subject.world.started) == 1
    clock.now += 0.5
    subject.world.loop.step()
    assert len(subject.world.started) == 2


def test_what_is_let_go_runs_on(subject: Subject) -> None:
    subject.supervised.leave()
    assert subject.world.process.left
    assert subject.world.process.signals == []


def crowd(subject: Subject) -> None:
    """Let the service wait for its turn behind another, from now on."""
    subject.world.loop.rounds = max(subject.world.loop.rounds, 1)
    while subject.world.turns.ask(partial(pass_time, subject), LASTED):
        pass


def pass_time(subject: Subject) -> None:
    clock = subject.world.loop.clock
    assert isinstance(clock, Clock)
    clock.now += PORTION / 2


@pytest.mark.parametrize(
    ("commands", "starts", "wants"),
    [
        (b"", 2, b"u"),
        (b"u", 2, b"u"),
        (b"o", 2, b"\0"),
        (b"uouou", 2, b"u"),
        (b"d", 1, b"d"),
        (b"dudu", 2, b"u"),
        (b"udud", 1, b"d"),
    ],
)
def test_what_is_commanded_while_it_waits_for_its_turn(
    subject: Subject, clock: Clock, commands: bytes, starts: int, wants: bytes
) -> None:
    clock.now += 1
    crowd(subject)
    subject.world.process.exited(0)
    assert says(subject.path) == (b"u", 0, False, False)
    assert len(subject.world.started) == 1
    for character in commands:
        subject.supervised._commanded(bytes([character]))
        assert len(subject.world.started) == 1
    while subject.world.turns:
        subject.world.loop.step()
    assert len(subject.world.started) == starts
    assert says(subject.path)[:2] == (wants, 7 * (starts - 1))


@pytest.mark.parametrize("commands", [b"x", b"dx", b"uxu"])
def test_what_ended_while_it_waited_is_not_started(
    subject: Subject, clock: Clock, commands: bytes
) -> None:
    clock.now += 1
    crowd(subject)
    subject.world.process.exited(0)
    subject.supervised._commanded(commands)
    assert subject.forgotten == 1
    while subject.world.turns:
        subject.world.loop.step()
    assert len(subject.world.started) == 1


def lines(subject: Subject) -> list[int]:
    """Note in which line the service asks for each turn from now on."""
    asked: list[int] = []
    ask = subject.world.turns.ask

    def note(turn: Callable[[], None], line: int) -> bool:
        asked.append(line)
        return ask(turn, line)

    subject.world.turns.ask = note  # type: ignore[method-assign]
    return asked


@pytest.mark.parametrize(
    ("seconds", "commands", "line"),
    [
        (1, b"", CRASHED),
        (SECONDS_THAT_LAST - 0.1, b"", CRASHED),
        (SECONDS_THAT_LAST, b"", LASTED),
        (1, b"t", NEW),
        (1, b"k", NEW),
        (1, b"u", CRASHED),
        (SECONDS_THAT_LAST, b"t", LASTED),
    ],
)
def test_in_which_line_it_asks(
    subject: Subject, clock: Clock, seconds: float, commands: bytes, line: int
) -> None:
    asked = lines(subject)
    clock.now += seconds
    subject.supervised._commanded(commands)
    subject.world.process.exited(0)
    assert asked == [line]


def test_one_that_somebody_wants_up_is_not_one_that_crashed(subject: Subject, clock: Clock) -> None:
    asked = lines(subject)
    subject.world.process.exited(0)
    subject.supervised._commanded(b"u")
    clock.now += 1
    subject.world.loop.step()
    assert asked == [NEW]


def test_one_that_cannot_be_run_has_crashed(subject: Subject, clock: Clock) -> None:
    clock.now += SECONDS_THAT_LAST
    asked = lines(subject)
    subject.world.fails = PermissionError(13, "")
    subject.world.process.exited(0)
    clock.now += 1
    subject.world.loop.step()
    assert asked == [LASTED, CRASHED]


def test_a_flood_of_commands_asks_for_one_time(subject: Subject) -> None:
    before = len(subject.world.loop._timers)
    subject.world.process.exited(0)
    subject.command(b"u" * 200)
    subject.command(b"ud" * 100)
    assert len(subject.world.loop._timers) - before == 1


class FailsOnce:
    """Has the call that comes after ``passes`` others, of some functions, fail."""

    def __init__(self, passes: int) -> None:
        self.passes = passes

    def wrap(self, monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> None:
        real = getattr(where, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.passes -= 1
            if self.passes == -1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments, **options)

        monkeypatch.setattr(where, name, call)


CALLS = ("fstat", "open", "mkfifo", "mkdir", "link", "unlink", "pread", "pwrite")


@pytest.mark.parametrize("removed", [["control"], ["ok"], ["lock"], ["control", "ok", "lock"], []])
def test_a_call_that_fails_while_it_mends_is_made_good(
    tmp_path: Path, loop: Loop, clock: Clock, removed: list[str]
) -> None:
    """Each call that mending makes fails in turn."""
    passes, has_failed = 0, True
    while has_failed:
        path = tmp_path / str(passes)
        path.mkdir()
        (path / "run").touch()
        subject = Subject(path, loop)
        directory = subject.supervised.directory
        if removed:
            for name in removed:
                (path / "supervise" / name).unlink()
        else:
            shutil.rmtree(path / "supervise")
        fails = FailsOnce(passes)
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                fails.wrap(patch, os, name)
            fails.wrap(patch, fcntl, "flock")
            fails.wrap(patch, loop, "add")
            subject.supervised.mend()
            subject.supervised.mend()
        has_failed = fails.passes < 0
        clock.now += SECONDS_UNTIL_MENDED
        loop.after(0, lambda: None)
        loop.step()
        assert directory.mend(loop) is False, "all is there"
        subject.command(b"d")
        assert says(path)[0] == b"d", "it is listened to"
        record = (path / "supervise/lock").read_bytes()
        assert not record or directory.place in record, "the record is for this place"
        left = set(os.listdir(path / "supervise")) - {"lock.new"}
        assert left == {"control", "lock", "ok", "pid", "stat", "status"}
        directory.ignore(loop)
        directory.release()
        passes += 1
    assert passes > 3


def fail(*arguments: object) -> int:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def wait(subject: Subject, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    subject.world.loop.after(0, lambda: None)
    subject.world.loop.step()


def test_a_status_that_could_not_be_written_is_later(
    subject: Subject,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        subject.command(b"p")
        for _ in range(3):
            wait(subject, clock, SECONDS_UNTIL_WRITTEN)
    assert says(subject.path) == (b"u", 7, False, False)
    assert capfd.readouterr().err.count("unable to rename") == 1
    wait(subject, clock, SECONDS_UNTIL_WRITTEN)
    assert says(subject.path) == (b"u", 7, True, False)


def test_a_record_that_could_not_be_written_is_later(subject: Subject, clock: Clock) -> None:
    """A daemon that is on no record would be started a second time by the next svscan."""
    directory = subject.supervised.directory
    assert directory.recorded() != subject.world.process.pid
    wait(subject, clock, SECONDS_UNTIL_CHECKED)
    assert directory.recorded() == subject.world.process.pid


def test_a_record_is_not_of_one_that_is_gone(subject: Subject, clock: Clock) -> None:
    subject.command(b"d")
    subject.world.process.exited(0)
    subject.supervised.directory.record(0, b"life")
    wait(subject, clock, SECONDS_UNTIL_CHECKED)
    assert subject.supervised.directory.recorded() == 0
