"""Compression by what is there, without a shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.logs import run_well, unpacked

from slashservice.supervise.logs import processor


@pytest.mark.parametrize("command", [b"!gzip", b"!gzip -9", b"! gzip -1 "])
def test_gzip_without_a_process(
    command: bytes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_start", None)
    text = b"".join(b"line %d\n" % n for n in range(3000))
    run_well(place, [b"s8192", b"n100", command, b"./d"], text)
    assert unpacked(place / "d") == text
    assert (place / "d/state").read_bytes() == b""
    assert (place / "d/state").stat().st_mode & 0o777 == 0o644


def test_zstd_without_a_shell(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    real = processor._start

    def start(where: int, argv: list[bytes], entries: list[bytes]) -> int:
        started.append(argv)
        return real(where, argv, entries)

    monkeypatch.setattr(processor, "_start", start)
    text = b"".join(b"line %d\n" % n for n in range(3000))
    run_well(place, [b"s16384", b"n100", b"!zstd -19", b"./d"], text)
    assert unpacked(place / "d") == text
    assert set(map(tuple, started)) == {(b"zstd", b"-q", b"-19")}


@pytest.mark.parametrize(
    "command", [b"gzip -c", b"gzip -9 -n", b"gzip;true", b"gzipx", b"gzip -99x"]
)
def test_other_commands_get_a_shell(command: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(_: object, argv: list[bytes], __: object) -> int:
        started.append(argv)
        return 1

    monkeypatch.setattr(processor, "_start", start)
    from slashservice.supervise.logs.steps import Attempts

    class Somewhere:
        fd = -1

    steps = processor.process(Attempts("multilog", b"d"), Somewhere(), command, lambda _: False)  # type: ignore[arg-type]
    next(steps)
    assert started == [[b"/bin/sh", b"-c", command]]
