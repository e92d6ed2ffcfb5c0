"""Compression by what is there, without a shell."""

from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.logs import run_well, standard_error, unpacked

from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.logs import processor
from slashservice.supervise.logs.folder import Folder
from slashservice.supervise.logs.steps import PAUSE, Attempts, Wait


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

    class Somewhere:
        fd = -1

    steps = processor.process(Attempts("multilog", b"d"), Somewhere(), command, lambda _: False)  # type: ignore[arg-type]
    next(steps)
    assert started == [[b"/bin/sh", b"-c", command]]


@pytest.fixture
def full(place: Path) -> Iterator[Folder]:
    """A log directory whose full file is to be processed."""
    (place / "previous").write_bytes(b"line\n")
    (place / "state").touch()
    here = os.open(place, os.O_RDONLY)
    made = Folder(b".")
    made.open(here)
    yield made
    made.close()
    os.close(here)


def test_a_program_that_is_not_there(
    full: Folder, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PENDING, "environment", [b"PATH=/nowhere"])
    with (place / "errors").open("w+b") as errors, standard_error(errors.fileno()):
        steps = processor.process(Attempts("multilog", b"./d"), full, b"zstd", lambda _: False)
        started = next(steps)
        assert isinstance(started, Wait)
        status = os.waitpid(started.pid, 0)[1]
        assert os.waitstatus_to_exitcode(status) == 111
        assert steps.send(status) is PAUSE
        errors.seek(0)
        assert errors.read() == (
            b"multilog: fatal: unable to run zstd: file does not exist\n"
            b"multilog: warning: processor failed in ./d, pausing\n"
        )


@pytest.mark.parametrize("command", [b"zstd", b"exit 3", b"kill -9 $$"])
def test_a_processor_that_fails_is_complained_of_once(
    command: bytes, full: Folder, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it succeeds, that is; neither we nor the child that becomes it repeat anything."""
    monkeypatch.setattr(PENDING, "environment", [b"PATH=/nowhere"])
    attempts = Attempts("multilog", b"./d")

    def attempt(times: int) -> None:
        steps = processor.process(attempts, full, command, lambda _: False)
        effect = next(steps)
        for _ in range(times):
            assert isinstance(effect, Wait)
            assert steps.send(os.waitpid(effect.pid, 0)[1]) is PAUSE
            effect = next(steps)
        assert isinstance(effect, Wait)
        os.waitpid(effect.pid, 0)
        with pytest.raises(StopIteration):
            steps.send(0)

    with (place / "errors").open("w+b") as errors, standard_error(errors.fileno()):
        attempt(3)
        errors.seek(0)
        said = errors.read().splitlines()
        assert len(said) == (2 if command == b"zstd" else 1)
        assert b"pausing" in said[-1]
        attempt(2)
        errors.seek(0)
        assert errors.read().splitlines() == said * 2


def test_gzip_asks_for_room_before_it_pauses(full: Folder, place: Path) -> None:
    """A folder in the place of its output is trouble that passes when the folder is gone."""
    (place / "processed").mkdir()
    asked: list[int | None] = []

    def make_room(error: OSError) -> bool:
        asked.append(error.errno)
        if len(asked) == 3:
            (place / "processed").rmdir()
        return len(asked) > 2

    with (place / "errors").open("w+b") as errors, standard_error(errors.fileno()):
        attempts = Attempts("multilog", b"./d")
        steps = processor.process(attempts, full, b"gzip", make_room)
        assert [next(steps), next(steps)] == [PAUSE, PAUSE]
        assert list(steps) == []
        errors.seek(0)
        told = b"multilog: warning: processor failed in ./d, pausing: is a directory\n"
        assert errors.read() == told
    assert asked == [errno.EISDIR] * 3
    assert gzip.decompress((place / "processed").read_bytes()) == b"line\n"
