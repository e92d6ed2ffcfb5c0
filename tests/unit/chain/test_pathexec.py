"""The search for a program, and what an exec is given."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

import pytest

from slashservice.supervise import signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.chain.pending import Pending


class Became(BaseException):
    """What an exec would have done."""

    def __init__(self, path: bytes, argv: list[bytes], entries: list[tuple[bytes, bytes]]) -> None:
        self.path, self.argv, self.entries = path, argv, entries


class Tried(list[bytes]):
    """Paths that were exec'd; an exec does what ``results`` says of the path."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[bytes, int] = {}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, pending: Pending) -> Tried:
    made = Tried()

    def execve(path: bytes, argv: list[bytes], entries: Mapping[bytes, bytes]) -> None:
        made.append(path)
        number = made.results.get(path, 0)
        if number:
            raise OSError(number, os.strerror(number))
        raise Became(path, argv, list(zip(entries.keys(), entries.values(), strict=True)))

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(os, "stat", lambda path: os.lstat("/"))
    pending.environment = [b"PATH=/a:/b:/c", b"V=1"]
    monkeypatch.setattr(signals, "restore_defaults", lambda: None)
    return made


@pytest.mark.parametrize(
    ("file", "path", "expected"),
    [
        (b"prog", b"/a:/b", [b"/a/prog", b"/b/prog"]),
        (b"prog", None, [b"/bin/prog", b"/usr/bin/prog"]),
        (b"prog", b"", [b"./prog"]),
        (b"prog", b":/a:", [b"./prog", b"/a/prog", b"./prog"]),
        (b"prog", b"/a/", [b"/a//prog"]),
        (b"./prog", b"/a", [b"./prog"]),
        (b"a/", b"/a", [b"a/"]),
        (b"", b"/a:/b", [b"/a/", b"/b/"]),
    ],
)
def test_candidates(file: bytes, path: bytes | None, expected: list[bytes]) -> None:
    assert list(pathexec.candidates(file, path)) == expected


def test_the_first_that_can_be_run_is(tried: Tried) -> None:
    tried.results = {b"/a/prog": errno.EACCES}
    with pytest.raises(Became) as became:
        pathexec.run([b"prog", b"x"])
    assert became.value.path == b"/b/prog"
    assert became.value.argv == [b"prog", b"x"]
    assert became.value.entries == [(b"PATH", b"/a:/b:/c"), (b"V", b"1")]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR])
def test_troubles_after_which_the_next_is_tried(tried: Tried, number: int) -> None:
    tried.results = dict.fromkeys([b"/a/prog", b"/b/prog", b"/c/prog"], errno.ENOENT)
    tried.results[b"/b/prog"] = number
    with pytest.raises(OSError) as caught:
        pathexec.run([b"prog"])
    assert tried == [b"/a/prog", b"/b/prog", b"/c/prog"]
    assert caught.value.errno == number


@pytest.mark.parametrize("number", [errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP, errno.E2BIG])
def test_troubles_that_end_it(tried: Tried, number: int) -> None:
    tried.results = {b"/a/prog": errno.EACCES, b"/b/prog": number}
    with pytest.raises(OSError) as caught:
        pathexec.run([b"prog"])
    assert tried == [b"/a/prog", b"/b/prog"]
    assert caught.value.errno == number


def test_what_is_not_there_is_not_tried(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(path: bytes) -> None:
        raise FileNotFoundError(errno.ENOENT, "")

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(FileNotFoundError):
        pathexec.run([b"prog"])
    assert tried == []


def test_the_path_is_the_present_one(tried: Tried) -> None:
    with pytest.raises(Became) as became:
        pathexec.run([b"prog"], [b"PATH=/new", b"PATH=/again"])
    assert became.value.path == b"/a/prog"
    assert became.value.entries == [(b"PATH", b"/new"), (b"PATH", b"/again")]


def test_another_name_than_the_files(tried: Tried) -> None:
    with pytest.raises(Became) as became:
        pathexec.run([b"zero", b"x"], file=b"prog")
    assert became.value.path == b"/a/prog"
    assert became.value.argv == [b"zero", b"x"]


@pytest.mark.parametrize(
    ("entries", "plain"),
    [([], True), ([b"A=1", b"A=2"], True), ([b"A"], False), ([b"=1"], False), ([b""], False)],
)
def test_what_python_can_pass_on(entries: list[bytes], plain: bool) -> None:
    assert pathexec.passable(entries) is plain


def test_nothing_is_plain_while_something_waits(pending: Pending) -> None:
    pending.limits = Waiting()  # type: ignore[assignment]
    assert not pathexec.is_plain([])


class Waiting:
    """Limits that wait for the exec, and keep a diary."""

    tight = False

    def __init__(self) -> None:
        self.waiting = {0: 5}
        self.diary: list[object] = []

    def apply(self) -> None:
        self.diary.append("apply")

    def lift(self) -> None:
        self.diary.append("lift")


def test_what_waits_is_applied_and_lifted(tried: Tried, pending: Pending) -> None:
    waiting = pending.limits = Waiting()  # type: ignore[assignment]
    tried.results = {b"/x": errno.EACCES}
    with pytest.raises(PermissionError):
        pathexec.execute(b"/x", [b"x"], [])
    assert waiting.diary == ["apply", "lift"]


def test_entries_are_a_mapping() -> None:
    """Of a name that repeats the first counts, as for getenv(3)."""
    entries = pathexec.Entries([b"A=1", b"B=", b"nothing", b"A=2=3"])
    assert [*map(entries.__getitem__, entries.keys())] == [b"1", b"", b"1"]
    assert list(zip(entries.keys(), entries.values(), strict=True)) == [
        (b"A", b"1"),
        (b"B", b""),
        (b"A", b"2=3"),
    ]
    assert len(entries) == 3
