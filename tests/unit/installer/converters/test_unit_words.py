"""How systemd takes lines apart: by its manual, and by what its own tests say."""

from __future__ import annotations

import pytest

from slashservice.installer.converters import unit_words
from slashservice.installer.converters.unit_words import Names, Unclear, command, split


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
        (["/bin/a", "${X:-y}b"], '/bin/a "b"', True),
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


def test_specifiers() -> None:
    names = Names("app-web@a-b\\x2dc.service")
    found = names.filled("%n|%N|%p|%i|%I|%f|%j|%t|%S|%C|%L|%E|%u|%U|%h|%%|%")
    assert found == (
        "app-web@a-b\\x2dc.service|app-web@a-b\\x2dc|app-web|a-b\\x2dc|a/b-c|/a/b-c|web"
        "|/run|/var/lib|/var/cache|/var/log|/etc|root|0|/root|%|%"
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
    ],
)
def test_files_of_variables(text: str, value: str) -> None:
    assert unit_words.environment_file(text) == {"A": value}
    assert unit_words.environment_file(f"B=1\n{text}\nC=2\n") == {"A": value, "B": "1", "C": "2"}
