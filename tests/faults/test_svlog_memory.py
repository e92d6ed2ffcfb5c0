"""svlog's memory is bounded, whatever a log holds: measured beside what a small log takes."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.waiting import GENEROUS

MEGABYTE = 1 << 20
MEGABYTES = 400
"""What each log holds, unpacked."""

ROOM = 170 * MEGABYTE
"""A line of 16 MB a few times, in different stages, and 64 MB of lines that are kept."""

NET = 450 * MEGABYTE
"""No more memory than that can be had, so that nothing worse happens here."""

MEASURE = """
import os, sys
actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
"""
"""A small process that starts another one: the memory of whoever starts it counts as its own."""

LABEL = "@400000006b0187ca00000000"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


def peak(ours: Path, log: Path, options: list[str]) -> int:
    """Return the most memory that svlog has had, in bytes."""
    done = subprocess.run(
        [sys.executable, "-IS", "-c", MEASURE, ours / "svlog", *options, log],
        capture_output=True,
        text=True,
        timeout=GENEROUS,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (NET, NET)),
    )
    status, size = map(int, done.stdout.split())
    assert status == 0, done.stderr
    return size


def packed(piece: bytes) -> Callable[[Path], None]:
    """Make a file of so many megabytes that is compressed."""

    def make(log: Path) -> None:
        packer = zlib.compressobj(1, wbits=31)
        with (log / f"{LABEL}.s").open("wb") as file:
            for _ in range(MEGABYTES * MEGABYTE // len(piece)):
                file.write(packer.compress(piece))
            file.write(packer.flush())

    return make


def by_zstd(log: Path) -> None:
    with (
        (log / f"{LABEL}.s").open("wb") as file,
        subprocess.Popen(["zstd", "-qc1"], stdin=subprocess.PIPE, stdout=file) as process,
    ):
        assert process.stdin
        for _ in range(MEGABYTES):
            process.stdin.write(bytes(MEGABYTE))
        process.stdin.close()
    assert process.returncode == 0


def endless(log: Path) -> None:
    """Make a line that has no end, in a file that takes no room."""
    with (log / "current").open("wb") as file:
        file.truncate(MEGABYTES * MEGABYTE)


def plain(log: Path) -> None:
    line = f"{LABEL} {'x' * 900}\n".encode()
    with (log / "current").open("wb") as file:
        for _ in range(MEGABYTES):
            file.write(line * (MEGABYTE // len(line)))


LOGS: dict[str, Callable[[Path], None]] = {
    "zeros in gzip": packed(bytes(MEGABYTE)),
    "zeros in zstd": by_zstd,
    "long lines in gzip": packed(b"x" * (15 * MEGABYTE) + b"\n"),
    "bytes that are no text": packed(b"\xff" * (2 * MEGABYTE) + b"\n"),
    "a line without an end": endless,
    "many lines": plain,
}

OPTIONS = (["-n", "3"], ["-n", "2000"], ["-a"], ["-j", "-n", "5"], ["-a", "-g", "y"], ["-U", "1h"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOGS)
def test_a_log_that_holds_much(kind: str, place: Path, ours: Path) -> None:
    log = place / kind.replace(" ", "-")
    log.mkdir()
    LOGS[kind](log)
    (log / "current").open("ab").close()
    small = place / f"{log.name}-small"
    small.mkdir()
    (small / f"{LABEL}.s").write_bytes(gzip.compress(b"a line\n"))
    (small / "current").write_bytes(b"another line\n")
    for options in OPTIONS:
        assert peak(ours, log, options) < peak(ours, small, options) + ROOM, options


@pytest.mark.parametrize("options", [["-n", "3"], ["-a", "-j"], ["-a"]])
def test_many_empty_lines(options: list[str], place: Path, ours: Path) -> None:
    log = place / f"empty{options[-1]}"
    log.mkdir()
    (log / f"{LABEL}.s").write_bytes(gzip.compress(b"\n" * MEGABYTE))
    (log / "current").touch()
    assert peak(ours, log, options) < 64 * MEGABYTE


def test_lines_that_are_left_out_are_told(place: Path, ours: Path) -> None:
    log = place / "long"
    log.mkdir()
    with gzip.open(log / f"{LABEL}.s", "wb", 1) as file:
        for number in range(10):
            file.write(b"%d" % number * (10 * MEGABYTE) + b"\n")
    (log / "current").write_bytes(b"last\n")
    done = subprocess.run([ours / "svlog", "-n", "10", log], capture_output=True, check=True)
    lines = done.stdout.splitlines()
    assert [line[:1] for line in lines] == [b"4", b"5", b"6", b"7", b"8", b"9", b"l"]
    assert done.stderr.startswith(b"svlog: warning: lines are left out")
    many = subprocess.run([ours / "svlog", "-n", "2", log], capture_output=True, check=True)
    assert (many.stderr, len(many.stdout)) == (b"", 10 * MEGABYTE + 6)
