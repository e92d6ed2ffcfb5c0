"""How systemd takes lines apart: by its manual, and by what its own tests say."""

from __future__ import annotations

import pytest

from slashservice.installer.converters import unit_words
from slashservice.installer.converters.unit_words import (
    Names,
    Unclear,
    command,
    marked,
    split,
    split_value,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a\tb  ", ["a", "b"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ("a'b c'd", ["ab cd"]),
        ('""', [""]),
        (r"\x41\101\u00e9\U0001f600\s\t", ["AAé😀 \t"]),
        (r"'\x41' \"", ["A", '"']),
        (r"\d \( \.", [r"\d", r"\(", r"\."]),
        (r"C:\\dir", ["C:\\dir"]),
        ('"it\'s"', ["it's"]),
        (r"\xe2\x82\xac", ["\udce2\udc82\udcac"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("text", ["'a", 'a "b', "a\\"])
def test_what_has_no_end(text: str) -> None:
    with pytest.raises(Unclear):
        split(text)


@pytest.mark.parametrize(
    ("words", "line", "expands"),
    [
        (["/bin/a", "b c"], "/bin/a 'b c'", False),
        (["/bin/a", "${X}"], '/bin/a "${X}"', True),
        (["/bin/a", "$X"], "/bin/a ${X}", True),
        (["/bin/a", "-$X"], "/bin/a '-$X'", False),
        (["/bin/a", "$X-y", "$", "$(b)", "$1"], "/bin/a", False),
        (["/bin/a", "$$X", "$${X}", "a$$b"], "/bin/a '$X' '${X}' 'a$b'", False),
        (["/bin/a", '"`\\${X}$$'], '/bin/a "\\"\\`\\\\${X}\\$"', True),
        (["/bin/a", "${X:-y}b"], "/bin/a '${X:-y}b'", False),
        (["/bin/a", "${X:-${Y}}b"], '/bin/a "\\${X:-${Y}}b"', True),
        (["/bin/a", "${X"], "/bin/a '${X'", False),
        (["/bin/$X"], "'/bin/$X'", False),
    ],
)
def test_variables(words: list[str], line: str, expands: bool) -> None:
    assert command(words, {}) == (line, expands, [])


def test_quotes_in_a_value_that_is_split() -> None:
    line, expands, odd = command(["/bin/a", "$X", "${X}"], {"X": "--b 'c d'"})
    assert line == "/bin/a --b 'c d' \"${X}\""
    assert (expands, odd) == (True, ["X"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("it's so", ["its so"]),
        (r"a\ b \t \'", ["a b", "t", "'"]),
        ("'' \"a", ["", "a"]),
        ("a\\", ["a"]),
    ],
)
def test_words_of_a_value(value: str, words: list[str]) -> None:
    """By rules of their own: no quote need be closed, and a backslash makes no escape."""
    assert split_value(value) == words


def test_strict_escapes() -> None:
    words = marked(r"A=\x41 B \q C", strict=True)
    assert [next(words), next(words)] == [("A=A", False), ("B", True)]
    with pytest.raises(Unclear, match=r"\\q is no escape"):
        next(words)


def test_specifiers() -> None:
    names = Names("app-web@a-b\\x2dc.service", {"s": "/bin/shell"})
    found = names.filled("%n|%N|%p|%i|%I|%f|%j|%t|%S|%C|%L|%E|%u|%U|%h|%s|%%|%- % |%")
    assert found == (
        "app-web@a-b\\x2dc.service|app-web@a-b\\x2dc|app-web|a-b\\x2dc|a/b-c|/a/b-c|web"
        "|/run|/var/lib|/var/cache|/var/log|/etc|root|0|/root|/bin/shell|%|%- % |%"
    )
    with pytest.raises(Unclear, match="%q"):
        names.filled("%q")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("A = b c  ", "b c"),
        ("A='b' \"c\"", "bc"),
        ("A='b'c'd'", "bc'd'"),
        ("A=b 'c'", "b 'c'"),
        ('A="\\"\\$\\`\\\\ \\n"', '"$`\\ \\n'),
        ("A=a\\\nb", "ab"),
        ("A='a\nb'", "a\nb"),
        ('A="a\\\nb"', "ab"),
        ("A=\\ b\\ ", " b "),
        ("A=", ""),
        ("# A=c\nA=b", "b"),
        ("; A=c\\\nA=d\nA=b", "b"),
        ("A=b # c", "b # c"),
        ("export A=c\nA=b", "b"),
        ("='\nA=b", "b"),
        ("no\rA=b", "b"),
    ],
)
def test_files_of_variables(text: str, value: str) -> None:
    assert unit_words.environment_file(text) == {"A": value}
    assert unit_words.environment_file(f"B=1\n{text}\nC=2\n") == {"A": value, "B": "1", "C": "2"}
