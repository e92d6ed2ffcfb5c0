"""multilog beside C: generated scripts on generated input must leave the same files."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from helpers import logs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

LENGTHS = [0, 1, 2, 3, 25, 199, 200, 201, 485, 486, 510, 511, 512, 513, 973, 974, 975, 998, 999]
LENGTHS += (1000, 1001, 1002, 1023, 1024, 1025, 1999, 2000, 2001, 2600, 4095, 4096, 4097, 9000)


class Part:
    """A line and how often it comes; shown as briefly as it is made."""

    def __init__(self, seed: bytes, length: int, end: bytes, times: int) -> None:
        self.said = f"{seed!r} to {length} + {end!r}, {times} times"
        self.data = ((seed * (length // len(seed) + 1))[:length] + end) * times

    def __repr__(self) -> str:
        return self.said


class Input:
    """Parts, and the sizes of the packets they come in, in turn; none for a file."""

    def __init__(self, parts: list[Part], packets: list[int]) -> None:
        self.parts = parts
        self.packets = packets

    def __repr__(self) -> str:
        return f"{self.parts} in packets of {self.packets}"

    def given(self) -> bytes | list[bytes]:
        data = b"".join(part.data for part in self.parts)
        if not self.packets:
            return data
        result: list[bytes] = []
        while data:
            cut = self.packets[len(result) % len(self.packets)]
            result.append(data[:cut])
            data = data[cut:]
        return result


words = st.text("xyz* @", max_size=6).map(str.encode)
seeds = st.text("xyz* @\0\xff\r\t", min_size=1, max_size=30).map(lambda s: s.encode("latin-1"))
parts = st.builds(
    lambda seed, long, times, end: Part(seed, long if long >= 0 else len(seed), end, times),
    seeds,
    st.one_of(st.just(-1), st.just(-1), st.sampled_from(LENGTHS)),
    st.sampled_from([1, 1, 1, 2, 3, 7, 40, 200]),
    st.sampled_from([b"\n"] * 9 + [b""]),
)
sizes = st.sampled_from(
    [b"s4096", b"s4097", b"s5000", b"s6000", b"s0", b"s", b"s99999999999999999999"]
)
numbers = st.sampled_from([b"n2", b"n3", b"n0", b"n5x", b"n"])
PROCESSORS = [
    b"cat",
    b"tr x y",
    b"cat <&4; cat; echo $$ | tr -d 0-9 >&5",
    b"wc -c | tr -d ' ' >&5",
    b"",
]
processors = st.sampled_from(PROCESSORS).map(lambda command: b"!" + command)
settings_ = st.one_of(sizes, numbers)
rules = st.builds(lambda sign, pattern: sign + pattern, st.sampled_from([b"+", b"-"]), words)
ignored = st.sampled_from([b"", b"q", b"z9", b"lock", b"t"])
actions = st.one_of(
    rules,
    rules,
    rules,
    settings_,
    ignored,
    st.just(b"e"),
    st.just(b"ex"),
    st.sampled_from([b"=status", b"=other"]),
)


@st.composite
def scripts(draw: st.DrawFn) -> list[bytes]:
    script = draw(st.sampled_from([[], [b"t"], [b"tx"]]))[:]
    for number in range(draw(st.integers(1, 3))):
        script += draw(st.lists(actions, max_size=4))
        if draw(st.integers(0, 9)) == 0:
            script.append(draw(processors))
        script.append(draw(st.sampled_from([b"./d%d", b"./d%d/", b"././d%d"])) % number)
    return script + draw(st.lists(actions, max_size=2))


inputs = st.builds(Input, st.lists(parts, max_size=8), st.just([]))
packets = st.builds(
    Input,
    st.lists(parts, max_size=8),
    st.lists(st.one_of(st.integers(1, 40), st.integers(1, 1024)), min_size=1, max_size=12),
)


def both(script: list[bytes], given: bytes | list[bytes], oracle: Path) -> None:
    """Run both programs, in directories of their own, and compare all they did."""
    with logs.scratch() as place:
        (place / "c").mkdir()
        (place / "ours").mkdir()
        theirs = logs.run_program(oracle / "multilog", script, given, place / "c")
        mine = logs.run_here(script, given, place / "ours")
        assert (mine[0], logs.plain(mine[1])) == (theirs[0], logs.plain(theirs[1]))
        assert logs.picture(place / "ours") == logs.picture(place / "c")


ROUNDS = int(os.environ.get("SLASHSERVICE_ROUNDS", "1"))

MANY = settings(
    max_examples=200 * ROUNDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@MANY
@given(script=scripts(), text=inputs)
def test_file(script: list[bytes], text: Input, oracle: Path) -> None:
    both(script, text.given(), oracle)


@MANY
@given(script=scripts(), text=packets)
def test_packets(script: list[bytes], text: Input, oracle: Path) -> None:
    both(script, text.given(), oracle)


@MANY
@given(script=scripts(), first=inputs, second=inputs)
def test_again(script: list[bytes], first: Input, second: Input, oracle: Path) -> None:
    """A second multilog goes on where a first one ended."""
    with logs.scratch() as place:
        for name in ("c", "ours"):
            (place / name).mkdir()
        for text in (first.given(), second.given()):
            logs.run_program(oracle / "multilog", script, text, place / "c")
            logs.run_here(script, text, place / "ours")
        assert logs.picture(place / "ours") == logs.picture(place / "c")


digits = st.one_of(
    st.integers(0, 9000),
    st.sampled_from([1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**19, 10**30]).flatmap(
        lambda base: st.integers(-3, 7000).map(lambda more: base + more)
    ),
).map(lambda number: b"%d" % number)
odd = st.builds(
    lambda before, number, after: before + number + after,
    st.sampled_from([b"", b"", b"0", b"00", b" ", b"+", b"-", b"\xb2", b"x"]),
    digits,
    st.sampled_from([b"", b"", b" ", b"k", b".5", b"e3", b"_0", b"\xb2", b"-1"]),
)
lines = st.builds(lambda length, times: (b"x" * length + b"\n") * times, *[st.integers(1, 300)] * 2)


@settings(MANY, max_examples=100 * ROUNDS)
@given(size=odd, number=odd, text=lines)
def test_odd_numbers(size: bytes, number: bytes, text: bytes, oracle: Path) -> None:
    both([b"s" + size, b"n" + number, b"./d"], text, oracle)


LARGE = {
    "default": [b"./d"],
    "stamped": [b"t", b"./d"],
    "larger": [b"t", b"s300000", b"n20", b"./d", b"s20000", b"./e"],
    "selected": [b"t", b"-*", b"+@* *x*", b"n99", b"./d", b"+*", b"-*rare*", b"s50000", b"./e"],
    "rare": [b"s20000", b"n99", b"-*", b"+*rare*", b"./d", b"+* rare word*", b"=status", b"./e"],
}


@pytest.mark.parametrize("script", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("longest", [40, 300, 1200])
def test_much(script: list[bytes], longest: int, oracle: Path) -> None:
    """Many blocks, with lines of all lengths; a word in few of them."""
    chance = random.Random(longest)
    lines = []
    for number in range(1_500_000 // longest):
        line = b"%d %s" % (number, b"xyz"[number % 3 : number % 3 + 1] * chance.randrange(longest))
        lines.append(line + b" rare word\n" if chance.randrange(200) == 0 else line + b"\n")
    both(script, b"".join(lines), oracle)


@pytest.mark.parametrize("script", [[b"s16777215", b"./d"], [b"t", b"s99999999", b"./d"]])
def test_the_largest_size(script: list[bytes], oracle: Path) -> None:
    lines = b"".join(b"%d %s\n" % (n, b"x" * (n % 400)) for n in range(20_000))
    both(script, lines * 9, oracle)


NAMES = ["current", "previous", "processed", "state", "newstate", "lock", "other"]


class Left:
    """A file as an ended logger may have left it."""

    def __init__(self, name: str, mode: int, size: int, linked: bool) -> None:
        self.name, self.mode, self.size, self.linked = name, mode, size, linked

    def __repr__(self) -> str:
        return f"{self.name} {self.mode:o} {self.size}{' linked' if self.linked else ''}"

    def make(self, directory: Path) -> None:
        path = directory / self.name
        path.write_bytes((self.name.encode() + b"\n") * self.size)
        path.chmod(self.mode)
        if self.linked:
            (directory / f"@4000000000000001{NAMES.index(self.name):08x}.u").hardlink_to(path)


lefts = st.builds(
    Left,
    st.sampled_from(NAMES),
    st.sampled_from([0o644, 0o744, 0o600, 0o100]),
    st.sampled_from([0, 1, 300, 700]),
    st.sampled_from([False, False, False, True]),
)
old_names = st.builds(
    lambda label, code: f"@{label}{code}",
    st.one_of(
        st.integers(0, 9).map(lambda n: f"40000000000000000000000{n}"), st.sampled_from(["", "40"])
    ),
    st.sampled_from([".s", ".u", ".s", "", ".xyz"]),
)


@MANY
@given(
    left=st.lists(lefts, max_size=5, unique_by=lambda one: one.name),
    old=st.lists(old_names, max_size=6, unique_by=lambda name: name[:25]),
    number=st.sampled_from([b"n2", b"n3", b"n6"]),
    processor=st.sampled_from([[], [], [], [b"!cat; cat <&4 >&5"]]),
    text=inputs,
)
def test_tidying_up(
    left: list[Left],
    old: list[str],
    number: bytes,
    processor: list[bytes],
    text: Input,
    oracle: Path,
) -> None:
    """Whatever state a directory was left in, the same is made of it."""
    names = {one.name: one.mode for one in left}
    # C loses a clean log with a second hard link when that becomes full.
    assume(not any(one.name == "current" and one.linked and one.mode & 0o100 for one in left))
    # C's processor never runs where a clean log has lost its state.
    assume(not processor or "state" in names or not names.get("current", 0) & 0o100)
    with logs.scratch() as place:
        for name in ("c", "ours"):
            (place / name / "d").mkdir(parents=True)
            for one in left:
                one.make(place / name / "d")
            for finished in old:
                (place / name / "d" / finished).touch()
        script = [b"s4096", number, *processor, b"./d"]
        theirs = logs.run_program(oracle / "multilog", script, text.given(), place / "c")
        mine = logs.run_here(script, text.given(), place / "ours")
        assert mine == theirs
        assert logs.picture(place / "ours") == logs.picture(place / "c")
