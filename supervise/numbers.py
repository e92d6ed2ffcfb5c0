"""Numbers in the words of a command line, as C reads them."""

from __future__ import annotations

LARGEST = (1 << 64) - 1
"""The largest number in C's 64 bits; one more is 0 again."""


def unsigned(word: bytes) -> int | None:
    """Return the number in ``word``; None if it has anything but digits. Empty is 0."""
    number = 0
    for digit in word:
        if not 48 <= digit <= 57:
            return None
        number = number * 10 + digit - 48 & LARGEST
    return number


def leading(text: bytes) -> int:
    """Return the number that ``text`` begins with, 0 if there is none; as C's ``scan_ulong``."""
    return unsigned(text[: len(text) - len(text.lstrip(b"0123456789"))]) or 0


def signed(word: bytes) -> int | None:
    """Return the number in ``word``, which may have a sign; None if there is none."""
    number = unsigned(word[1:] if word[:1] in (b"+", b"-") else word)
    return -number if number is not None and word[:1] == b"-" else number


def octal(word: bytes) -> int | None:
    """Return the file mode in ``word``, 0 to 777; None if there is none."""
    if not 1 <= len(word) <= 4 or word.strip(b"01234567"):
        return None
    number = int(word, 8)
    return number if number <= 0o777 else None
