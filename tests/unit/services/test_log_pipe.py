"""The pipe from a service to its log service: what is kept, what ends, what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    assert not pipe.unread()
    pipe.close()
