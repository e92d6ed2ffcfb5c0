"""Whatever way lines are chosen in, they are those that a look at each line chooses."""

from __future__ import annotations

import random
from collections.abc import Iterable
from unittest import mock

import pytest
from helpers import logs

from slashservice.supervise.logs import chooser, patterns, shapes
from slashservice.supervise.logs.c_writes import READ, stretches
from slashservice.supervise.logs.lines import Lines, Selection
from slashservice.supervise.logs.patterns import VIEW, matcher, one_by_one

Rules = tuple[tuple[bool, bytes, bool], ...]

STAMPS = [b"", b"@400000006b09f4a6177d6b8c ", b"1795812345.123456 "]
WORDS = [b"error", b"warn", b"ok", b"e", b" ", b'"', b" 5", b"a4", b"failed", b"\0", b"\xff"]
WORDS += [b"0", b"00", b"6a", b"a6", b"12", b"1", b"."]


def matches(pattern: bytes, text: bytes) -> bool:
    """Match as multilog's documentation says, one character after the other."""
    while pattern:
        if pattern == b"*":
            return True
        if pattern[:1] == b"*":
            while text[:1] != pattern[1:2]:
                if not text:
                    return False
                text = text[1:]
        elif text[:1] != pattern[:1]:
            return False
        else:
            text = text[1:]
        pattern = pattern[1:]
    return not text


def selected(rules: Rules, view: bytes) -> bool:
    """Decide about a line by one rule after the other."""
    result = True
    for selects, pattern, _ in rules:
        if matches(pattern, view):
            result = selects
    return result


