"""kqueue, with a stand-in for what Linux lacks of ``select``."""

from __future__ import annotations

import importlib
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from slashservice.supervise.platform import watch

NAME = "slashservice.supervise.platform.kqueue"

WRITE, DELETE, RENAME = 2, 1, 32
"""The bits of macOS and FreeBSD."""


class Queue:
    """A kernel queue that a test puts events into."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.waiting: list[Any] = []

    def fileno(self) -> int:
        return 77

    def control(self, changes: list[Any] | None, most: int, timeout: float = -1) -> list[Any]:
        self.asked += changes or []
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return taken


@pytest.fixture
def kqueue(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(sys, "platform", "darwin")
    values = {
        "KQ_NOTE_WRITE": WRITE,
        "KQ_NOTE_DELETE": DELETE,
        "KQ_NOTE_RENAME": RENAME,
        "KQ_EV_ADD": 1,
        "KQ_EV_CLEAR": 32,
        "KQ_FILTER_VNODE": -4,
        "kqueue": Queue,
        "kevent": lambda fd, kind, flags, notes: (fd, kind, flags, notes),
    }
    for name, value in values.items():
        monkeypatch.setattr(select, name, value, raising=False)
    yield importlib.import_module(NAME)
    del sys.modules[NAME]


def test_a_directory_is_watched_through_a_descriptor(kqueue: ModuleType, tmp_path: Path) -> None:
    watcher = kqueue.Kqueue()
    assert (watcher.fd, watcher.tells_names) == (77, False)
    number = watcher.add(os.fsencode(tmp_path), watch.ENTRIES)
    assert os.path.samestat(os.fstat(number), tmp_path.stat())
    assert not os.get_inheritable(number)
    assert watcher._queue.asked == [(number, -4, 1 | 32, WRITE | DELETE | RENAME)]
    watcher.remove(number)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


@pytest.mark.parametrize(
    ("notes", "mask"),
    [(WRITE, watch.OVERFLOW), (DELETE, watch.MOVE_SELF), (WRITE | RENAME, watch.MOVE_SELF)],
    ids=["changed", "removed", "renamed"],
)
def test_what_is_told_of_a_change(kqueue: ModuleType, notes: int, mask: int) -> None:
    watcher = kqueue.Kqueue()
    watcher._queue.waiting = [SimpleNamespace(ident=5, fflags=notes)]
    events = watcher.events()
    assert [(event.watch, event.mask, event.name) for event in events] == [(5, mask, b"")]
    assert watcher.events() == []
