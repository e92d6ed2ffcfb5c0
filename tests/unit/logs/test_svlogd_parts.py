"""The parts of svlogd: its arguments, configurations, patterns, and the characters it replaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.logs.action_script import DELETE, WAIT
from slashservice.supervise.logs.lines import Lines
from slashservice.supervise.logs.svlogd import STAMPS, ReplacingLines, SvlogdSelection
from slashservice.supervise.logs.svlogd_arguments import (
    SvlogdArguments,
    hosted_directories,
)
from slashservice.supervise.logs.svlogd_config import SvlogdConfig
from slashservice.supervise.logs.svlogd_outputs import all_prefixed, prefixed, view

SIZES = {
    b"s5": 5,
    b"s": 0,
    b"s3k": 3072,
    b"s2mx": 2 << 20,
    b"sx": 0,
    b"s99999999999999999999": 99999999999999999999 % (1 << 64),
}


@pytest.mark.parametrize("line", SIZES)
def test_sizes(line: bytes) -> None:
    assert SvlogdConfig(line + b"\n").size == SIZES[line]


AGES = {b"t5": 5, b"t": 0, b"t2m": 120, b"t1hx": 3600, b"t1d": 1, b"t4294967297": 1}


@pytest.mark.parametrize("line", AGES)
def test_ages(line: bytes) -> None:
    assert SvlogdConfig(line + b"\n").age == AGES[line]


def test_settings() -> None:
    config = SvlogdConfig(b"n5\nN3x\n!cat\n!\np> \np\n#n9\n\nz\nu1.2.3.4:99\n")
    assert (config.number, config.least, config.when_full) == (5, 3, DELETE)
    assert (config.processor, config.prefix) == (b"cat", b"> ")
    assert (config.address, config.is_sent_only) == (("1.2.3.4", 99), False)
    assert SvlogdConfig().when_full == SvlogdConfig(b"n5\n").when_full == WAIT


def test_a_last_line_of_one_character_is_passed_over() -> None:
    assert SvlogdConfig(b"n5\ns").size == SvlogdConfig().size
    assert SvlogdConfig(b"n5\ns\n").size == 0


def test_a_null_byte_ends_a_value_and_begins_a_rule() -> None:
    config = SvlogdConfig(b"p> \0x\n-a\0+b\0c\n")
    assert config.prefix == b"> "
    assert config.rules == ((False, b"a", False), (True, b"b", False))


ADDRESSES = {
    b"u1.2.3.4": ("1.2.3.4", 514),
    b"u1.2.3.4x": ("1.2.3.4", 514),
    b"u257.2.3.4:5x": ("1.2.3.4", 5),
    b"u1.2.3.4:65541": ("1.2.3.4", 5),
    b"u1.2.3.4:65536": None,
    b"u1.2.3": None,
    b"u1.2.3.x": None,
    b"ux1.2.3.4": None,
}


@pytest.mark.parametrize("line", ADDRESSES)
def test_addresses(line: bytes) -> None:
    for letter in (b"u", b"U"):
        config = SvlogdConfig(letter + line[1:])
        assert config.address == ADDRESSES[line]
        assert config.is_sent_only == (letter == b"U" and config.address is not None)


HOSTED: dict[str, list[bytes] | None] = {
    "-tt main": [b"main"],
    "-tttv -r_ -R xy ./a /b": [b"./a", b"/b"],
    "-l 1600 -b 2000 main": [b"main"],
    "-l 1601 -b 2000 main": None,
    "-tt": None,
    "-x main": None,
    "-b 5 main": None,
    "-V main": None,
}


@pytest.mark.parametrize("words", HOSTED)
def test_what_a_log_host_can_run(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert hosted_directories(words.encode().split()) == HOSTED[words]
    assert capfd.readouterr().err == ""


def matches(pattern: bytes, line: bytes) -> bool:
    """Say, character by character, whether a pattern matches, as the manual has it."""
    while pattern:
        if pattern == b"*":
            return True
        if pattern[:1] == b"*":
            pattern = pattern[1:]
            at = line.find(pattern[:1])
            if at < 0:
                return False
            line = line[at:]
        elif pattern[:1] == b"+":
            again, pattern = pattern[1:2], pattern[2:]
            if not again or line[:1] != again:
                return False
            line = line.lstrip(again)
            if not line:
                return True
        elif pattern[:1] != line[:1]:
            return False
        else:
            pattern, line = pattern[1:], line[1:]
    return not line


words = st.text("xyz*+", max_size=7).map(str.encode)
lines = st.text("xyz*+", max_size=10).map(str.encode)


@given(
    rules=st.lists(st.tuples(st.booleans(), words), max_size=5),
    text=st.lists(lines, min_size=1, max_size=6),
    stamp=st.sampled_from([b"", b"x* " * 4]),
)
def test_patterns(rules: list[tuple[bool, bytes]], text: list[bytes], stamp: bytes) -> None:
    """The last that matches decides; the stamp is not looked at."""
    chosen = []
    for line in text:
        selected = True
        for selects, pattern in rules:
            if matches(pattern, line):
                selected = selects
        chosen += [stamp + line + b"\n"] * selected
    selection = SvlogdSelection(tuple((*rule, False) for rule in rules), len(stamp))
    batch = Lines(100).take(b"".join(line + b"\n" for line in text), stamp)
    assert batch.chosen(selection).all() == b"".join(chosen)


@pytest.mark.parametrize("count", [1, 60])
def test_many_changes_of_sign(count: int) -> None:
    rules = tuple((bool(n % 2), b"+x%d" % n, False) for n in range(count))
    selection = SvlogdSelection(rules, 3)
    assert selection.selects(b"123x") == (count > 1)
    assert not selection.selects(b"123xx0")
    assert selection.selects(b"123y")


@given(
    blocks=st.lists(st.text("abc \x01é\n", max_size=30).map(str.encode), max_size=6),
    longest=st.integers(1, 12),
)
def test_replaced_characters(blocks: list[bytes], longest: int) -> None:
    """As many as are looked at; the rest of a line is as it came."""
    table = SvlogdArguments([b"-r_", b"-Rb", b"d"]).table
    replacing = ReplacingLines(3 + longest, table)
    plain = Lines(3 + longest)
    found = wanted = b""
    for block in blocks:
        for lines_, is_ours in ((replacing, True), (plain, False)):
            batch = lines_.take(block, b"12 ")
            text = batch.rest + batch.text + batch.begun
            found += text if is_ours else b""
            wanted += b"" if is_ours else text
    assert replacing.head == b"12 " + plain.head[3:].translate(table) if plain.head else True
    expected = []
    for line in wanted.split(b"\n"):
        stamp, looked_at, rest = line[:3], line[3 : 3 + longest], line[3 + longest :]
        expected.append(stamp + looked_at.translate(table) + rest)
    assert found == b"\n".join(expected)


def test_stamps() -> None:
    import re

    assert [len(stamp()) for stamp in STAMPS] == [0, 26, 26, 26]
    assert re.fullmatch(rb"@4[0-9a-f]{23} ", STAMPS[1]())
    for stamp, separator in ((STAMPS[2], b"_"), (STAMPS[3], b"T")):
        assert re.fullmatch(rb"\d{4}-\d\d-\d\d%s\d\d:\d\d:\d\d\.\d{5} " % separator, stamp())


@given(st.lists(st.text("ab12 \n", max_size=20).map(str.encode), max_size=6))
def test_prefixes(blocks: list[bytes]) -> None:
    """In front of each line behind its stamp, however they come, and as long as they are."""
    lines = Lines(10)
    found = wanted = b""
    for number, block in enumerate(blocks):
        batch = lines.take(block, b"%d. " % number)
        found += all_prefixed(batch, b"> ", 3)
        text = batch.text + batch.begun
        wanted += batch.rest + b"".join(prefixed(text, b"> ", 3))
    assert found == wanted

    assert found.count(b"> ") >= found.count(b"\n")


def test_a_view_tells_that_it_is_cut() -> None:
    assert view(b"abc\n", 4) == b"abc\n"
    assert view(b"abcd\n", 4) == view(b"abcdef", 4) == b"abcd...\n"
