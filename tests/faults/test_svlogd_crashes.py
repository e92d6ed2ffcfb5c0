"""Hosted svlogds killed at every system call there is: each line stays, once, and in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.lives import Life
from helpers.logs import content

from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.svlogd import SvlogdLogger


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d %s\n" % (n, b"x" * (n % 40)) for n in range(first, last))


KINDS = {
    "plain": ([b"d"], [b"s3000\nn0\n"]),
    "stamped": ([b"-tt", b"d"], [b"s3000\nn0\n"]),
    "prefix": ([b"-t", b"d"], [b"s3000\nn0\npweb: \n"]),
    "replaced": ([b"-ttt", b"-rx", b"d"], [b"s3000\nn0\n"]),
    "two": ([b"e", b"d"], [b"s4000\nn0\n", b"-*\n+*7*\ns3000\nn0\n"]),
    "unsent": ([b"-t", b"d"], [b"s3000\nn0\nu255.255.255.255\n"]),
}
"""For each the words, and the configurations of the directories."""

UNSENT = b"warning: failure sending through udp: "


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_once(kind: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, configs = KINDS[kind]
    directories = words[-len(configs) :]
    text = lines(0, 200) + b"y" * 3000 + b"\n" + lines(200, 230)
    for calls in range(10_000):
        where = place / f"{calls}"
        for directory, config in zip(directories, configs, strict=True):
            (where / os.fsdecode(directory)).mkdir(parents=True)
            (where / os.fsdecode(directory) / "config").write_bytes(config)
        life = Life(where, words, True, SvlogdLogger)
        os.write(life.write, text)
        killed = life.live(calls, monkeypatch)
        again = calls // 2
        while killed and life.live(again, monkeypatch):
            again = again * 2 + 1
        life.close()
        for directory, config in zip(directories, configs, strict=True):
            chosen = text.splitlines(True)
            if b"+*7*" in config:
                chosen = [line for line in chosen if b"7" in line]
            found = logs.STAMP.sub(b"", content(where / os.fsdecode(directory)))
            if b"\np" in config:
                found = found.replace(b"web: ", b"")
            kept = found.splitlines(True)
            if kind == "unsent":  # of a warning there may be a part, or one too many
                kept = [line for line in kept if UNSENT not in line and not UNSENT.endswith(line)]
            assert kept == chosen, calls
        assert (where / "journal").stat().st_size == 0
        shutil.rmtree(where)
        if not killed:
            break
    else:
        pytest.fail("it never ends")


def test_lines_cut_between_reads(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where lines arrive in parts, and loggers die with the beginning of one."""
    text = lines(0, 40) + b"z" * 2500 + b"\n" + lines(40, 60)
    cuts = [text[at : at + 37] for at in range(0, len(text), 37)]
    for calls in range(1, 60, 3):
        where = place / f"{calls}"
        (where / "d").mkdir(parents=True)
        (where / "d/config").write_text("s3000\nn0\n-never*\n")
        life = Life(where, [b"-tt", b"d"], True, SvlogdLogger)
        count = calls
        for cut in cuts:
            os.write(life.write, cut)
            monkeypatch.setattr(Logger, "finish", lambda self: iter(()))
            while life.live(count, monkeypatch):
                count = count * 2 + 1
            count = calls
        monkeypatch.undo()
        while life.live(10_000, monkeypatch):
            pass
        life.close()
        assert logs.STAMP.sub(b"", content(where / "d")) == text, calls
        shutil.rmtree(where)


def test_with_a_processor_nothing_is_lost(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is there as it was, or processed; for a moment as both."""
    text = lines(0, 120)
    for calls in range(1, 10_000, 3):
        where = place / f"{calls}"
        (where / "d").mkdir(parents=True)
        (where / "d/config").write_text("s2000\nn0\n!cat; echo ok >&5\n")
        life = Life(where, [b"d"], True, SvlogdLogger)
        os.write(life.write, text)
        killed = life.live(calls, monkeypatch)
        while killed and life.live(10_000, monkeypatch):
            pass
        life.close()
        files: dict[str, bytes] = {}
        for path in sorted((where / "d").glob("@*")):
            if path.suffix != ".t":
                files.setdefault(path.stem, path.read_bytes())
        found = b"".join(files.values()) + (where / "d/current").read_bytes()
        assert found == text, calls
        shutil.rmtree(where)
        if not killed:
            break
