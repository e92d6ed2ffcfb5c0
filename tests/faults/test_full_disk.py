"""A separate multilog whose disk is full, for real, and what each policy makes of it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.disks import SMALL, enlarge, on_small_disk
from helpers.logs import content
from helpers.waiting import until

LINES = [b"%d %s\n" % (n, b"x" * 60) for n in range(1500)]


class Cramped:
    """A multilog that does ``words`` on a disk of its own, much smaller than what it is told."""

    def __init__(self, program: Path, place: Path, *words: str) -> None:
        log = place / "log"
        log.mkdir()
        self._said = place / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [*on_small_disk(log), program, *words, "./log"],
                stdin=subprocess.PIPE,
                stderr=said,
                cwd=place,
            )
        self.log = log
        self.inside = Path(f"/proc/{self.process.pid}/root/{log}")
        until((self.inside / "current").exists, "multilog started")

    def write(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def said(self) -> list[str]:
        return self._said.read_text().splitlines()

    def ends_with(self, line: bytes) -> bool:
        return content(self.inside).endswith(line)


@pytest.fixture
def cramped(request: pytest.FixtureRequest, ours: Path, tmp_path: Path) -> Iterator[Cramped]:
    made = Cramped(ours / "multilog", tmp_path, "s4096", "n1000", *request.param)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


@pytest.mark.root
@pytest.mark.parametrize("cramped", [[], ["fwait"]], ids=["", "fwait"], indirect=True)
def test_waiting(cramped: Cramped) -> None:
    writer = threading.Thread(target=cramped.write, args=LINES, daemon=True)
    writer.start()
    until(cramped.said, "disk full")
    end = time.monotonic() + 6
    until(lambda: time.monotonic() > end, "another attempt")
    enlarge(cramped.process.pid, cramped.log)
    until(lambda: content(cramped.inside) == b"".join(LINES), "everything is there")
    writer.join()
    what = "multilog: warning: unable to write to ./log/current, pausing: out of disk space"
    assert cramped.said() == [what]


@pytest.mark.root
@pytest.mark.parametrize("cramped", [["fdelete"]], indirect=True)
def test_deleting(cramped: Cramped) -> None:
    cramped.write(*LINES)
    until(lambda: cramped.ends_with(LINES[-1]), "the last line is there")
    kept = content(cramped.inside)
    assert int(SMALL[:-1]) * 1024 // 4 < len(kept) < len(b"".join(LINES))
    assert b"".join(LINES).endswith(kept)
    assert cramped.said() == []


@pytest.mark.root
@pytest.mark.parametrize("cramped", [["fdrop"]], indirect=True)
def test_dropping(cramped: Cramped) -> None:
    cramped.write(*LINES)
    until(cramped.said, "disk full")
    # Nothing is held up: what doesn't fit is gone, and much more can be said.
    cramped.write(*LINES * 20)
    enlarge(cramped.process.pid, cramped.log)
    cramped.write(b"after\n")
    until(lambda: cramped.ends_with(b"\nafter\n"), "space is used again")
    kept = content(cramped.inside).splitlines(True)
    at = next(n for n, line in enumerate(kept) if line.startswith(b"multilog: dropped "))
    words = kept[at].split()
    whole = at if kept[at - 1] == LINES[at - 1] else at - 1  # the last may be cut short
    assert kept[:whole] == LINES[:whole]
    assert int(words[2]) + whole + len(kept) - at - 2 == len(LINES) * 21
    what = "unable to write to ./log/current, dropping lines: out of disk space"
    assert cramped.said() == [f"multilog: warning: {what}"]
