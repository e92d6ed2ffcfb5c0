"""What multilog has beyond C's: patterns, stamps, codes, ages, compression, policies when full."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import gzip
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from helpers import logs
from helpers.clock import Clock
from helpers.waiting import until
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.supervise.logs import fnpattern, logdir, processor, selection
from slashservice.supervise.logs.action_script import ActionScript, Directory
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.selection import matcher, one_by_one
from slashservice.supervise.logs.steps import Pause, carry_out


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


def run(place: Path, script: Sequence[bytes], text: bytes) -> bytes:
    status, errors = logs.run_here(script, text, place)
    assert status == 0
    return errors


def directory(*words: bytes) -> Directory:
    found = ActionScript(words).actions[-1]
    assert isinstance(found, Directory)
    return found


# Patterns


libc = ctypes.CDLL(ctypes.util.find_library("c"))
bits = st.text("ab-]![^*?\\:[]alph.\n", max_size=8).map(str.encode)
classes = st.sampled_from([b"[[:alpha:]]", b"[[:digit:]x]", b"[!a-b]", b"[]a]", b"[a-]", b"[b-a]"])
patterns = st.lists(st.one_of(bits, classes), max_size=3).map(b"".join)


@settings(max_examples=1000, deadline=None)
@given(pattern=patterns, line=st.text("ab-]![^*?\\:1x", max_size=6).map(str.encode))
def test_fnmatch_is_the_systems(pattern: bytes, line: bytes) -> None:
    if strange(pattern):
        return
    expected = libc.fnmatch(pattern, line, 0) == 0
    assert bool(re.compile(fnpattern.translate(pattern), re.DOTALL).match(line)) == expected


def strange(pattern: bytes) -> bool:
    """Tell whether implementations differ: unknown classes, collating symbols, open brackets."""
    known = re.sub(rb"\[:(alpha|digit):\]", b"", pattern)
    return bool(re.search(rb"\[[:.=]", known)) or bool(
        re.search(rb"\[[^\]]*$|\[[!^]?\][^\]]*$", known)
    )


signs = st.tuples(st.booleans(), st.text("ab*", max_size=4).map(str.encode), st.just(False))


@given(
    rules=st.lists(signs, max_size=8).map(tuple), line=st.text("abc", max_size=6).map(str.encode)
)
def test_one_expression_decides_as_rule_after_rule(
    rules: tuple[tuple[bool, bytes, bool], ...], line: bytes
) -> None:
    def star(pattern: bytes, text: bytes) -> bool:
        """Match as the original's documentation says."""
        while pattern:
            if pattern == b"*":
                return True
            if pattern[:1] == b"*":
                found = text.find(pattern[1:2])
                if found < 0:
                    return False
                text, pattern = text[found:], pattern[1:]
                continue
            if text[:1] != pattern[:1]:
                return False
            text, pattern = text[1:], pattern[1:]
        return not text

    selected = True
    for selects, pattern, _ in rules:
        if star(pattern, line):
            selected = selects
    assert bool(one_by_one(rules)(line)) == selected
    for any_number in (b"*", selection.ANY_NUMBER):  # before Python 3.11, and now
        with mock.patch.object(selection, "ANY_NUMBER", any_number):
            match = matcher(rules)
        assert (match is None or bool(match(line))) == selected


def test_many_changes_of_mind() -> None:
    rules = tuple((n % 2 == 0, b"%d*" % n, False) for n in range(300))
    match = matcher(rules)
    assert match is not None
    assert [bool(match(b"%d" % n)) for n in (7, 8, 77, 78, 298, 299)] == [False, True] * 2 + [
        True,
        False,
    ]


def test_fnmatch_mode(place: Path) -> None:
    script = [b"-*", b"F", b"+*[45][0-9][0-9]*", b"S", b"-*x", b"./d"]
    run(place, script, b"a 404 b\na 200 b\na 500x\na 500\n")
    assert (place / "d/current").read_bytes() == b"a 404 b\na 500\n"


# Stamps and codes


def test_decimal_stamps(place: Path) -> None:
    before = time.time()
    run(place, [b"T", b"./d"], b"a\nb\n")
    lines = (place / "d/current").read_bytes().splitlines()
    for line, text in zip(lines, (b"a", b"b"), strict=True):
        stamp, _, rest = line.partition(b" ")
        assert rest == text
        assert re.fullmatch(rb"\d+\.\d{6}", stamp)
        assert before - 1e-5 <= float(stamp) <= time.time()


def test_a_code_of_ones_own(place: Path) -> None:
    run(place, [b"s4096", b"n2", b"wgz", b"./d", b"wa/b", b"./e"], b"x\n" * 6000)
    for name in ("d", "e"):
        old = [path for path in (place / name).iterdir() if path.name[0] == "@"]
        assert [path.suffix for path in old] == [".gz"]


def test_a_backup_by_hard_link_costs_no_log(place: Path) -> None:
    """C takes a second name for the final one, and the full file is gone."""
    run(place, [b"s4096", b"./d"], b"first\n")
    (place / "backup").hardlink_to(place / "d/current")
    run(place, [b"s4096", b"./d"], b"x\n" * 4096)
    kept = b"".join(path.read_bytes() for path in sorted((place / "d").glob("@*.s")))
    assert kept + (place / "d/current").read_bytes() == b"first\n" + b"x\n" * 4096


# Compression


