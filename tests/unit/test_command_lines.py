"""Numbers and options on command lines, as C reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise import getopt, numbers


@given(st.integers(min_value=0))
def test_numbers_wrap_at_64_bits(number: int) -> None:
    assert numbers.unsigned(b"%d" % number) == number % 2**64


def test_very_long_numbers() -> None:
    assert numbers.unsigned(b"0" * 10_000 + b"7") == 7
    assert numbers.unsigned(b"9" * 10_000) == (10**10_000 - 1) % 2**64


@pytest.mark.parametrize("word", [b"-1", b"+1", b" 1", b"1 ", b"0x1", b"1_0", b"=", b"\xb2"])
def test_what_is_no_number(word: bytes) -> None:
    assert numbers.unsigned(word) is None


@pytest.mark.parametrize(
    ("word", "number"),
    [(b"", 0), (b"+", 0), (b"-", 0), (b"5", 5), (b"-5", -5), (b"+5", 5), (b"--5", None),
     (b"+-5", None), (b"5-", None)],
)  # fmt: skip
def test_signs(word: bytes, number: int | None) -> None:
    assert numbers.signed(word) == number


@pytest.mark.parametrize(
    ("word", "number"),
    [(b"0", 0), (b"022", 0o22), (b"777", 0o777), (b"0777", 0o777), (b"1000", None), (b"8", None),
     (b"", None), (b"-1", None), (b"0o22", None), (b"00022", None)],
)  # fmt: skip
def test_masks(word: bytes, number: int | None) -> None:
    assert numbers.octal(word) == number


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
def test_options(
    capfdbinary: pytest.CaptureFixture[bytes],
    line: str,
    found: list[tuple[str, ...]],
    rest: str,
    complaint: str,
) -> None:
    options = getopt.Options("p", line.encode().split(), "abcv:")
    assert [(letter, value.decode()) for letter, value in options] == found
    assert options.rest == rest.encode().split()
    assert capfdbinary.readouterr().err == complaint.encode()
