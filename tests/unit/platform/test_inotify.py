"""What inotify tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.platform import watch
from slashservice.supervise.platform.inotify import Inotify


@pytest.fixture
def watcher() -> Iterator[Inotify]:
    made = Inotify()
    yield made
    os.close(made.fd)


def told(watcher: Inotify) -> list[tuple[int, int, bytes]]:
    return [(event.watch, event.mask, event.name) for event in watcher.events()]


def test_each_change_is_told_once_and_nothing_without_one(watcher: Inotify, tmp_path: Path) -> None:
    assert told(watcher) == []
    number = watcher.add(os.fsencode(tmp_path), watch.ENTRIES)
    (tmp_path / "directory").mkdir()
    (tmp_path / "f").touch()
    (tmp_path / "f").unlink()
    assert told(watcher) == [
        (number, watch.CREATE | watch.ISDIR, b"directory"),
        (number, watch.CREATE, b"f"),
        (number, watch.DELETE, b"f"),
    ]
    assert told(watcher) == []


def test_only_directories_are_watched(watcher: Inotify, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        watcher.add(os.fsencode(tmp_path / "file"), watch.ENTRIES)