@pytest.mark.parametrize("command", [b"!gzip", b"!gzip -9", b"! gzip -1 "])
def test_gzip_without_a_process(
    command: bytes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_start", None)
    text = b"".join(b"line %d\n" % n for n in range(3000))
    run(place, [b"s8192", b"n100", command, b"./d"], text)
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
    run(place, [b"s16384", b"n100", b"!zstd -19", b"./d"], text)
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


def unpacked(directory: Path) -> bytes:
    """All that is in a log, compressed or not."""
    pieces = []
    for path in sorted(directory.glob("@*")):
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            data = subprocess.run(
                ["zstd", "-dc"], input=data, capture_output=True, check=True
            ).stdout
        pieces.append(data)
    return b"".join(pieces) + (directory / "current").read_bytes()


# Age


AGES = {b"a90": 90, b"a15m": 900, b"a2h": 7200, b"a1d": 86400, b"a1w": 604800}
NO_AGES = dict.fromkeys([b"a", b"ax", b"a1y", b"a-1", b"a1mm"], 0)


@pytest.mark.parametrize(("word", "seconds"), [*AGES.items(), *NO_AGES.items()])
def test_ages(word: bytes, seconds: int) -> None:
    assert directory(word, b"./d").settings.age == seconds


def test_rotation_by_age(place: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logdir, "time", SimpleNamespace(monotonic=clock, time=time.time))
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"a60", b"./d", b"a0", b"./e"])
    carry_out(logger.start(base))
    assert logger.seconds_until_old() is None
    clock.now += 100
    carry_out(logger.feed(b"one\n"))
    assert logger.seconds_until_old() == 60
    clock.now += 59
    carry_out(logger.feed(b"two\n"))
    carry_out(logger.rotate_old())
    assert not list((place / "d").glob("@*"))
    clock.now += 1
    carry_out(logger.rotate_old())
    (old,) = (place / "d").glob("@*")
    assert old.read_bytes() == b"one\ntwo\n"
    assert logger.seconds_until_old() is None
    carry_out(logger.feed(b"three\n"))
    carry_out(logger.finish())
    # A file that was there before is as old as the last change to its directory.
    os.utime(place / "d", (time.time() - 45, time.time() - 45))
    again = Logger([b"a60", b"./d"])
    carry_out(again.start(base))
    left = again.seconds_until_old()
    assert left is not None and 0 < left <= 15.5
    carry_out(again.finish())
    os.close(base)


def test_rotation_by_age_as_a_process(place: Path, ours: Path) -> None:
    with subprocess.Popen(
        [ours / "multilog", "a1", "./d"], stdin=subprocess.PIPE, cwd=place
    ) as process:
        assert process.stdin
        process.stdin.write(b"line\n")
        process.stdin.flush()
        until(lambda: list(place.glob("d/@*.s")), "rotated")
        process.stdin.close()
    assert process.returncode == 0
    assert (place / "d/current").read_bytes() == b""


# No space


class SmallDisk:
    """The ``os`` of a process whose files have so much space together."""

    def __init__(self, space: int, place: Path) -> None:
        self.space = space
        self.place = place

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: memoryview) -> int:
        left = self.space - sum(
            path.stat().st_size for path in self.place.rglob("*") if path.is_file()
        )
        if left <= 0:
            raise OSError(errno.ENOSPC, "")
        return os.write(fd, bytes(data)[:left])


@pytest.fixture
def small_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk = SmallDisk(20_000, place)
    monkeypatch.setattr(logdir, "os", disk)
    return disk


LINES = [b"line number %d\n" % n for n in range(4000)]


def test_deleting_the_oldest(place: Path, small_disk: SmallDisk) -> None:
    assert run(place, [b"s4096", b"n1000", b"fdelete", b"./d"], b"".join(LINES)) == b""
    kept = unpacked(place / "d")
    assert len(kept) > 10_000
    assert b"".join(LINES).endswith(kept)


def test_deleting_has_an_end(place: Path, small_disk: SmallDisk) -> None:
    """With nothing to delete it waits, as it does by default."""
    small_disk.space = 1000
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"fdelete", b"./d"])
    carry_out(logger.start(base))
    with open(os.devnull, "wb") as null, logs.standard_error(null.fileno()):
        steps = logger.feed(b"".join(LINES))
        assert isinstance(next(steps), Pause)
        small_disk.space = 1_000_000
        assert list(steps) == []
    carry_out(logger.finish())
    os.close(base)
    assert unpacked(place / "d") == b"".join(LINES)


def test_dropping(place: Path, small_disk: SmallDisk) -> None:
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"s16777215", b"fdrop", b"./d"])
    carry_out(logger.start(base))
    seen = []
    with (place.parent / f"{place.name}.errors").open("w+b") as errors:
        with logs.standard_error(errors.fileno()):
            for at in range(0, len(LINES), 100):
                if at == 3000:
                    small_disk.space = 1_000_000
                carry_out(logger.feed(b"".join(LINES[at : at + 100])))
                seen.append(at)
            carry_out(logger.finish())
        errors.seek(0)
        said = errors.read()
    Path(errors.name).unlink()
    os.close(base)
    assert (
        said
        == b"multilog: warning: unable to write to ./d/current, dropping lines: out of disk space\n"
    )
    result = unpacked(place / "d").splitlines(keepends=True)
    notes = [line for line in result if line.startswith(b"multilog: dropped ")]
    assert len(notes) == 1
    dropped = int(notes[0].split()[2])
    at = result.index(notes[0])
    whole = next(n for n in range(at + 1) if result[n] != LINES[n])
    assert at - whole in (0, 1)  # a line cut short may be there as well
    assert result[at + 1 :] == LINES[3000:]
    assert dropped == 3000 - whole
