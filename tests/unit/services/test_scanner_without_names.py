"""The scanner where the kernel tells that its directory changed, but not how: as kqueue does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.services import is_supervised

from slashservice.supervise.platform import watch
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import scanner
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage


class Kernel(watch.Watcher):
    """Numbers directories, and tells what the test tells it."""

    tells_names = False

    def __init__(self) -> None:
        self.fd, self._told = os.pipe()
        self.watched: list[bytes] = []
        self.removed: list[int] = []
        self._events: list[watch.Event] = []

    def add(self, path: bytes, mask: int) -> int:
        self.watched.append(path)
        return len(self.watched)

    def remove(self, watch: int) -> None:
        self.removed.append(watch)

    def events(self) -> list[watch.Event]:
        os.read(self.fd, 1)
        events, self._events = self._events, []
        return events

    def tell(self, number: int, mask: int) -> None:
        self._events.append(watch.Event(number, mask, b""))
        os.write(self._told, b"x")

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._told)


class Scan:
    """A scan directory ``entries``, and a scanner for it."""

    def __init__(self, top: Path, loop: Loop) -> None:
        self.entries = top / "entries"
        self.entries.mkdir()
        self.loop = loop
        self.kernel = Kernel()
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scanner, "watcher", lambda: self.kernel)
            heritage = Heritage([b"PATH=/bin"], b"this life", loop.mask)
            context = Context(loop, heritage, 1000, self.null)
            self.scanner = scanner.Scanner(context, os.fsencode(self.entries))
        self.scanner.scan()

    def service(self, name: str) -> Path:
        """Make a service that is to stay down."""
        path = self.entries / name
        path.mkdir()
        (path / "down").touch()
        return path

    def told(self, number: int, mask: int) -> None:
        """Have the kernel tell something, and what follows from it happen."""
        self.kernel.tell(number, mask)
        self.loop.step()
        self.loop.after(0, lambda: None)
        self.loop.step()


@pytest.fixture
def scan(tmp_path: Path, loop: Loop) -> Iterator[Scan]:
    made = Scan(tmp_path, loop)
    yield made
    made.scanner.drain()
    os.close(made.null)
    made.kernel.close()


def test_the_directory_is_read_when_it_changed(scan: Scan) -> None:
    path = scan.service("s")
    assert not is_supervised(path)
    scan.told(1, watch.OVERFLOW)
    assert is_supervised(path)
    assert (scan.kernel.watched, scan.kernel.removed) == ([os.fsencode(scan.entries)], [])


def test_a_directory_in_its_place_is_watched_instead(scan: Scan) -> None:
    scan.entries.rename(scan.entries.with_name("old"))
    scan.entries.mkdir()
    path = scan.service("s")
    scan.told(1, watch.MOVE_SELF)
    assert is_supervised(path)
    assert (scan.kernel.watched, scan.kernel.removed) == ([os.fsencode(scan.entries)] * 2, [1])
    later = scan.service("later")
    scan.told(2, watch.OVERFLOW)
    assert is_supervised(later)


def test_a_directory_in_its_place_is_found_by_a_look_before_the_kernel_tells(scan: Scan) -> None:
    """As at HUP. Later words of the kernel are about the old directory."""
    scan.entries.rename(scan.entries.with_name("old"))
    scan.entries.mkdir()
    path = scan.service("s")
    scan.scanner.scan()
    assert is_supervised(path)
    assert (scan.kernel.watched, scan.kernel.removed) == ([os.fsencode(scan.entries)] * 2, [1])
    scan.told(1, watch.MOVE_SELF)
    assert len(scan.kernel.watched) == 2
