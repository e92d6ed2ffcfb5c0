"""svlogd beside runit's: generated options, configurations and input leave the same files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import logs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.supervise.logs.svlogd import SvlogdLogger

RUNIT = Path("/usr/bin/svlogd")

LENGTHS = [0, 1, 2, 3, 25, 26, 27, 199, 200, 201, 485, 512, 899, 900, 901, 998, 999, 1000, 1001]
LENGTHS += [1002, 1023, 1024, 1025, 1999, 2000, 2001, 2600, 4096, 9000]

LABEL = re.compile(rb"@[0-9a-f]{24}")

words = st.text("xyz* @", max_size=6).map(str.encode)
pluses = st.text("xyz*+ @", max_size=6).filter(lambda text: text[-1:] != "+").map(str.encode)
"""In runit's a plus at the end of a line looks at what is behind it, of a line before."""
seeds = st.text("xyz*+ @\xff\r\t", min_size=1, max_size=30).map(lambda s: s.encode("latin-1"))


class Text:
    """Lines as brief as they are made: of a seed, so long, so often; the last of them ends."""

    def __init__(self, parts: list[tuple[bytes, int, int, bytes]], packets: list[int]) -> None:
        self.parts = parts
        self.packets = packets

    def __repr__(self) -> str:
        return f"{self.parts} in packets of {self.packets}"

    def given(self) -> bytes | list[bytes]:
        data = b"".join(
            ((seed * (length // len(seed) + 1))[: length if length >= 0 else len(seed)] + end)
            * times
            for seed, length, times, end in self.parts
        )
        data += b"\n" if data and data[-1:] != b"\n" else b""  # runit loses a line without an end
        if not self.packets:
            return data
        result: list[bytes] = []
        while data:
            cut = self.packets[len(result) % len(self.packets)]
            result.append(data[:cut])
            data = data[cut:]
        return result


parts = st.tuples(
    seeds,
    st.one_of(st.just(-1), st.just(-1), st.sampled_from(LENGTHS)),
    st.sampled_from([1, 1, 1, 2, 3, 7, 40]),
    st.sampled_from([b"\n"] * 9 + [b""]),
)
files = st.builds(Text, st.lists(parts, max_size=8), st.just([]))
packets = st.builds(
    Text,
    st.lists(parts, max_size=8),
    st.lists(st.one_of(st.integers(1, 40), st.integers(1, 1024)), min_size=1, max_size=12),
)
texts = st.one_of(files, packets)

rules = st.builds(
    lambda letter, pattern: letter + pattern, st.sampled_from([b"+", b"-", b"e", b"E"]), words
)
sizes = st.sampled_from(
    [b"s0", b"s", b"s1000", b"s1001", b"s2000", b"s4096", b"s6000", b"s3k", b"s1m", b"sx"]
)
numbers = st.sampled_from([b"n2", b"n3", b"n0", b"n5x", b"n", b"n1", b"N1", b"N"])
others = st.sampled_from(
    [b"", b"# s1", b"q", b"z9", b"p", b"pa prefix: ", b"px", b"t1h", b"t0", b"!"]
)
PROCESSORS = [
    b"!cat",
    b"!tr x y",
    b"!cat <&4; cat; echo $$ | tr -d 0-9 >&5",
    b"!wc -c | tr -d ' ' >&5",
]
processors = st.sampled_from(PROCESSORS)


@st.composite
def configurations(draw: st.DrawFn) -> bytes | None:
    lines = draw(st.lists(st.one_of(rules, rules, sizes, numbers, others), max_size=6))
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(processors))
    if not lines and draw(st.booleans()):
        return None
    return b"\n".join(lines) + draw(st.sampled_from([b"\n", b"", b"\n\n"]))


options = st.lists(
    st.sampled_from(
        [b"-t", b"-tt", b"-ttt", b"-r_", b"-r-", b"-Rxy", b"-R@", b"-l200", b"-l900", b"-b2000"]
    ),
    max_size=3,
)


def plain(errors: bytes) -> bytes:
    """Return what was said, without figures of time, and what runit says at other moments.

    It goes line by line through all directories; we go block by block. So the order is left out.
    """
    errors = LABEL.sub(b"@", logs.plain(errors))
    beside = (b"svlogd: info: sigchild", b"svlogd: info: process")
    lines = [line for line in errors.splitlines(True) if not line.startswith(beside)]
    return b"".join(sorted(lines))


def both(
    argv: Sequence[bytes],
    configs: Sequence[bytes | None],
    texts: Sequence[bytes | list[bytes]],
    before: Sequence[Left] = (),
) -> None:
    """Run both programs, in directories of their own, and compare all they did."""
    with logs.scratch() as place:
        for name in ("c", "ours"):
            for number, config in enumerate(configs):
                directory = place / name / f"d{number}"
                directory.mkdir(parents=True)
                if config is not None:
                    (directory / "config").write_bytes(config)
                for left in before:
                    left.make(directory)
        for text in texts:
            theirs = logs.run_program(RUNIT, argv, text, place / "c")
            mine = logs.run_here(argv, text, place / "ours", SvlogdLogger)
            assert (mine[0], plain(mine[1])) == (theirs[0], plain(theirs[1]))
        assert logs.picture(place / "ours") == logs.picture(place / "c")


MANY = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def commands(draw: st.DrawFn) -> tuple[list[bytes], list[bytes | None]]:
    configs = draw(st.lists(configurations(), min_size=1, max_size=3))
    directories = [b"d%d" % number for number in range(len(configs))]
    return [*draw(options), *directories], configs


@MANY
@given(command=commands(), text=texts)
def test_lines(command: tuple[list[bytes], list[bytes | None]], text: Text) -> None:
    both(*command, [text.given()])


@MANY
@given(
    patterns=st.lists(pluses, min_size=1, max_size=4),
    line=st.text("xyz+ @", max_size=12).map(str.encode),
    option=st.sampled_from([[], [b"-t"], [b"-tt"]]),
)
def test_pluses(patterns: list[bytes], line: bytes, option: list[bytes]) -> None:
    config = b"".join(b"%c%s\n" % (b"-+"[n % 2], one) for n, one in enumerate(patterns))
    both([*option, b"d0"], [config], [line + b"\n"])


@MANY
@given(command=commands(), first=texts, second=texts)
def test_again(command: tuple[list[bytes], list[bytes | None]], first: Text, second: Text) -> None:
    """A second svlogd goes on where a first one ended; both say what they do."""
    both([b"-v", *command[0]], command[1], [first.given(), second.given()])


@pytest.mark.parametrize("text", [b"\r\r\n", b"a\rb\n", b"\x0b\x0c\n\r\n", b"\r\n\r\n", b"\x85\n"])
@pytest.mark.parametrize("pattern", [b"e", b"e*", b"e\r", b"E*"])
@pytest.mark.parametrize("many", [1, 2, 3])
def test_what_ends_a_line(text: bytes, pattern: bytes, many: int) -> None:
    """A newline alone does, however many directories alert of it."""
    directories = [b"d%d" % number for number in range(many)]
    both([b"-v", b"-t", *directories], [pattern + b"\n"] * many, [b"", text])


class Left:
    """A file as an ended logger may have left it."""

    def __init__(self, name: str, mode: int, size: int) -> None:
        self.name, self.mode, self.size = name, mode, size

    def __repr__(self) -> str:
        return f"{self.name} {self.mode:o} {self.size}"

    def make(self, directory: Path) -> None:
        path = directory / self.name
        path.write_bytes((self.name.encode() + b"\n") * self.size)
        path.chmod(self.mode)


names = st.one_of(
    st.sampled_from(["current", "current", "state", "newstate", "lock", "other", "@short.s"]),
    st.builds(
        lambda digit, code: f"@40000000000000000000000{digit}{code}",
        st.integers(0, 9),
        st.sampled_from([".s", ".u", ".s", ".t", "", ".xyz"]),
    ),
)
lefts = st.builds(
    Left, names, st.sampled_from([0o644, 0o744, 0o600, 0o100]), st.sampled_from([0, 1, 30, 200])
)


@MANY
@given(
    left=st.lists(lefts, max_size=8, unique_by=lambda one: one.name[:25]),
    lines=st.lists(st.one_of(sizes, numbers), max_size=3),
    processor=st.sampled_from([[], [], [], [b"!cat; cat <&4 >&5"]]),
    text=texts,
)
def test_tidying_up(
    left: list[Left], lines: list[bytes], processor: list[bytes], text: Text
) -> None:
    """Whatever state a directory was left in, the same is made of it."""
    config = b"\n".join([*lines, *processor, b""])
    both([b"-v", b"d0"], [config], [text.given()], left)
