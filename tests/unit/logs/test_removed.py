"""Files of a log that somebody removes, renames or replaces while a logger is at work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import PAUSE, carry_out

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
