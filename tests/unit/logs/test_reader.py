"""Reading finished logs, compressed or damaged."""

from __future__ import annotations

import gzip
import subprocess

import pytest

from slashservice.supervise.logs.reader import GZIP, ZSTD, unpack

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
