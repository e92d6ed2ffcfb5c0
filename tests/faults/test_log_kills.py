"""A separate multilog killed by SIGKILL at random, on a real disk."""

from __future__ import annotations

import contextlib
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
from helpers.waiting import until

KILLS = 25
BLOCK = 65536
"""What it reads at a time, and so what may go with it."""

LINE = re.compile(rb"<(\d+) y*>")
FULL = 4096 - 2000


class Multilog:
    """One after the other on the same FIFO, which is being written to all the time."""

    def __init__(self, program: Path, place: Path) -> None:
        self.program = program
        self.place = place
        self.log = place / "log"
        os.mkfifo(place / "fifo")
        self.fifo = os.open(place / "fifo", os.O_RDWR)
        self.said: list[int] = []
        """The length of each line written to the FIFO."""
        self._stop = threading.Event()
        self._writer = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        chance = random.Random(6)
        while not self._stop.is_set():
            lines = []
            for _ in range(chance.randrange(40)):
                lines.append(b"<%d %s>\n" % (len(self.said), b"y" * chance.randrange(200)))
                self.said.append(len(lines[-1]))
            os.write(self.fifo, b"".join(lines))

    @contextlib.contextmanager
    def written_to(self) -> Iterator[None]:
        self._writer.start()
        try:
            yield
        finally:
            with self.running() as process:
                self.wait_for_more()
                self._stop.set()
                self._writer.join()
                until(lambda: not self.unread(), "all was read")
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=60) == 0

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        words = [str(self.program), "s4096", "n100000", "./log"]
        with subprocess.Popen(words, stdin=self.fifo, cwd=self.place) as process:
            try:
                yield process
            finally:
                process.kill()

    def wait_for_more(self) -> None:
        """Wait until another file was finished."""
        before = len(self.files())
        until(lambda: len(self.files()) > before + 1, "it works")

    def unread(self) -> bool:
        import select

        return bool(select.select([self.fifo], [], [], 0)[0])

    def files(self) -> list[Path]:
        """The files of the log, oldest first."""
        if not self.log.is_dir():
            return []
        old = sorted(path for path in self.log.iterdir() if path.name[0] == "@")
        return [*old, self.log / "current"]


@pytest.mark.slow
def test_what_was_written_stays(tmp_path: Path, ours: Path) -> None:
    """Each line is in one file at most, in order; no more is gone than was in memory."""
    multilog = Multilog(ours / "multilog", tmp_path)
    chance = random.Random(5)
    with multilog.written_to():
        for _ in range(KILLS):
            with multilog.running():
                multilog.wait_for_more()
                end = time.monotonic() + chance.uniform(0, 0.02)
                until(lambda: time.monotonic() > end, "a moment")  # noqa: B023
    os.close(multilog.fifo)

    files = multilog.files()
    names = {path.name for path in multilog.log.iterdir() if path.name[0] != "@"}
    assert names == {"current", "lock", "state"}
    assert files[-1].stat().st_mode & 0o777 == 0o744
    assert {path.suffix for path in files} == {".s", ".u", ""}
    # Two of one kill where a full file had no final name yet.
    assert sum(path.suffix == ".u" for path in files) <= 2 * KILLS

    numbers: list[int] = []
    cut = True
    for path in files:
        text = path.read_bytes()
        if path.suffix == ".s":
            assert len(text) >= FULL and text.endswith(b"\n")
        *lines, rest = text.split(b"\n")
        for at, line in enumerate(lines):
            whole = LINE.fullmatch(line)
            assert whole or (at == 0 and cut), (path, line)
            numbers += [int(whole[1])] if whole else []
        cut = path.suffix == ".u"
        assert cut or not rest
    assert numbers == sorted(set(numbers))
    gaps = [
        sum(multilog.said[after + 1 : next_])
        for after, next_ in pairwise(numbers)
        if next_ > after + 1
    ]
    assert len(gaps) <= KILLS
    assert max(gaps, default=0) <= BLOCK + 500
    assert numbers[-1] == len(multilog.said) - 1
