"""A journal with any content: what makes sense is done, the rest is named and discarded."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from helpers import journals, logs
from helpers.journals import SCRIPTS, fuzz, leave, survive
from helpers.logs import content
from hypothesis import assume, given
from hypothesis import strategies as st

from slashservice.supervise.logs import journal
from slashservice.supervise.logs.journal import CARRY, DATA, INTENT, INTENT_AT, LARGEST, MAGIC
from slashservice.supervise.logs.logger import BLOCK
from slashservice.supervise.logs.unfinished_line import LAYOUT

WRITTEN = 35
"""A seed that has a logger killed when a block with an unfinished line before it is written."""

FLIP, CUT, GROW, ZERO, FILL = "flip", "cut", "grow", "zero", "fill"

places = st.one_of(
    st.integers(0, CARRY.size + 40),
    st.integers(INTENT_AT, INTENT_AT + INTENT.size),
    st.integers(0, DATA),
)
mutations = st.lists(
    st.tuples(st.sampled_from([FLIP, CUT, GROW, ZERO, FILL]), places, st.integers(1, 255)),
    max_size=3,
)


def mutated(data: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    """Change the notes in a journal, and its length; its lines stay as they are."""
    for kind, at, value in changes:
        changed = bytearray(data)
        if kind == CUT:
            del changed[at * 2 :]
        elif kind == GROW:
            changed += b"\0" * at
        elif kind == FLIP and at < min(len(data), DATA):
            changed[at] ^= value
        elif kind in (ZERO, FILL):
            end = min(len(data), DATA, at + value)
            changed[at:end] = (b"\0" if kind == ZERO else b"\xff") * max(0, end - at)
        data = bytes(changed)
    return data


@given(st.sampled_from(SCRIPTS), st.integers(0, 1000), mutations)
def test_nothing_is_doubled_whatever_happened_to_the_notes(
    script: list[bytes], seed: int, changes: list[tuple[str, int, int]]
) -> None:
    with logs.scratch() as place:
        leave(place, script, seed)
        left = (place / "journal").read_bytes()
        found = mutated(left, changes)
        # Without any note the journal looks as if nothing had been done yet.
        assume(found[:DATA].strip(b"\0") or not left[:DATA].strip(b"\0"))
        errors, log = survive(found, script, place)
        lines = [line for line in log.split(b"\n") if line.startswith(b"<") and b">" in line]
        assert len(set(lines)) == len(lines)
        assert log.endswith(b"after 7\n")
        complaints = [line for line in errors.split(b"\n") if line.startswith(b"multilog: ")]
        assert complaints in ([], [named(place)])
        if not changes:
            assert not complaints
        assert (place / "journal").stat().st_size == 0


@pytest.mark.parametrize("at", [*range(CARRY.size), *range(INTENT_AT, INTENT_AT + INTENT.size)])
def test_each_byte_of_the_notes_counts(at: int, place: Path) -> None:
    """The whole block was written, and is noted as such; nothing of it comes again."""
    script = [b"t", b"./d"]
    leave(place, script, WRITTEN)
    data = (place / "journal").read_bytes()
    assert data[INTENT_AT:DATA].strip(b"\0") and data[:INTENT_AT].strip(b"\0")
    before = content(place / "d")
    errors, log = survive(mutated(data, [(FLIP, at, 1)]), script, place)
    assert errors.splitlines() == [named(place)]
    assert log == logs.STAMP.sub(b"", before) + b"\nafter 7\n"


def named(place: Path) -> bytes:
    return b"multilog: warning: damaged journal %s/journal discarded" % bytes(place)


@given(st.binary(max_size=5000))
def test_any_bytes(data: bytes) -> None:
    fuzz(data)


def crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def notes(
    script: list[bytes], carry: bytes = b"", start: int = DATA, length: int | None = None
) -> bytes:
    """The head of a journal whose sum is right, whatever it says."""
    number = zlib.crc32(b"\0".join(script))
    length = len(carry) if length is None else length
    head = CARRY.pack(MAGIC, number, start, length, 0)[:-4]
    return (head + crc(head + carry) + carry).ljust(DATA, b"\0")


def intent(script: list[bytes], output: int, stamp: bytes, *file: int, start: int = DATA) -> bytes:
    number = zlib.crc32(b"\0".join(script))
    head = INTENT.pack(MAGIC, number, start, output, stamp, *file, 0)[:-4]
    return (head + crc(head)).ljust(DATA - INTENT_AT, b"\0")


numbers = st.one_of(
    st.integers(0, 5000), st.sampled_from([2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
)


@given(
    st.sampled_from(SCRIPTS), st.binary(max_size=40), numbers, st.integers(0, 65535),
    st.integers(0, 65535), st.binary(max_size=31), st.tuples(numbers, numbers, numbers, numbers),
)  # fmt: skip
def test_notes_whose_sum_is_right(
    script: list[bytes],
    carry: bytes,
    start: int,
    length: int,
    output: int,
    stamp: bytes,
    file: tuple[int, int, int, int],
) -> None:
    """As somebody might forge them. Nobody can tell what should be in the log."""
    for head in (notes(script, carry, start), notes(script, carry, start, length), bytes(DATA)):
        for made in (intent(script, output % 7, stamp, *file), bytes(DATA - INTENT_AT)):
            data = head[:INTENT_AT] + made + b"<1>\n<2>\n"
            with logs.scratch() as place:
                errors, log = survive(data, script, place)
                assert log.endswith(b"after 7\n")
                assert errors.count(b"multilog: ") <= 1
                assert not (place / "journal").stat().st_size


HEAD = LAYOUT.pack(0, 3, 1) + b"\1abc"

DAMAGE = {
    "only the magic": MAGIC,
    "a bit less than notes": notes([b"./d"])[:-1],
    "a carry that is short": notes([b"./d"], b"ab"),
    "flags that don't match": notes([b"./d"], LAYOUT.pack(0, 3, 9) + b"\1abc"),
    "other selections": notes([b"./d"], LAYOUT.pack(0, 3, 2) + b"\1\1abc"),
    "an end before the beginning": notes([b"./d"], LAYOUT.pack(0, 9, 1) + b"\1abc"),
    "a carry of another script that is short": notes([b"./e"], b"ab"),
    "start 0": notes([b"./d"], HEAD, 0),
    "start beyond 2^63": notes([b"./d"], HEAD, 2**63),
    "a huge carry": notes([b"./d"], HEAD, DATA, 65535),
    "a block that is too long": bytes(DATA + BLOCK + 1),
    "an output that is not there": (
        bytes(INTENT_AT) + intent([b"./d"], 9, b"", 0, 0, 0, 4) + b"<1>\n"
    ),
    "more written than there is": (
        bytes(INTENT_AT) + intent([b"./d"], 0, b"", 0, 0, 99, 4) + b"<1>\n"
    ),
    "a stamp in a script without": (
        bytes(INTENT_AT) + intent([b"./d"], 0, b"@4 ", 0, 0, 0, 4) + b"<1>\n"
    ),
    "a write noted of a block that is gone": (
        notes([b"./d"], HEAD, DATA + 50)[:INTENT_AT]
        + intent([b"./d"], 0, b"", 0, 0, 0, 4, start=DATA + 50)
    ),
    "a write noted of another block": (
        bytes(INTENT_AT) + intent([b"./d"], 0, b"", 0, 0, 0, 4, start=DATA + 4) + b"<1>\n<2>\n"
    ),
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named(data: bytes, place: Path) -> None:
    errors, log = survive(data, [b"./d"], place)
    assert errors.splitlines() == [named(place)]
    assert log == b"\nafter 7\n"


def test_what_is_whole_is_saved(place: Path) -> None:
    """The block was lost, and it is known that none of it was written: the line begun stays."""
    errors, log = survive(notes([b"./d"], HEAD, DATA + 50), [b"./d"], place)
    assert (errors, log) == (b"", b"abc\nafter 7\n")


def test_a_huge_hole_takes_no_memory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (place / "journal").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(Path, "write_bytes", lambda *_: None)
    errors, log = survive(b"", [b"./d"], place)
    assert (errors.splitlines(), log) == ([named(place)], b"\nafter 7\n")


def test_without_proc_it_is_named_by_its_log(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def readlink(path: bytes) -> bytes:
        raise FileNotFoundError

    kept = journals.opened(place, [b"t", b"./d", b"./e"])
    monkeypatch.setattr(os, "readlink", readlink)
    kept.discard()
    kept.close()
    assert capfd.readouterr().err == "multilog: warning: damaged journal of ./d discarded\n"


def test_bounds() -> None:
    assert journal.LARGEST_BLOCK == BLOCK < LARGEST
