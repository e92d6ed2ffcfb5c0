"""What a terminal may be shown of others' text."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise import printable as module
from slashservice.supervise.printable import (
    pieces,
    printable,
    printable_bytes,
    printable_json,
)

STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\u2028\u2029\ufeff\ufff9\U000e0001",
    *map(chr, range(0xD800, 0xE000)),
]
"""C0, DEL and C1; what turns the direction; what parts lines; marks and tags; lone surrogates."""

TEXTS = some.text(some.one_of(some.characters(), some.sampled_from(STEERING)))
RAW = some.one_of(some.binary(), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
KEPT = some.sampled_from(["", "\t", "\n", "\n\t"])

LANGUAGES = [
    "Grüße aus Köln",
    "Привет, мир",
    "服务已启动。",
    "サービス",
    "서비스",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "สวัสดี",
    "x́ e\u0301",
    "✓ 🚀 ─│┌",
    r"\x1b \n C:\new",
]


@given(TEXTS, KEPT)
def test_nothing_that_steers_a_terminal_gets_through(text: str, keep: str) -> None:
    shown = printable(text, keep)
    assert set(shown).isdisjoint(set(STEERING) - set(keep))
    left = shown.translate(dict.fromkeys(map(ord, keep), " "))
    assert not any(unicodedata.category(one)[0] in "CZ" for one in left if one != " ")
    shown.encode()


@given(RAW)
def test_nor_in_bytes(text: bytes) -> None:
    shown = printable_bytes(text).decode()
    assert set(shown).isdisjoint(set(STEERING) - {"\t"})


def test_each_of_them_is_told() -> None:
    for one in STEERING:
        shown = printable(f"a{one}b")
        assert shown.isascii() and shown.startswith("a\\") and shown.endswith("b")
        assert printable(f"a{one}b", one) == f"a{one}b"


@given(some.text(some.characters().filter(str.isprintable)))
def test_what_is_printable_stays(text: str) -> None:
    assert printable(text) == text
    assert printable_bytes(text.encode()) == text.encode()


@pytest.mark.parametrize("text", LANGUAGES)
def test_any_language_stays(text: str) -> None:
    assert printable(text) == text
    assert printable_bytes(text.encode()) == text.encode()


@given(TEXTS, KEPT)
def test_what_was_shown_is_shown_so_again(text: str, keep: str) -> None:
    shown = printable(text, keep)
    assert printable(shown, keep) == printable(shown, keep + "\t") == shown


@given(TEXTS, TEXTS, KEPT)
def test_each_character_is_shown_by_itself(one: str, other: str, keep: str) -> None:
    assert printable(one + other, keep) == printable(one, keep) + printable(other, keep)


@given(RAW)
def test_bytes_are_shown_as_the_text_that_they_are(text: bytes) -> None:
    as_text = text.decode("utf-8", "surrogateescape")
    assert printable_bytes(text).decode() == printable(as_text, "\t")


@given(RAW, some.integers(4, 9))
def test_in_pieces_it_is_the_same(text: bytes, size: int) -> None:
    whole = printable_bytes(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", size)
        assert b"".join(pieces(text)) == whole


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[2J\r\n", rb"\x1b[2J\r\n"),
        (b"caf\xe9", rb"caf\xe9"),
        ("a\u202eb\u2028".encode(), rb"a\u202eb\u2028"),
        (b"\xed\xa0\x80", rb"\xed\xa0\x80"),
        (b"a\tb", b"a\tb"),
    ],
)
def test_how_it_is_written(raw: bytes, shown: bytes) -> None:
    assert printable_bytes(raw) == shown


@given(TEXTS)
def test_json_says_the_same(text: str) -> None:
    shown = printable_json(json.dumps(text))
    assert shown.isascii() and shown.isprintable()
    assert json.loads(shown) == json.loads(json.dumps(text))
