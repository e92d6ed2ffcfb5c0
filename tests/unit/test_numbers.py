"""Numbers on command lines, as C reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise import numbers


@given(st.integers(min_value=0))
def test_numbers_wrap_at_64_bits(number: int) -> None:
    assert numbers.unsigned(b"%d" % number) == number % 2**64


def test_very_long_numbers() -> None:
    assert numbers.unsigned(b"0" * 10_000 + b"7") == 7
    assert numbers.unsigned(b"9" * 10_000) == (10**10_000 - 1) % 2**64


@pytest.mark.parametrize("word", [b"-1", b"+1", b" 1", b"1 ", b"0x1", b"1_0", b"=", b"\xb2"])
def test_what_is_no_number(word: bytes) -> None:
    assert numbers.unsigned(word) is None


@given(st.integers(min_value=0), st.sampled_from([b"", b"x", b"-1", b" 9", b"\xb2", b"\n"]))
def test_numbers_that_words_begin_with(number: int, rest: bytes) -> None:
    assert numbers.leading(b"%d" % number + rest) == number % 2**64
    assert numbers.leading(rest) == 0


def test_very_long_numbers_that_words_begin_with() -> None:
    assert numbers.leading(b"9" * 10_000 + b"x") == (10**10_000 - 1) % 2**64


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
