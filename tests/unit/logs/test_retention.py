"""Old log files are removed whoever else is at work in the directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.clock import Clock

from slashservice.supervise.logs import retention
from slashservice.supervise.logs.folder import Folder
from slashservice.supervise.logs.retention import Finished


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that it looks at."""
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "current").touch()
    yield tmp_path


def name(number: int) -> str:
    return f"@{number:024x}.s"


def add(files: Finished, place: Path, number: int) -> list[int]:
    """Add a file; return which there are then."""
    (place / name(number)).touch()
    files.added(name(number).encode())
    return sorted(int(path.name[1:25], 16) for path in place.glob("@*"))


@pytest.fixture
def files(place: Path) -> Iterator[Finished]:
    here = os.open(place, os.O_RDONLY)
    folder = Folder(b".")
    folder.open(here)
    yield Finished(folder, 3)
    folder.close()
    os.close(here)


def test_so_many_are_kept(files: Finished, place: Path, clock: Clock) -> None:
    for number in range(1, 20):
        assert add(files, place, number) == list(range(max(1, number - 2), number + 1))
        clock.now += 0.04


def test_what_another_removed(files: Finished, place: Path, clock: Clock) -> None:
    for number in (1, 2, 3):
        add(files, place, number)
    (place / name(1)).unlink()
    assert add(files, place, 4) == [2, 3, 4]
    (place / name(3)).unlink()
    clock.now += 1
    assert add(files, place, 5) == [2, 4, 5]


def test_another_removes_the_same_at_the_same_moment(
    files: Finished, place: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of, and tried again with another look."""
    real = Folder.remove

    def remove_after_another(folder: Folder, name: bytes) -> None:
        real(folder, name)
        real(folder, name)

    for number in (1, 2, 3):
        add(files, place, number)
    clock.now += 1
    monkeypatch.setattr(Folder, "remove", remove_after_another)
    with pytest.raises(FileNotFoundError):
        add(files, place, 4)
    monkeypatch.setattr(Folder, "remove", real)
    assert add(files, place, 5) == [3, 4, 5]


def test_what_another_added(files: Finished, place: Path, clock: Clock) -> None:
    for number in (11, 12, 13):
        add(files, place, number)
    for number in (1, 2, 3):
        (place / name(number)).touch()
    clock.now += 1
    assert add(files, place, 14) == [12, 13, 14]


def test_a_clock_that_was_set_back(files: Finished, place: Path, clock: Clock) -> None:
    for number in (11, 12, 13):
        add(files, place, number)
    assert add(files, place, 5) == [11, 12, 13]
    assert add(files, place, 14) == [12, 13, 14]


def test_remove_one(files: Finished, place: Path, clock: Clock) -> None:
    assert not files.remove_one()
    for number in (1, 2, 3):
        add(files, place, number)
    assert files.remove_one()
    assert add(files, place, 4) == [2, 3, 4]


def test_a_file_without_a_known_name(files: Finished, place: Path, clock: Clock) -> None:
    files.added(b"")  # nothing is there
    for number in (1, 2, 3):
        (place / name(number)).touch()
    files.added(b"")
    (place / name(4)).touch()
    files.added(b"")
    assert sorted(path.name for path in place.glob("@*")) == [name(2), name(3), name(4)]
