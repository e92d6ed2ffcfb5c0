"""The links on the way to a scan directory: which there are, and what is told of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.platform import watch
from slashservice.supervise.services.way import MOST_LINKS, Way, steps


class FakeWatcher(watch.Watcher):
    """Numbers each directory once, as inotify does."""

    def __init__(self) -> None:
        self.watched: dict[bytes, int] = {}

    def add(self, path: bytes, mask: int) -> int:
        if not os.path.isdir(path):
            raise FileNotFoundError
        real = os.path.realpath(path)
        return self.watched.setdefault(real, max(self.watched.values(), default=0) + 1)

    def remove(self, number: int) -> None:
        self.watched = {path: one for path, one in self.watched.items() if one != number}


def make(top: Path) -> None:
    (top / "runit/default").mkdir(parents=True)
    (top / "runit/current").symlink_to("default")
    (top / "service").symlink_to("runit/current")
    (top / "far").symlink_to(top / "service")
    (top / "around").symlink_to("runit/../runit/./current/")
    (top / "dangling").symlink_to("runit/nowhere")
    (top / "loop").symlink_to("loop")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("runit/default", []),
        ("runit/current", ["runit current"]),
        ("service", [" service", "runit current"]),
        ("./runit//../service/", [" service", "runit current"]),
        ("far", [" far", " service", "runit current"]),
        ("around", [" around", "runit current"]),
        ("dangling", [" dangling", "runit nowhere"]),
        ("missing/deep", [" missing"]),
        ("runit/current/missing", ["runit current", "runit/default missing"]),
    ],
)
def test_steps(tmp_path: Path, path: str, expected: list[str]) -> None:
    make(tmp_path)
    found = [
        f"{os.path.relpath(os.fsdecode(where), tmp_path)} {os.fsdecode(name)}".removeprefix(".")
        for where, name in steps(os.fsencode(f"{tmp_path}/{path}"))
        if where.startswith(bytes(tmp_path))
    ]
    assert found == expected


def test_a_loop_ends(tmp_path: Path) -> None:
    make(tmp_path)
    assert len(steps(bytes(tmp_path / "loop"))) == MOST_LINKS


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "c"]), min_size=1, max_size=6))
def test_the_way_of_any_links_ends_where_the_kernel_ends(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    top = tmp_path_factory.mktemp("way").resolve()
    (top / "a/b/c").mkdir(parents=True)
    (top / "b").symlink_to("a/b")
    (top / "c").symlink_to(top / "b")
    (top / "a/a").symlink_to("..")
    path = top / "/".join(words)
    entries = steps(os.fsencode(path))
    if path.exists():
        assert all(os.path.islink(os.path.join(*entry)) for entry in entries)
    else:
        assert not os.path.lexists(os.path.join(*entries[-1]))


def test_what_changes_the_way(tmp_path: Path) -> None:
    make(tmp_path)
    watcher = FakeWatcher()
    way = Way(watcher, bytes(tmp_path / "service"))
    way.attend()
    runit = watcher.watched[bytes(tmp_path / "runit")]
    assert way.changed(runit, watch.MOVED_TO, b"current")
    assert not way.changed(runit, watch.MOVED_TO, b"previous")
    assert not way.changed(runit + 100, watch.MOVED_TO, b"current")
    assert way.changed(runit, watch.MOVE_SELF, b"")


def test_a_way_that_changed_is_watched_as_it_is_now(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "other/there").mkdir(parents=True)
    watcher = FakeWatcher()
    way = Way(watcher, bytes(tmp_path / "service"))
    way.attend()
    (tmp_path / "service").unlink()
    (tmp_path / "other/link").symlink_to("there")
    (tmp_path / "service").symlink_to("other/link")
    way.attend()
    assert bytes(tmp_path / "runit") not in watcher.watched
    assert way.leads_through(watcher.watched[bytes(tmp_path / "other")])
