"""Reading finished logs, compressed or damaged."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.logs import chunks, log_file, stamps
from slashservice.supervise.logs.log_file import GZIP, ZSTD
from slashservice.supervise.logs.reader import LogReader

TEXT = b"a line\n" * 1000


def unpack(data: bytes) -> bytes:
    """Return what is read from a file with this content."""
    fd = os.memfd_create("file")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return b"".join(log_file.contents(fd))


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
    log = LogReader(bytes(place), b"log")
    assert [line[2] for line in log.new_lines()] == [b"whole"]
    current.rename(place / f"@{1:024x}.u")
    current.write_bytes(b"next\n")
    assert [line[2] for line in log.new_lines()] == [b"unfinished", b"next"]


class Overtaken(LogReader):
    """A reader beside a logger that removes the oldest file before it is read."""

    def _open(self, name: bytes) -> int:
        if name.endswith(b"1.s"):
            (Path(self.directory.decode()) / name.decode()).unlink(missing_ok=True)
        return super()._open(name)


def test_a_file_that_was_removed_meanwhile_has_no_lines(place: Path) -> None:
    for number in (1, 2):
        (place / f"@{number:024x}.s").write_bytes(b"file %d\n" % number)
    (place / "current").write_bytes(b"current\n")
    lines = Overtaken(bytes(place), b"log").last_lines(10)
    assert [line[2] for line in lines] == [b"file 2", b"current"]


@given(st.lists(st.binary(max_size=9)), st.sampled_from([b"", b"st"]), st.integers(3, 12))
def test_lines_are_put_together_from_blocks(
    blocks: list[bytes], start: bytes, longest: int
) -> None:
    """They are those of the whole text; a line that is too long is cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "LONGEST", longest)
        found = [*chunks.chunks(blocks, start)]
    parts = [line for chunk in found for line in io.BytesIO(chunk)]
    text = start + b"".join(blocks)
    assert b"".join(parts) == text
    assert all(part and b"\n" not in part[:-1] for part in parts)
    if len(max(text.split(b"\n"), key=len)) < longest:
        assert parts == io.BytesIO(text).readlines()


def test_what_svlogd_processes_is_read_once(place: Path) -> None:
    """It is there as it was, as a processor writes it, and for a moment finished as well."""
    label = "@4000000000000000000000"
    for name in ("01.s", "02.u", "02.t", "03.u", "03.s", "04.u"):
        (place / (label + name)).write_text(f"{name}\n")
    (place / "current").write_text("now\n")
    log = LogReader(bytes(place), b"log")
    assert [line[2] for line in log.lines()] == [b"01.s", b"02.u", b"03.s", b"04.u", b"now"]
    (place / (label + "04.s")).write_text("04.s\n")
    (place / (label + "04.u")).unlink()
    assert [line[2] for line in log.new_lines()] == []


def test_what_is_processed_meanwhile_is_read(place: Path) -> None:
    label = "@400000000000000000000001"
    (place / (label + ".u")).write_text("a line\n")
    log = LogReader(bytes(place), b"log")
    (name,) = log._begin()
    (place / (label + ".u")).rename(place / (label + ".s"))
    assert [line[2] for line in log._finished_file(name)] == [b"a line"]


@pytest.mark.parametrize("separator", [b"_", b"T"])
def test_stamps_of_svlogd(separator: bytes) -> None:
    line = b"2026-11-27%s22:06:14.42487 a line" % separator
    assert stamps.stamp_time(line) == 1795817174_424870000
    assert stamps.stamp_time(line) == stamps.stamp_time(line)


@pytest.mark.parametrize(
    "stamp",
    [
        b"2026-11-27_22:06:14.4248x ",
        b"2026-13-27_22:06:14.42487 ",
        b"2026-11-00_22:06:14.42487 ",
        b"2026-11-27_22:06:14,42488 ",
        b"2026-aa-27_22:06:14.42487 ",
        b"abcd-efghijklmnopqrstuvwx ",
    ],
)
def test_what_is_no_stamp_of_svlogd(stamp: bytes) -> None:
    assert stamps.stamp_time(stamp + b"a line") is None
