"""A disk that is full, and what is then given up; a directory that another logger has locked."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.deadly import log_and_die
from helpers.logs import run_well, unpacked

from slashservice.supervise.logs import dropped, folder, lock, logdir, retention
from slashservice.supervise.logs.action_script import Settings
from slashservice.supervise.logs.folder import Folder
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.no_journal import NoJournal
from slashservice.supervise.logs.steps import Pause, carry_out
from slashservice.supervise.messages import Quit


class SmallDisk:
    """The ``os`` of a process whose files have so much space together."""

    def __init__(self, space: int, place: Path) -> None:
        self.space = space
        self.place = place

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: memoryview) -> int:
        left = self.space - sum(
            path.stat().st_size for path in self.place.rglob("*") if path.is_file()
        )
        if left <= 0:
            raise OSError(errno.ENOSPC, "")
        return os.write(fd, bytes(data)[:left])


@pytest.fixture
def small_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk = SmallDisk(20_000, place)
    for module in (dropped, logdir):
        monkeypatch.setattr(module, "os", disk)
    return disk


LINES = [b"line number %d\n" % n for n in range(4000)]


def test_deleting_the_oldest(place: Path, small_disk: SmallDisk) -> None:
    assert run_well(place, [b"s4096", b"n1000", b"fdelete", b"./d"], b"".join(LINES)) == b""
    kept = unpacked(place / "d")
    assert len(kept) > 10_000
    assert b"".join(LINES).endswith(kept)


def test_deleting_has_an_end(place: Path, small_disk: SmallDisk) -> None:
    """With nothing to delete it waits, as it does by default."""
    small_disk.space = 1000
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"fdelete", b"./d"])
    carry_out(logger.start(base))
    with open(os.devnull, "wb") as null, logs.standard_error(null.fileno()):
        steps = logger.feed(b"".join(LINES))
        assert isinstance(next(steps), Pause)
        small_disk.space = 1_000_000
        assert list(steps) == []
    carry_out(logger.finish())
    os.close(base)
    assert unpacked(place / "d") == b"".join(LINES)


def test_dropping(place: Path, small_disk: SmallDisk) -> None:
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"s16777215", b"fdrop", b"./d"])
    carry_out(logger.start(base))
    seen = []
    with (place.parent / f"{place.name}.errors").open("w+b") as errors:
        with logs.standard_error(errors.fileno()):
            for at in range(0, len(LINES), 100):
                if at == 3000:
                    small_disk.space = 1_000_000
                carry_out(logger.feed(b"".join(LINES[at : at + 100])))
                seen.append(at)
            carry_out(logger.finish())
        errors.seek(0)
        said = errors.read()
    Path(errors.name).unlink()
    os.close(base)
    assert (
        said
        == b"multilog: warning: unable to write to ./d/current, dropping lines: out of disk space\n"
    )
    result = unpacked(place / "d").splitlines(keepends=True)
    notes = [line for line in result if line.startswith(b"multilog: dropped ")]
    assert len(notes) == 1
    dropped = int(notes[0].split()[2])
    at = result.index(notes[0])
    whole = next(n for n in range(at + 1) if result[n] != LINES[n])
    assert at - whole in (0, 1)  # a line cut short may be there as well
    assert result[at + 1 :] == LINES[3000:]
    assert dropped == 3000 - whole


NOTICE = b"multilog: dropped 2 lines: out of disk space\n"


@pytest.fixture
def dropping(place: Path, small_disk: SmallDisk) -> Iterator[Logger]:
    """A logger that has dropped two lines, the disk being full after ten bytes."""
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"s16777215", b"fdrop", b"./d"])
    carry_out(logger.start(base))
    with open(os.devnull, "wb") as null, logs.standard_error(null.fileno()):
        carry_out(logger.feed(b"first one\n"))
        small_disk.space = 10
        carry_out(logger.feed(b"second\n"))
        carry_out(logger.feed(b"third\n"))
    yield logger
    logger.release()
    os.close(base)


def test_the_end_tells_of_what_was_dropped(
    place: Path, small_disk: SmallDisk, dropping: Logger
) -> None:
    small_disk.space = 1000
    carry_out(dropping.finish())
    assert (place / "d/current").read_bytes() == b"first one\n" + NOTICE


def test_the_end_comes_though_it_can_not_be_told(place: Path, dropping: Logger) -> None:
    carry_out(dropping.finish())
    assert (place / "d/current").read_bytes() == b"first one\n"
    assert (place / "d/current").stat().st_mode & 0o777 == 0o744, "closed cleanly"


def test_a_notice_that_was_cut_short_is_told_again(
    place: Path, small_disk: SmallDisk, dropping: Logger
) -> None:
    small_disk.space = 20
    carry_out(dropping.feed(b"fourth\n"))
    small_disk.space = 1000
    carry_out(dropping.feed(b"fifth\n"))
    carry_out(dropping.finish())
    expected = b"first one\n" + NOTICE[:10] + b"\n" + NOTICE.replace(b"2", b"3") + b"fifth\n"
    assert (place / "d/current").read_bytes() == expected


@pytest.fixture
def locked(place: Path) -> Iterator[int]:
    """The lock of the directory ``d``, which another process might hold."""
    (place / "d").mkdir()
    fd = os.open(place / "d/lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    yield fd
    os.close(fd)


def test_a_locked_directory_is_refused_as_by_c(place: Path, locked: int, oracle: Path) -> None:
    theirs = logs.run_program(oracle / "multilog", [b"./d"], b"line\n", place)
    assert logs.run_here([b"./d"], b"line\n", place) == theirs
    assert theirs[0] == 111


def test_a_patient_logger_waits_for_the_lock(
    place: Path, locked: int, capfd: pytest.CaptureFixture[str]
) -> None:
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"./d"])
    steps = logger.start(base, patient=True)
    pauses = [next(steps) for _ in range(4)]
    assert capfd.readouterr().err == "", "a predecessor may need so long"
    assert logger.waits_for_lock and logger.trouble is None
    pauses += [next(steps) for _ in range(2)]
    said = "unable to lock directory ./d, pausing: temporary failure"
    assert capfd.readouterr().err == f"multilog: warning: {said}\n"
    assert logger.trouble == b"unable to lock directory ./d: temporary failure"
    assert [pause.seconds for pause in pauses if isinstance(pause, Pause)] == [
        *(0.1, 0.2, 0.4, 0.8),
        *(1.0, 1.0),
    ]
    fcntl.flock(locked, fcntl.LOCK_UN)
    assert list(steps) == []
    assert not logger.waits_for_lock and logger.trouble is None
    with pytest.raises(BlockingIOError):
        fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    carry_out(logger.finish())
    os.close(base)


def test_a_directory_that_can_not_be_listed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill the names are needed. Without them nobody knows what was written."""

    def names(self: Folder) -> list[bytes]:
        raise OSError(errno.EIO, "")

    directory = logdir.LogDirectory(b"./d", Settings(), NoJournal(), 0)
    base = os.open(place, os.O_RDONLY)
    carry_out(directory.acquire(base, patient=False))
    monkeypatch.setattr(Folder, "names", names)
    with pytest.raises(Quit) as caught:
        directory.settle()
    assert caught.value.status == 111
    assert caught.value.line == b"multilog: fatal: unable to read ./d: input/output error\n"
    directory.release()
    os.close(base)


