"""The pipe from a service to its log service: what is kept, what ends, what is refused."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slashservice.supervise.platform import bsd
from slashservice.supervise.platform.current import system
from slashservice.supervise.services import unread
from slashservice.supervise.services.log_pipe import LogPipe

LIMIT = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    (tmp_path / "supervise").mkdir()
    return os.fsencode(tmp_path)


@pytest.fixture
def pipe(path: bytes) -> Iterator[LogPipe]:
    made = LogPipe()
    made.open(path, LIMIT)
    yield made
    made.close()
    assert (made.reader, made.writer) == (-1, -1)


def test_what_is_unread_outlives_the_writer(pipe: LogPipe) -> None:
    assert not pipe.unread()
    os.write(pipe.writer, b"line\n")
    pipe.close_writer()
    assert pipe.unread()
    assert os.read(pipe.reader, 10) == b"line\n"
    assert not pipe.unread()
    assert os.read(pipe.reader, 10) == b"", "the end of input"


def test_both_ends_wait_and_end_at_an_exec(pipe: LogPipe) -> None:
    for end in (pipe.reader, pipe.writer):
        assert os.get_blocking(end)
        assert not os.get_inheritable(end)


def test_opening_it_again_changes_nothing(pipe: LogPipe, path: bytes) -> None:
    before = pipe.reader, pipe.writer
    pipe.open(path, LIMIT)
    assert (pipe.reader, pipe.writer) == before


def test_a_service_that_comes_back_writes_to_the_same_reader(pipe: LogPipe, path: bytes) -> None:
    os.write(pipe.writer, b"before\n")
    reader = pipe.reader
    pipe.close_writer()
    pipe.open(path, LIMIT)
    assert pipe.reader == reader
    os.write(pipe.writer, b"after\n")
    assert os.read(pipe.reader, 100) == b"before\nafter\n"


def test_a_new_fifo_gets_a_new_reader(pipe: LogPipe, path: bytes) -> None:
    os.write(pipe.writer, b"old\n")
    pipe.close_writer()
    os.unlink(path + b"/supervise/pipe")
    pipe.open(path, LIMIT)
    os.write(pipe.writer, b"new\n")
    assert os.read(pipe.reader, 100) == b"new\n"


def test_what_is_no_fifo_is_refused(path: bytes) -> None:
    with open(path + b"/supervise/pipe", "wb"):
        pass
    before = os.listdir("/proc/self/fd")
    pipe = LogPipe()
    with pytest.raises(FileExistsError):
        pipe.open(path, LIMIT)
    assert (pipe.reader, pipe.writer) == (-1, -1)
    assert os.listdir("/proc/self/fd") == before


def test_it_takes_no_descriptor_of_the_last_ones(path: bytes) -> None:
    with pytest.raises(OSError, match="24"):
        LogPipe().open(path, 20)


def test_what_is_unread_is_kept_and_comes_back(tmp_path: Path) -> None:
    """The pipe is closed by both sides, as a log that can't write was killed."""
    (tmp_path / "supervise").mkdir()
    path, pipe = bytes(tmp_path), LogPipe()
    unread = tmp_path / "supervise/pipe.unread"
    for data in (b"said\n" * 10, b"x" * 65536, b""):
        pipe.open(path, LIMIT)
        os.write(pipe.writer, data)
        assert pipe.is_written_to()
        pipe.keep_unread(path)
        assert not unread.exists(), "the kernel keeps it"
        pipe.close_writer()
        assert not pipe.is_written_to()
        pipe.keep_unread(path)
        pipe.close()
        assert unread.exists() is bool(data)
        pipe.open(path, LIMIT)
        assert unread.exists() is bool(data), "not before somebody else has the pipe"
        assert pipe.unread() is bool(data)
        pipe.ready()
        assert not unread.exists()
        assert os.get_blocking(pipe.writer)
        if data:
            assert os.read(pipe.reader, 1 << 20) == data
        pipe.close()


