"""Loggers killed at every system call there is: what was written stays, once, and in order."""

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


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d %s\n" % (n, b"x" * (n % 40)) for n in range(first, last))


SCRIPTS: dict[str, list[bytes]] = {
    "plain": [b"s4096", b"n100", b"./d"],
    "stamped": [b"t", b"s4096", b"n100", b"./d"],
    "two": [b"s5000", b"n100", b"./e", b"-*", b"+*7*", b"s4096", b"n100", b"./d"],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_every_line_once(script: list[bytes], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a journal: killed at each call in turn, then at random ones, nothing is amiss."""
    text = lines(0, 300) + b"y" * 3000 + b"\n" + lines(300, 330)
    for calls in range(10_000):
        where = place / f"{calls}"
        where.mkdir()
        life = Life(where, script, True)
        os.write(life.write, text)
        killed = life.live(calls, monkeypatch)
        again = calls // 2
        while killed and life.live(again, monkeypatch):
            again = again * 2 + 1
        life.close()
        for directory in [where / "d", where / "e"]:
            if directory.exists():
                chosen = text
                if directory.name == "d" and len(script) > 4:
                    chosen = b"".join(line for line in text.splitlines(True) if b"7" in line)
                assert logs.STAMP.sub(b"", content(directory)) == chosen, calls
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
        where.mkdir()
        life = Life(where, [b"t", b"s4096", b"n1000", b"./d"], True)
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
        assert content(where / "d").count(b"@4") == text.count(b"\n")


@pytest.mark.parametrize("processor", [[], [b"!cat; echo ok >&5"]], ids=["", "processor"])
def test_what_is_left_is_what_c_makes_sense_of(
    processor: list[bytes], place: Path, oracle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each call in turn: nothing written is lost, and C and we tidy up alike."""
    script = [b"s4096", b"n5", *processor, b"./d"]
    text = lines(0, 180)
    seen = set()
    for calls in range(10_000):
        where = place / f"{calls}"
        where.mkdir()
        life = Life(where, script, False)
        os.write(life.write, text)
        killed = life.live(calls, monkeypatch)
        life.close()
        if (where / "d").exists():
            if not processor:
                kept = content(where / "d")
                assert life.fed.startswith(kept)
            shutil.copytree(where, place / "c", symlinks=True)
            relink(where / "d", place / "c" / "d")
            ours, theirs = where, place / "c"
            assert logs.run_here(script, b"", ours) == (0, b"")
            assert logs.run_program(oracle / "multilog", script, b"", theirs) == (0, b"")
            assert logs.picture(ours) == logs.picture(theirs), calls
            seen.add("".join(sorted(path.suffix for path in (ours / "d").iterdir())))
            shutil.rmtree(theirs)
        shutil.rmtree(where)
        if not killed:
            break
    assert {"", ".u"} <= seen
    assert any(".s" in suffixes for suffixes in seen)


def relink(original: Path, copy: Path) -> None:
    """Make hard links in a copied directory as they are in the original."""
    first: dict[int, Path] = {}
    for path in sorted(original.iterdir()):
        twin = copy / path.name
        if path.stat().st_ino in first:
            twin.unlink()
            twin.hardlink_to(first[path.stat().st_ino])
        first.setdefault(path.stat().st_ino, twin)