class Stubborn:
    """The ``os`` of a process whose system call ``name`` fails the n-th time, and some more."""

    def __init__(self, name: str, number: int, times: int) -> None:
        self.name = name
        self.calls = range(number, number + times)
        self.called = 0

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name != self.name:
            return real

        def call(*arguments: object, **keywords: object) -> object:
            self.called += 1
            if self.called in self.calls:
                raise OSError(errno.EIO, "")
            return real(*arguments, **keywords)

        return call


FOR_EVER = 1e9

STEPS = {
    "one by one": ["fsync", "rename", "open", "fchmod", "chmod", "link", "unlink", "listdir"],
    "quickly": ["fsync", "fchmod", "rename", "open", "unlink"],
}
"""The system calls of a rotation, where a look at the directory is trusted for how long."""


@pytest.fixture
def trust(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a look at the directory be believed for ever, or not at all."""
    seconds = FOR_EVER if request.param == "quickly" else 0.0
    for module in (lock, retention):
        monkeypatch.setattr(module, "SECONDS_OF_TRUST", seconds)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("trust", "call"),
    [(way, call) for way, calls in STEPS.items() for call in calls],
    indirect=["trust"],
)
@pytest.mark.usefixtures("trust")
def test_any_step_of_a_rotation_may_fail(
    call: str, times: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made again, after a pause if it fails once more; and the directory is as ever."""
    base = os.open(place, os.O_RDONLY)
    for number in (1, 3, 5):
        logger = Logger([b"s4096", b"n5", b"./%d" % number])
        carry_out(logger.start(base))
        carry_out(logger.feed(b"".join(LINES[:400])))  # from here on the directory is known
        stubborn = Stubborn(call, number, times)
        with monkeypatch.context() as patched:
            patched.setattr(folder, "os", stubborn)
            with open(os.devnull, "wb") as null, logs.standard_error(null.fileno()):
                for _ in logger.feed(b"".join(LINES[400:])):
                    pass
        assert stubborn.called >= number + times or call == "listdir"
        carry_out(logger.finish())
        log = place / str(number)
        files = sorted(path.name for path in log.iterdir() if path.name[0] == "@")
        assert len(files) == 4
        assert {path.stat().st_mode & 0o777 for path in log.glob("@*")} == {0o744}
        assert {path.name for path in log.iterdir()} == {*files, "current", "lock", "state"}
        assert b"".join(LINES).endswith(unpacked(log))
    os.close(base)


@pytest.mark.parametrize("trust", STEPS, indirect=True)
@pytest.mark.usefixtures("trust")
def test_killed_before_any_call_of_a_rotation(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that was written is there once, and the next logger goes on."""
    monkeypatch.chdir(place)
    text = b"".join(LINES[:700])
    number, killed = 0, True
    while killed:
        number += 1
        script = [b"s4096", b"n1000", b"./%d" % number]
        killed = log_and_die(script, text, number)
        run_well(place, script, b"next\n")
        log = place / str(number)
        found = unpacked(log)
        assert (text + text).startswith(found[: -len(b"next\n")])
        assert len(found) > len(text)
        assert found.endswith(b"\nnext\n")
        assert {path.stat().st_mode & 0o777 for path in log.glob("@*.s")} == {0o744}
        assert not {"previous", "processed"} & {path.name for path in log.iterdir()}
    assert number > 20