def test_a_stray_keeps_it_in_the_pipe(tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    path, pipe = bytes(tmp_path), LogPipe()
    pipe.open(path, LIMIT)
    stray = os.dup(pipe.writer)
    os.write(stray, b"said\n")
    pipe.close_writer()
    assert pipe.is_written_to()
    pipe.keep_unread(path)
    pipe.close()
    assert not (tmp_path / "supervise/pipe.unread").exists()
    pipe.open(path, LIMIT)
    assert os.read(pipe.reader, 100) == b"said\n"
    pipe.close()
    os.close(stray)


def test_what_has_no_room_comes_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    path, pipe = bytes(tmp_path), LogPipe()
    unread = tmp_path / "supervise/pipe.unread"
    unread.write_bytes(b"a" * 65536 + b"rest")
    unread.chmod(0o600)
    for expected in (b"a" * 65536, b"rest"):
        pipe.open(path, LIMIT)
        pipe.ready()
        assert os.read(pipe.reader, 1 << 20) == expected
        pipe.close()
    assert not unread.exists()


@pytest.mark.parametrize("kind", ["link", "directory", "fifo"])
def test_only_a_file_is_put_back(tmp_path: Path, kind: str) -> None:
    (tmp_path / "supervise").mkdir()
    unread, pipe = tmp_path / "supervise/pipe.unread", LogPipe()
    if kind == "link":
        (tmp_path / "precious").write_text("secret")
        unread.symlink_to(tmp_path / "precious")
    elif kind == "directory":
        unread.mkdir()
    else:
        os.mkfifo(unread)
    pipe.open(bytes(tmp_path), LIMIT)
    pipe.ready()
    assert not pipe.unread()
    os.write(pipe.writer, b"said\n")
    pipe.let_go(1)
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"said\n"
    pipe.close()
    if kind == "link":
        assert (tmp_path / "precious").read_text() == "secret"


def test_what_we_alone_have_is_set_aside(tmp_path: Path) -> None:
    """A kill of svscan loses nothing: the pipe is closed without a word, and opened again."""
    (tmp_path / "supervise").mkdir()
    path, unread = bytes(tmp_path), tmp_path / "supervise/pipe.unread"
    pipe = LogPipe()
    pipe.open(path, LIMIT)
    for part in (0, 1):
        pipe.ready()
        pipe.held(part)
    os.write(pipe.writer, b"one\ntwo\n")
    pipe.let_go(0)
    assert not unread.exists(), "the daemon has it"
    pipe.let_go(1)
    assert unread.read_bytes() == b"one\ntwo\n"
    pipe.close()

    pipe.open(path, LIMIT)
    os.write(pipe.writer, b"three\n")  # as a process may that the daemon has left
    pipe.let_go(1)
    assert unread.read_bytes() == b"one\ntwo\nthree\n"
    os.write(pipe.writer, b"four\n")
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"one\ntwo\nthree\nfour\n"
    assert os.get_blocking(pipe.writer), "a daemon waits when it writes"
    pipe.close()
    assert sorted(os.listdir(tmp_path / "supervise")) == ["pipe"]


def test_a_log_that_ends_with_its_input_gets_what_was_set_aside(tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    pipe = LogPipe()
    pipe.open(bytes(tmp_path), LIMIT)
    os.write(pipe.writer, b"last\n")
    pipe.close_writer()
    pipe.let_go(0)
    assert pipe.unread()
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"last\n"
    assert os.read(pipe.reader, 100) == b"", "the end of input"
    pipe.close()


def test_what_is_set_aside_follows_a_rename(tmp_path: Path) -> None:
    (tmp_path / "old/supervise").mkdir(parents=True)
    pipe = LogPipe()
    pipe.open(bytes(tmp_path / "old"), LIMIT)
    os.write(pipe.writer, b"said\n")
    (tmp_path / "old").rename(tmp_path / "new")
    pipe.let_go(1)
    assert (tmp_path / "new/supervise/pipe.unread").read_bytes() == b"said\n"
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"said\n"
    pipe.close()


@pytest.mark.parametrize("where", ["no space", "no directory", "full"])
def test_what_can_not_be_set_aside_stays_in_the_pipe(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supervise").mkdir()
    pipe = LogPipe()
    pipe.open(bytes(tmp_path), LIMIT)
    os.write(pipe.writer, b"said\n")
    if where == "no space":

        def full(*words: object) -> int:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(system, "splice", full)
    elif where == "full":
        monkeypatch.setattr(unread, "LARGEST", 0)
    else:
        (tmp_path / "supervise/pipe").unlink()
        (tmp_path / "supervise").rmdir()
    pipe.let_go(1)
    assert os.read(pipe.reader, 100) == b"said\n"
    pipe.close()


def test_systems_that_can_not_move_it_copy_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supervise").mkdir()
    monkeypatch.setattr(system, "splice", bsd.splice)
    pipe = LogPipe()
    pipe.open(bytes(tmp_path), LIMIT)
    os.write(pipe.writer, b"said\n")
    pipe.let_go(1)
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"said\n"
    pipe.close()


class Failing:
    """Has the one call of ``name`` fail that comes after ``passes`` others."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, name: str, passes: int, number: int = errno.EIO
    ) -> None:
        self.passes = passes
        real = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.passes -= 1
            if self.passes == -1:
                raise OSError(number, os.strerror(number))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize("passes", range(3))
@pytest.mark.parametrize("rest", [b"", b"b" * 5000])
@pytest.mark.parametrize("name", ["open", "fstat", "read", "write", "unlink", "rename", "lstat"])
def test_what_could_not_be_put_back_is_next_time(
    tmp_path: Path, name: str, rest: bytes, passes: int, number: int
) -> None:
    """Nothing is lost, nothing doubled, whichever call fails, also behind the write."""
    (tmp_path / "supervise").mkdir()
    file, content = tmp_path / "supervise/pipe.unread", b"a" * (65536 if rest else 100) + rest
    file.write_bytes(content)
    file.chmod(0o600)
    pipe = LogPipe()
    if name != "lstat":
        pipe.open(bytes(tmp_path), LIMIT)
    with pytest.MonkeyPatch.context() as patch:
        Failing(patch, name, passes, errno.EIO if name == "lstat" else number)
        if name == "lstat":
            pipe.open(bytes(tmp_path), LIMIT)
        pipe.ready()
    found = b""
    while pipe.unread():
        while unread.is_in(pipe.reader):
            found += os.read(pipe.reader, 1 << 20)
        pipe.ready()
    assert found == content
    assert not file.exists()
    pipe.close()


def test_what_lasts_is_left_to_the_next_svscan(path: bytes, tmp_path: Path) -> None:
    file, pipe = tmp_path / "supervise/pipe.unread", LogPipe()
    file.write_bytes(b"kept")
    pipe.open(path, LIMIT)
    with pytest.MonkeyPatch.context() as patch:

        def fail(*arguments: Any) -> bytes:
            raise OSError(errno.EIO, "")

        patch.setattr(os, "read", fail)
        for _ in range(unread.ATTEMPTS):
            assert pipe.unread()
            pipe.ready()
        assert not pipe.unread()
    assert file.read_bytes() == b"kept"
    pipe.close()


def test_a_file_that_can_not_be_looked_at_is_not_kept_open(
    pipe: LogPipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(pipe.writer, b"line\n")
    before = os.listdir("/dev/fd")
    with monkeypatch.context() as patch:
        Failing(patch, "fstat", 0)
        pipe.let_go(1)
    assert os.listdir("/dev/fd") == before
    pipe.ready()
    assert os.read(pipe.reader, 100) == b"line\n", "it is in the pipe still"