def by_reference(rules: Rules, blocks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return what is to be chosen of all blocks and their stamps, line after line."""
    lines: list[bytes] = []
    begun = False
    for block, stamp in blocks:
        for piece in block.splitlines(keepends=True) if b"\r" not in block else _split(block):
            if begun:
                lines[-1] += piece
            else:
                lines.append(stamp + piece)
            begun = piece[-1:] != b"\n"
    return b"".join(line for line in lines if selected(rules, line.removesuffix(b"\n")[:VIEW]))


def _split(block: bytes) -> list[bytes]:
    *whole, last = block.split(b"\n")
    return [line + b"\n" for line in whole] + [last] * bool(last)


def some_pattern(chance: random.Random) -> bytes:
    parts = [b"*"] * 6 + [*WORDS, b"@", b"4", b"x"]
    pattern = b"".join(chance.choice(parts) for _ in range(chance.choice([1, 1, 2, 3, 5])))
    before = chance.choice([b"", b"*", b"*", b"* ", b"* *", b"*-*"])
    return before + pattern + chance.choice([b"", b"*"])


def some_rules(chance: random.Random) -> Rules:
    rules = [(chance.random() < 0.5, some_pattern(chance)) for _ in range(chance.randrange(1, 12))]
    if chance.random() < 0.5:  # as people write them
        sign = chance.random() < 0.5
        rules = [(not sign, b"*"), *((sign, pattern) for _, pattern in rules)]
    return tuple((selects, pattern, False) for selects, pattern in rules)


def some_line(chance: random.Random, share: float) -> bytes:
    if chance.random() < 0.02:
        word = chance.choice(WORDS)
        near = chance.choice([199, 200, 974, 982, 1000, 2500]) - len(word) + chance.randrange(-3, 4)
        return (
            chance.choice([b"-", b"-", word]) * near + word + chance.choice([b"", b"", b"-", word])
        )
    words = [b"%d" % chance.randrange(10**4), b"quiet", b"line", b"\r"]
    if chance.random() < share:
        words += chance.choices(WORDS, k=2)
    chance.shuffle(words)
    return chance.choice([b"", b" ", b"*"]).join(words[: chance.randrange(6)])


def some_blocks(chance: random.Random) -> list[tuple[bytes, bytes]]:
    """Make blocks of very different sizes, each with a stamp of its own."""
    share = chance.choice([0, 0.02, 0.1, 0.2, 1])
    stamp = chance.choice(STAMPS)
    text = b"".join(some_line(chance, share) + b"\n" for _ in range(chance.randrange(1500)))
    blocks = []
    while text:
        size = chance.choice([1, 30, 1000, 5000, 20_000, 65_536])
        now = stamp.translate(bytes.maketrans(b"6", b"%x" % chance.randrange(16)))
        blocks.append((text[:size], now))
        text = text[size:]
    return blocks


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("small", [1, chooser.SMALL, 1 << 30])
def test_blocks(seed: int, small: int) -> None:
    """Chosen in the same way, however large; and told by cuts as well as by lines."""
    chance = random.Random(seed * 3 + small % 3)
    with (
        mock.patch.object(chooser, "SMALL", small),
        mock.patch.object(shapes, "MOST_SHAPES", chance.choice([5, shapes.MOST_SHAPES])),
        mock.patch.object(chooser, "MOST_REMAINDERS", chance.choice([2, 64])),
    ):
        for _ in range(8):
            rules, blocks = some_rules(chance), some_blocks(chance)
            lines, selection = Lines(), Selection(rules)
            found = b""
            for block, stamp in blocks:
                batch = lines.take(block, stamp)
                chosen = batch.chosen(selection)
                found += chosen.all()
                cuts = chosen.cuts(batch)
                told = [batch.body[a:b] for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
                first = bool(cuts) and cuts[0] == 0 < cuts[1]
                stamps = chosen.text.count(b"\n") * len(stamp)
                head = len(batch.head) - len(stamp) if first else 0
                assert len(chosen.text) == sum(map(len, told)) + stamps + head
            rest = lines.head if lines.head and selection.selects(lines.head) else b""
            assert found + rest == by_reference(rules, blocks), (rules, blocks)


@pytest.mark.parametrize("seed", range(6))
def test_stretches_are_the_reads_of_c(seed: int) -> None:
    """Each read of C completes a stretch; only those that fit in any case may be one."""
    chance = random.Random(seed)
    for _ in range(20):
        selection, lines = Selection(some_rules(chance)), Lines()
        for block, stamp in some_blocks(chance):
            batch = lines.take(block, stamp)
            chosen = batch.chosen(selection)
            if not chosen.text or batch.rest or batch.begun or batch.has_long_lines():
                continue
            reads: dict[int, int] = {}
            at = -len(batch.head)
            for line in batch.lines():
                at += len(line) + (0 if at < 0 else -len(stamp))
                if selection.selects(line):
                    reads[at // READ] = reads.get(at // READ, 0) + len(line) + 1
                at += 1
            whole = list(reads.values())
            for room in (0, 1, chance.randrange(3000), chance.randrange(70_000), 1 << 20):
                found = [length for length, _ in stretches(batch, selection, chosen, room)]
                joined = len(whole) - len(found) + 1
                assert found == [sum(whole[:joined]), *whole[joined:]]
                assert joined == 1 or found[0] <= room


@pytest.mark.parametrize("beyond", [b"", b"-"])
@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("pattern", [b"*end", b"*- *end", b"*end*", b"*n*d"])
def test_what_a_pattern_sees_of_a_long_line(pattern: bytes, stamp: bytes, beyond: bytes) -> None:
    """Its first 1000 characters: a line may end for the pattern where it goes on."""
    for short in range(-4, 5):
        line = b"- " + b"-" * (VIEW - len(stamp) - 5 - short) + b"end" + beyond
        rules = ((False, b"*", False), (True, pattern, False))
        for others, cut in ((0, 0), (1000, 0), (1000, 500)):
            text = line + b"\n" + b"other\n" * others
            lines = Lines()
            lines.take(text[:cut], stamp)
            chosen = lines.take(text[cut:], stamp).chosen(Selection(rules))
            assert bool(chosen.text) == matches(pattern, (stamp + line)[:VIEW]), short


def adversaries(chance: random.Random) -> Iterable[tuple[bytes, bytes]]:
    """Patterns of many stars, and lines that nearly match in very many ways."""
    for letters in (b"a", b"ab", b"aab", b"ab*"):
        for stars in (1, 5, 40, 300):
            pattern = b"*".join(bytes([chance.choice(letters)]) for _ in range(stars))
            for end in (b"", b"*", b"c", b"*c", b"*c*"):
                for size in (10, VIEW - 1, VIEW):
                    line = bytes(chance.choice(letters) for _ in range(size))
                    yield b"*" + pattern + end, line
                    yield b"*" + pattern + end, letters[:1] * size


@pytest.mark.parametrize("any_number", [b"*", patterns.ANY_NUMBER])  # before Python 3.11, and now
def test_nothing_goes_back_on_a_star(any_number: bytes) -> None:
    """Or this would not end within the age of the universe: 300 stars in 1000 characters."""
    chance = random.Random(1)
    with mock.patch.object(patterns, "ANY_NUMBER", any_number):
        for pattern, line in adversaries(chance):
            rules = ((False, b"*", False), (True, pattern, False))
            expected = matches(pattern, line)
            match = matcher(rules)
            assert match is not None
            assert bool(match(line)) == bool(one_by_one(rules)(line)) == expected
            for stamp in STAMPS[:2]:
                text = (line + b"\n") * 10
                for small in (1, 1 << 30):
                    with mock.patch.object(chooser, "SMALL", small):
                        chosen = Lines().take(text, stamp).chosen(Selection(rules))
                    assert bool(chosen.text) == matches(pattern, (stamp + line)[:VIEW])


@pytest.mark.parametrize("seed", range(10))
def test_alerts_come_in_the_order_of_the_lines(seed: int) -> None:
    """Once for each selection, cut off, whatever the way in which each is chosen."""
    chance = random.Random(seed)
    for _ in range(3):
        scripts = [some_rules(chance) for _ in range(chance.choice([1, 2, 3]))]
        lines = [some_line(chance, 0.3) for _ in range(300)]
        given = b"\n".join([*lines, b""])
        words = []
        rules: Rules = ()
        expected = [b""] * len(lines)
        for script in scripts:
            rules += script
            words += [(b"+" if selects else b"-") + pattern for selects, pattern, _ in script]
            words.append(b"e")
            for number, line in enumerate(lines):
                if selected(rules, line[:VIEW]):
                    shown = line if len(line) <= 200 else line[:200] + b"..."
                    expected[number] += shown + b"\n"
        with logs.scratch() as place:
            at = chance.randrange(len(given))
            packets = [given[:at], given[at:]]
            assert logs.run_here(words, packets, place) == (0, b"".join(expected))
