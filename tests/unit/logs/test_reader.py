"""Reading finished logs, compressed or damaged."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from slashservice.supervise.logs.reader import GZIP, ZSTD, LogReader, unpack

TEXT = b"a line\n" * 1000


def test_what_is_not_compressed_is_as_it_is() -> None:
    assert unpack(TEXT) == TEXT
    assert unpack(b"") == b""


def test_compressed_by_gzip() -> None:
    assert unpack(gzip.compress(TEXT)) == TEXT


def test_compressed_by_zstd() -> None:
    packed = subprocess.run(["zstd", "-qc"], input=TEXT, capture_output=True, check=True).stdout
    assert packed[: len(ZSTD)] == ZSTD
    assert unpack(packed) == TEXT


def test_damaged_gzip_is_shown_as_it_is() -> None:
    damaged = GZIP + b"no compressed data at all"
    assert unpack(damaged) == damaged


def test_zstd_without_its_program_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert unpack(ZSTD + b"packed") == ZSTD + b"packed"


def test_the_last_line_of_a_file_may_have_no_end(place: Path) -> None:
    """It is shown when nothing more can come: the logger was killed, and another goes on."""
    current = place / "current"
    current.write_bytes(b"whole\nunfinished")
    reader = LogReader(bytes(place), b"log")
    assert [line[2] for line in reader.new_lines()] == [b"whole"]
    current.rename(place / f"@{1:024x}.u")
    current.write_bytes(b"next\n")
    assert [line[2] for line in reader.new_lines()] == [b"unfinished", b"next"]


class Overtaken(LogReader):
    """A reader beside a logger that removes the oldest file before it is read."""

    def _read_whole(self, name: bytes) -> bytes:
        if name.endswith(b"1.s"):
            (Path(self.directory.decode()) / name.decode()).unlink(missing_ok=True)
        return super()._read_whole(name)


def test_a_file_that_was_removed_meanwhile_has_no_lines(place: Path) -> None:
    for number in (1, 2):
        (place / f"@{number:024x}.s").write_bytes(b"file %d\n" % number)
    (place / "current").write_bytes(b"current\n")
    lines = Overtaken(bytes(place), b"log").last_lines(10)
    assert [line[2] for line in lines] == [b"file 2", b"current"]
