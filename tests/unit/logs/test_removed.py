"""Files of a log that somebody removes, renames or replaces while a logger is at work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slashservice.supervise.logs import lock, retention
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import PAUSE, carry_out
from slashservice.supervise.messages import Quit

GOING_ON = "multilog: warning: files of ./d were removed or replaced, going on\n"


@pytest.fixture
def base(place: Path) -> Iterator[int]:
    fd = os.open(place, os.O_RDONLY)
    yield fd
    os.close(fd)


def _renamed(log: Path) -> None:
    (log / "current").rename(log / "mine")


def _replaced(log: Path) -> None:
    (log / "new").write_bytes(b"")
    (log / "new").rename(log / "current")


DEEDS: dict[str, Callable[[Path], None]] = {
    "current removed": lambda log: (log / "current").unlink(),
    "current renamed": _renamed,
    "current replaced": _replaced,
    "all removed": shutil.rmtree,
}


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("script", [[b"./d"], [b"!gzip", b"./d"], [b"!cat", b"./d"]])
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_what_is_gone_is_made_again(
    deed: Callable[[Path], None],
    script: list[bytes],
    rotates: bool,
    place: Path,
    base: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No line is lost from then on, and it is said once."""
    logger = Logger(script)
    carry_out(logger.start(base))
    carry_out(logger.feed(b"before\n"))
    deed(place / "d")
    if rotates:
        carry_out(logger.rotate())
        assert capfd.readouterr().err == GOING_ON
        carry_out(logger.feed(b"first\n"))
    else:
        carry_out(logger.feed(b"first\n"))
        assert capfd.readouterr().err == GOING_ON
    carry_out(logger.feed(b"second\n"))
    found = b"".join(path.read_bytes() for path in (place / "d").iterdir())
    assert sorted(found.split())[-2:] == [b"first", b"second"]
    assert (place / "d/current").stat().st_mode & 0o777 == 0o644
    carry_out(logger.rotate())
    carry_out(logger.finish())
    assert len(list((place / "d").glob("@*.s"))) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_what_is_gone_while_files_get_full_is_made_again(
    deed: Callable[[Path], None],
    place: Path,
    base: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Where a file gets full in a moment, what goes with it is what was there before."""
    for module in (lock, retention):
        monkeypatch.setattr(module, "SECONDS_OF_TRUST", 1e9)
    logger = Logger([b"s4096", b"n1000", b"./d"])
    carry_out(logger.start(base))
    carry_out(logger.feed(b"".join(b"before %d\n" % n for n in range(2000))))
    deed(place / "d")
    lines = [b"after %d\n" % n for n in range(2000)]
    carry_out(logger.feed(b"".join(lines)))
    assert capfd.readouterr().err == GOING_ON
    carry_out(logger.finish())
    files = [path for path in (place / "d").iterdir() if path.name[0] == "@"]
    found = b"".join(map(Path.read_bytes, [*sorted(files), place / "d/current"]))
    found += b"".join(map(Path.read_bytes, (place / "d").glob("mine")))
    assert sorted(line for line in found.splitlines(True) if line[0:1] == b"a") == sorted(lines)


INTRUDERS: dict[str, Callable[[Path], None]] = {
    "directory": Path.mkdir,
    "FIFO": os.mkfifo,
    "link": lambda path: path.symlink_to("victim"),
    "dangling link": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("intruder", INTRUDERS.values(), ids=INTRUDERS)
def test_what_is_no_file_is_not_written_to(
    intruder: Callable[[Path], None], place: Path, base: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """The logger waits until it is gone, complaining once, and loses nothing."""
    logger = Logger([b"./d"])
    carry_out(logger.start(base))
    (place / "d/victim").write_bytes(b"")
    (place / "d/current").unlink()
    intruder(place / "d/current")
    steps = logger.feed(b"line\n")
    assert [next(steps), next(steps)] == [PAUSE, PAUSE]
    said = capfd.readouterr().err
    assert said.count("\n") == 2 and "unable to create ./d/current, pausing: " in said
    assert logger.trouble is not None
    if (place / "d/current").is_dir():
        (place / "d/current").rmdir()
    else:
        (place / "d/current").unlink()
    assert list(steps) == []
    assert logger.trouble is None
    carry_out(logger.finish())
    assert (place / "d/current").read_bytes() == b"line\n"
    assert (place / "d/victim").read_bytes() == b""
    assert not (place / "d/nothing").exists()


@pytest.mark.parametrize("name", ["lock", "state", "previous"])
def test_what_is_not_needed_may_go(name: str, place: Path, base: int) -> None:
    logger = Logger([b"!gzip", b"./d"])
    carry_out(logger.start(base))
    carry_out(logger.feed(b"one\n"))
    (place / "d" / name).unlink(missing_ok=True)
    carry_out(logger.rotate())
    carry_out(logger.feed(b"two\n"))
    carry_out(logger.finish())
    assert (place / "d/current").read_bytes() == b"two\n"
    assert len(list((place / "d").glob("@*.s"))) == 1


def test_a_lock_that_is_removed_is_taken_again(
    place: Path, base: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Who has come in meanwhile is waited for."""
    logger = Logger([b"./d"])
    carry_out(logger.start(base))
    carry_out(logger.feed(b"one\n"))
    (place / "d/lock").unlink()
    carry_out(logger.rotate())
    other = Logger([b"./d"])
    with pytest.raises(Quit):
        carry_out(other.start(base))
    other.release()
    (place / "d/lock").unlink()
    with (place / "d/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        carry_out(logger.feed(b"two\n"))
        steps = logger.rotate()
        assert [next(steps), next(steps)] == [PAUSE, PAUSE]
        assert capfd.readouterr().err.count("unable to lock directory ./d, pausing: ") == 1
        assert logger.trouble
    assert list(steps) == []
    assert logger.trouble is None
    (place / "d/lock").unlink()
    (place / "d/lock").mkdir()
    for line in (b"three\n", b"four\n"):
        carry_out(logger.feed(line))
        carry_out(logger.rotate())
    assert capfd.readouterr().err.count("unable to lock directory ./d, going on: ") == 1
    assert len(list((place / "d").glob("@*.s"))) == 4
    logger.release()


@pytest.mark.parametrize("processor", [b"!false", b"!gzip", b"!exit 1", b"!kill $$"])
def test_a_processor_is_not_tried_for_ever_where_nothing_is_to_be_processed(
    processor: bytes,
    place: Path,
    base: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logger = Logger([processor, b"./d"])
    carry_out(logger.start(base))
    carry_out(logger.feed(b"one\n"))
    if processor == b"!gzip":
        (place / "d/processed").mkdir()
    steps = logger.rotate()
    effect = next(steps)
    while effect is not PAUSE:
        effect = steps.send(effect.sit_out())
    assert logger.trouble
    (place / "d/previous").unlink()
    with contextlib.suppress(StopIteration):
        effect = next(steps)
        while True:
            assert effect is not PAUSE
            effect = steps.send(effect.sit_out())
    assert logger.trouble is None
    said = capfd.readouterr().err
    assert said.count("processor ") == 1 and said.endswith(GOING_ON)
    carry_out(logger.feed(b"two\n"))
    carry_out(logger.finish())
    assert (place / "d/current").read_bytes() == b"two\n"


@pytest.mark.parametrize("deed", ["removed", "renamed", "replaced"])
def test_a_status_file_is_made_again(deed: str, place: Path, base: int) -> None:
    logger = Logger([b"=status"])
    carry_out(logger.start(base))
    carry_out(logger.feed(b"one\n"))
    if deed == "removed":
        (place / "status").unlink()
    elif deed == "renamed":
        (place / "status").rename(place / "mine")
    else:
        (place / "new").write_bytes(b"x" * 2000)
        (place / "new").rename(place / "status")
    carry_out(logger.feed(b"two\n"))
    assert (place / "status").read_bytes()[:1001] == b"two".ljust(1001, b"\n")
    carry_out(logger.finish())


@pytest.mark.parametrize("intruder", INTRUDERS.values(), ids=INTRUDERS)
def test_no_log_waits_for_what_is_no_status_file(
    intruder: Callable[[Path], None], place: Path, base: int, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = Logger([b"=status", b"./d"])
    carry_out(logger.start(base))
    (place / "victim").write_bytes(b"")
    (place / "status").unlink()
    intruder(place / "status")
    for line in (b"one\n", b"two\n"):
        assert list(logger.feed(line)) == []
    assert (place / "d/current").read_bytes() == b"one\ntwo\n"
    assert capfd.readouterr().err.count("unable to open status again, going on: ") == 1
    assert logger.trouble
    assert (place / "victim").read_bytes() == b""
    if (place / "status").is_dir():
        (place / "status").rmdir()
    else:
        (place / "status").unlink()
    carry_out(logger.feed(b"three\n"))
    assert logger.trouble is None
    assert (place / "status").read_bytes() == b"three".ljust(1001, b"\n")
    carry_out(logger.finish())
