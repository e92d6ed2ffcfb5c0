"""A line that never ends takes no more memory than any other, nor more space than its log."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from helpers import logs
from helpers.hosted import Hosted
from helpers.waiting import until

from slashservice.supervise.logs import journal

MEGABYTES = 100
ROOM = 4_000_000
"""Bytes of memory that a hundred megabytes may take more than one line."""

BLOCK = b"x" * 1_000_000

SCRIPTS = {
    "plain": ["n2", "./main"],
    "everything": ["t", "-*", "+*", "=status", "n2", "./main", "-*y*", "e", "s4096", "./other"],
}


def peak(program: Path, script: list[str], place: Path, megabytes: int) -> int:
    """Return the most memory, in bytes, that a multilog took for a line so long."""
    with (
        open(os.devnull, "wb") as null,
        subprocess.Popen(
            [program, *script], stdin=subprocess.PIPE, stderr=null, cwd=place
        ) as process,
    ):
        assert process.stdin
        process.stdin.write(b"short\n")
        for _ in range(megabytes):
            process.stdin.write(BLOCK)
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_separate_multilog(script: list[str], ours: Path) -> None:
    with logs.scratch() as place:
        usual = peak(ours / "multilog", script, place, 0)
        assert peak(ours / "multilog", script, place, MEGABYTES) < usual + ROOM
        assert (place / "main/current").read_bytes().endswith(b"x\n")


def test_a_hosted_one(hosted: Hosted) -> None:
    log = hosted.add("a", "t n2 ./main")
    hosted.tree.svscan()
    host = hosted.host("a")
    hosted.write("a", b"short\n")
    hosted.arrives("a", b" short\n")
    usual = most(host)
    largest = 0
    for _ in range(MEGABYTES):
        hosted.write("a", BLOCK)
        largest = max(largest, (log / "supervise/journal").stat().st_size)
    hosted.write("a", b"y\nshort again\n")
    until(lambda: hosted.current("a").endswith(b" short again\n"), "the end of it")
    assert most(host) < usual + ROOM
    assert 0 < largest <= journal.LARGEST + journal.DATA + 2 * 65536
    assert (log / "supervise/journal").stat().st_size == 0


def most(pid: int) -> int:
    """Return the most memory a process has had, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("\nVmHWM:")[2].split()[0]) * 1024
