"""Options as the C commands parse them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.getopt import BAD, Options

Found = list[tuple[str, bytes]]


@pytest.mark.parametrize(
    ("argv", "found", "rest"),
    [
        ([], [], []),
        ([b"a", b"-u"], [], [b"a", b"-u"]),
        ([b"-u", b"-d", b"a"], [("u", b""), ("d", b"")], [b"a"]),
        ([b"-ud", b"a"], [("u", b""), ("d", b"")], [b"a"]),
        ([b"-u", b"--", b"-d"], [("u", b"")], [b"-d"]),
        ([b"-u", b"-", b"-d"], [("u", b"")], [b"-", b"-d"]),
        ([b"-vfile", b"a"], [("v", b"file")], [b"a"]),
        ([b"-v", b"file", b"a"], [("v", b"file")], [b"a"]),
        ([b"-uv", b"file"], [("u", b""), ("v", b"file")], []),
        ([b"-uvd"], [("u", b""), ("v", b"d")], []),
        ([b"-v", b"--", b"a"], [("v", b"--")], [b"a"]),
        ([b"-v", b"", b"a"], [("v", b"")], [b"a"]),
        ([b"-uu"], [("u", b""), ("u", b"")], []),
    ],
)
def test_good_options(argv: list[bytes], found: Found, rest: list[bytes]) -> None:
    options = Options("svc", argv, "udv:")
    assert list(options) == found
    assert options.rest == rest


@pytest.mark.parametrize(
    ("argv", "found", "said"),
    [
        ([b"-zu"], [(BAD, b"z"), ("u", b"")], b"svc: illegal option -- z\n"),
        ([b"-:"], [(BAD, b":")], b"svc: illegal option -- :\n"),
        ([b"-\xff"], [(BAD, b"\xff")], b"svc: illegal option -- \xff\n"),
        ([b"-v"], [(BAD, b"v")], b"svc: option requires an argument -- v\n"),
    ],
)
def test_bad_options(
    capfdbinary: pytest.CaptureFixture[bytes], argv: list[bytes], found: Found, said: bytes
) -> None:
    assert list(Options("svc", argv, "udv:")) == found
    assert capfdbinary.readouterr().err == said


@given(st.lists(st.binary(max_size=6)), st.text("abc:", max_size=5))
def test_no_word_is_lost(argv: list[bytes], spec: str) -> None:
    before = list(argv)
    options = Options("svc", argv, spec)
    list(options)
    assert argv == before, "the caller's list is left alone"
    assert options.rest == argv[len(argv) - len(options.rest) :]
    rest = options.rest
    if rest and len(rest) < len(argv):
        consumed = argv[: len(argv) - len(rest)]
        is_option = len(rest[0]) > 1 and rest[0].startswith(b"-")
        assert not is_option or b"--" in consumed


@pytest.mark.parametrize(
    ("line", "found", "rest", "complaint"),
    [
        ("", [], "", ""),
        ("-ab -c", [("a", ""), ("b", ""), ("c", "")], "", ""),
        ("-v1 x", [("v", "1")], "x", ""),
        ("-v 1 x", [("v", "1")], "x", ""),
        ("-av1b x", [("a", ""), ("v", "1b")], "x", ""),
        ("-v -- x", [("v", "--")], "x", ""),
        ("-a -- -b", [("a", "")], "-b", ""),
        ("-a --b -c", [("a", "")], "-c", ""),
        ("-a - -b", [("a", "")], "- -b", ""),
        ("x -a", [], "x -a", ""),
        ("-z", [("?", "z")], "", "p: illegal option -- z\n"),
        ("-a-b", [("a", ""), ("?", "-"), ("b", "")], "", "p: illegal option -- -\n"),
        ("-:", [("?", ":")], "", "p: illegal option -- :\n"),
        ("-v", [("?", "v")], "", "p: option requires an argument -- v\n"),
    ],
)
def test_complaints(
    capfdbinary: pytest.CaptureFixture[bytes],
    line: str,
    found: list[tuple[str, ...]],
    rest: str,
    complaint: str,
) -> None:
    options = Options("p", line.encode().split(), "abcv:")
    assert [(letter, value.decode()) for letter, value in options] == found
    assert options.rest == rest.encode().split()
    assert capfdbinary.readouterr().err == complaint.encode()
