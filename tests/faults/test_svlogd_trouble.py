"""svlogd on a full disk, killed by SIGKILL, and with files that are full all the time."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.disks import SMALL, enlarge, on_small_disk
from helpers.logs import content
from helpers.waiting import GENEROUS, until

LINES = [b"%d %s\n" % (n, b"x" * 60) for n in range(1500)]

WITH_CONFIG = 'printf "$0" >log/config; exec "$@"'
"""A shell's words that write a configuration in the log directory before they run a command."""


class Cramped:
    """A svlogd on a disk of its own, much smaller than what it is told."""

    def __init__(self, program: Path, place: Path, config: str) -> None:
        log = place / "log"
        log.mkdir()
        self._said = place / "said"
        words = [*on_small_disk(log), "sh", "-c", WITH_CONFIG, config, str(program), "log"]
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=said, cwd=place)
        self.log = log
        self.inside = Path(f"/proc/{self.process.pid}/root/{log}")
        until((self.inside / "current").exists, "svlogd started")

    def write(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def said(self) -> list[str]:
        return re.sub(r"@[0-9a-f]{24}", "@", self._said.read_text()).splitlines()


RUNIT = Path("/usr/bin/svlogd")


@pytest.fixture
def cramped(request: pytest.FixtureRequest, ours: Path, tmp_path: Path) -> Iterator[Cramped]:
    """Both programs, one after the other: what is asserted of ours must be true of runit's."""
    whose, config = request.param
    made = Cramped(RUNIT if whose == "theirs" else ours / "svlogd", tmp_path, config)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def with_each(*configs: str) -> list[tuple[str, str]]:
    return [(whose, config) for config in configs for whose in ("theirs", "ours")]


@pytest.mark.root
@pytest.mark.parametrize("cramped", with_each("s4000\nn10\n", "s4000\nn0\nN2\n"), indirect=True)
def test_waiting(cramped: Cramped) -> None:
    """With more than ten files nothing goes that need not, and nothing is lost."""
    lines = LINES[: 32768 * 2 // 64]
    writer = threading.Thread(target=cramped.write, args=lines, daemon=True)
    writer.start()
    until(cramped.said, "disk full")
    end = time.monotonic() + 4
    until(lambda: time.monotonic() > end, "another attempt")
    enlarge(cramped.process.pid, cramped.log)
    until(lambda: content(cramped.inside).endswith(lines[-1]), "the last line is there")
    writer.join()
    assert b"".join(lines).endswith(content(cramped.inside))
    what = "svlogd: pausing: unable to write to current: log: out of disk space"
    assert set(cramped.said()) == {what}


@pytest.mark.root
@pytest.mark.parametrize("cramped", with_each("s4000\nn20\nN2\n"), indirect=True)
def test_deleting(cramped: Cramped) -> None:
    cramped.write(*LINES)
    until(lambda: content(cramped.inside).endswith(LINES[-1]), "the last line is there")
    kept = content(cramped.inside)
    assert int(SMALL[:-1]) * 1024 // 4 < len(kept) < len(b"".join(LINES))
    assert b"".join(LINES).endswith(kept)
    assert set(cramped.said()) == {"svlogd: warning: out of disk space, delete: log/@.s"}


KILLS = 25
LINE = re.compile(rb"<(\d+) y*>")
TAIL = re.compile(rb"(<?\d*)? ?y*>|")
"""What is left of a line whose beginning was in memory when its logger was killed."""


class Writer:
    """Writes numbered lines into a FIFO all the time."""

    def __init__(self, fifo: Path) -> None:
        os.mkfifo(fifo)
        self.fd = os.open(fifo, os.O_RDWR)
        self.said: list[int] = []
        """The length of each line."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        chance = random.Random(6)
        while not self._stop.is_set():
            lines = []
            for _ in range(chance.randrange(40)):
                lines.append(b"<%d %s>\n" % (len(self.said), b"y" * chance.randrange(200)))
                self.said.append(len(lines[-1]))
            os.write(self.fd, b"".join(lines))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["", "!cat; sleep 0.01\n"], ids=["", "processor"])
def test_killed(processor: str, ours: Path, tmp_path: Path) -> None:
    """Each line is in one file at most, in order; no more is gone than was in memory."""
    log = tmp_path / "log"
    log.mkdir()
    (log / "config").write_text(f"s4000\nn0\n{processor}")
    writer = Writer(tmp_path / "fifo")
    chance = random.Random(5)
    words = [str(ours / "svlogd"), "log"]

    def files() -> list[Path]:
        """The files, oldest first; of one and what it was processed to, the latter."""
        found = {
            path.stem: path
            for path in sorted(log.glob("@*.[us]"), key=lambda p: p.suffix[1] == "s")
        }
        return [*(found[stem] for stem in sorted(found)), log / "current"]

    def works(process: subprocess.Popen[bytes]) -> bool:
        """Wait for more files; False if it found the directory locked.

        That it is for a moment, as with runit's, if the one before died as it began a processor.
        """
        before = len(files())
        until(lambda: len(files()) > before + 1 or process.poll() is not None, "it works")
        return process.poll() is None

    kills = 0
    while kills <= KILLS:
        with subprocess.Popen(words, stdin=writer.fd, cwd=tmp_path, stderr=-1) as process:
            if not works(process):
                assert process.stderr and b"unable to lock directory" in process.stderr.read()
                assert processor and process.wait() == 111
                continue
            kills += 1
            if kills <= KILLS:
                end = time.monotonic() + chance.uniform(0, 0.02)
                until(lambda: time.monotonic() > end, "a moment")  # noqa: B023
                process.kill()
            else:
                writer.stop()
                until(lambda: not unread(writer.fd), "all was read")
                process.send_signal(signal.SIGTERM)
                assert process.wait(GENEROUS) == 0
    os.close(writer.fd)

    numbers: list[int] = []
    tails: list[int] = []
    for path in files():
        *lines, rest = path.read_bytes().split(b"\n")
        for line in lines:
            if whole := LINE.fullmatch(line):
                numbers.append(int(whole[1]))
            else:
                assert TAIL.fullmatch(line), (path, line)
                tails.append(len(numbers))
        assert path.suffix == ".u" or not rest
    assert len(tails) <= KILLS
    for at in filter(None, tails):
        assert numbers[at] > numbers[at - 1] + 1, "half a line, and none is missing"
    assert numbers == sorted(set(numbers))
    gaps = [sum(writer.said[a + 1 : b]) for a, b in pairwise(numbers) if b > a + 1]
    assert len(gaps) <= KILLS
    assert max(gaps, default=0) <= 65536 + 500
    assert numbers[-1] == len(writer.said) - 1
    assert (log / "current").stat().st_mode & 0o777 == 0o744


def unread(fd: int) -> bool:
    import select

    return bool(select.select([fd], [], [], 0)[0])


def test_a_storm_of_rotations_loses_nothing(ours: Path, tmp_path: Path) -> None:
    """ALRM and HUP all the time, with files that are full after a few lines."""
    log = tmp_path / "log"
    log.mkdir()
    (log / "config").write_text("s2000\nn0\n")
    writer = Writer(tmp_path / "fifo")
    words = [str(ours / "svlogd"), "-tt", "log"]
    with subprocess.Popen(words, stdin=writer.fd, cwd=tmp_path) as process:
        until((log / "current").exists, "it works")
        for number in range(400):
            process.send_signal(signal.SIGHUP if number % 3 else signal.SIGALRM)
            before = len(writer.said)
            until(lambda: len(writer.said) > before, "lines came")  # noqa: B023
        writer.stop()
        until(lambda: not unread(writer.fd), "all was read")
        process.send_signal(signal.SIGTERM)
        assert process.wait(GENEROUS) == 0
    os.close(writer.fd)
    assert not list(log.glob("*.u"))
    numbers = [int(found) for found in re.findall(rb"(?m)^\S{25} <(\d+) y*>$", content(log))]
    assert numbers == list(range(len(writer.said)))
