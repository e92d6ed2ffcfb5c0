"""The words of systemd's command lines and lists: quotes, escapes, specifiers and variables.

As systemd takes them apart: systemd.service(5), "Command lines", and systemd.unit(5), "Specifiers".
The quotes go first, then specifiers are filled in word by word, and variables when it is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from shlex import quote

from slashservice.installer.converters import shell
from slashservice.installer.detection.specifiers import SPECIFIERS, unescaped

BLANKS = " \t\n\r"
ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "s": " ",
}
NUMBERED = (
    (re.compile(r"x([0-9a-fA-F]{2})"), 16),
    (re.compile(r"u([0-9a-fA-F]{4})"), 16),
    (re.compile(r"U([0-9a-fA-F]{8})"), 16),
    (re.compile(r"([0-3][0-7]{2})"), 8),
)
VARIABLE = re.compile(r"\$(?:\$|\{([^}:]*)\})")
WORD_VARIABLE = re.compile(r"\$(?![{$])(.*)", re.DOTALL)


class Unclear(Exception):  # noqa: N818 - the file is to be mended, not us
    """A line can't be taken apart; the text says why."""


def split(text: str) -> list[str]:
    """Return the words of a value, without their quotes and with their escapes resolved.

    An escape that means nothing stays as it is.
    """
    return [word for word, _ in marked(text)]


def split_marked(text: str) -> list[tuple[str, bool]]:
    """Return words; and of each whether it is as it stands there: bare, and no escapes in it."""
    return list(marked(text))


def marked(text: str, *, strict: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield the same; an escape that means nothing is an error if it is ``strict``."""
    word: str | None = None
    bare = True
    mark = ""
    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if not mark and c in BLANKS:
            if word is not None:
                yield word, bare
            word, bare = None, True
            continue
        word = word or ""
        if c == mark:
            mark = ""
        elif not mark and c in "'\"":
            mark, bare = c, False
        elif c == "\\":
            piece, at = _escape(text, at, strict)
            word += piece
            bare = False
        else:
            word += c
    if mark:
        raise Unclear(f"a quote {mark} is not closed")
    if word is not None:
        yield word, bare


def split_value(text: str) -> list[str]:
    """Return the words of a variable's value. A backslash has the next character mean itself.

    A quote need not be closed.
    """
    found: list[str] = []
    word: str | None = None
    mark = ""
    characters = iter(text)
    for c in characters:
        if not mark and c in BLANKS:
            if word is not None:
                found.append(word)
            word = None
            continue
        word = word or ""
        if c == mark:
            mark = ""
        elif not mark and c in "'\"":
            mark = c
        else:
            word += next(characters, "") if c == "\\" else c
    return found if word is None else [*found, word]


def _escape(text: str, at: int, strict: bool) -> tuple[str, int]:
    """Return what an escape stands for whose backslash was read, and where to go on."""
    if at >= len(text):
        raise Unclear("there is a backslash at the end")
    if text[at] in ESCAPES:
        return ESCAPES[text[at]], at + 1
    for pattern, base in NUMBERED:
        found = pattern.match(text, at)
        if found and (number := int(found[1], base)) and _is_character(number):
            if pattern is NUMBERED[0][0] or base == 8:
                return os.fsdecode(bytes([number])), found.end()
            return chr(number), found.end()
    if strict:
        raise Unclear(f"\\{text[at]} is no escape")
    return "\\" + text[at], at + 1


def _is_character(number: int) -> bool:
    """Tell whether there is a character of that number."""
    return number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF


class Names:
    """What the unit says of itself and of the host by ``%i`` and the like."""

    def __init__(self, name: str, of_host: dict[str, str]) -> None:
        stem = name.rpartition(".")[0]
        prefix, _, instance = stem.partition("@")
        last = prefix.rpartition("-")[2]
        self._values = SPECIFIERS | {"n": name, "N": stem, "p": prefix, "i": instance}
        self._values |= {"P": unescaped(prefix), "I": unescaped(instance), "%": "%"}
        self._values |= {"j": last, "J": unescaped(last), "g": "root", "G": "0"} | of_host
        self._values["f"] = "/" + (self._values["I"] or self._values["P"]).lstrip("/")
        self._values["H"] = os.uname().nodename
        self._values["l"] = self._values["H"].partition(".")[0]
        self._values["v"] = os.uname().release

    def filled(self, text: str) -> str:
        """Return text with its specifiers filled in, which are letters and digits."""

        def value(found: re.Match[str]) -> str:
            if not re.fullmatch("[A-Za-z0-9%]", found[1]):
                return found[0]
            if found[1] not in self._values:
                raise Unclear(f"what {found[0]} stands for is not known here")
            return self._values[found[1]]

        return re.sub(r"%(.)", value, text)


def command(words: list[str], known: dict[str, str]) -> tuple[str, bool, list[str]]:
    """Return a command as a line of shell, whether a shell has to read it, and odd variables.

    ``${X}`` is the value; ``$X`` alone is its words, which may be none. Odd are those whose words
    a shell would find others than systemd does, as there are quotes in the value that is ``known``.
    Their words are written down as they are now.
    """
    odd: list[str] = []
    pieces = [quote(words[0])]
    expands = False
    for word in words[1:]:
        alone = WORD_VARIABLE.fullmatch(word)
        if alone and not shell.NAME.fullmatch(alone[1]):
            continue  # systemd knows no such variable, and so it has no words
        if alone and re.search(r"['\"\\\r]", known.get(alone[1], "")):
            odd.append(alone[1])
            pieces += [quote(one) for one in split_value(known[alone[1]])]
        elif alone:
            expands = True
            pieces.append(f"${{{alone[1]}}}")
        elif any(found[1] is not None for found in VARIABLE.finditer(word)):
            expands = True
            pieces.append(_between_quotes(word))
        else:
            pieces.append(quote(word.replace("$$", "$")))
    return " ".join(pieces), expands, odd


def _between_quotes(word: str) -> str:
    """Return a word with variables in it, as it stands between double quotes."""
    text = ""
    at = 0
    for found in VARIABLE.finditer(word):
        text += shell.between_quotes(word[at : found.start()])
        if found[1] is None:
            text += r"\$"
        elif shell.NAME.fullmatch(found[1]):
            text += found[0]
        at = found.end()
    return f'"{text}{shell.between_quotes(word[at:])}"'


def environment_file(text: str) -> dict[str, str]:
    """Return the variables of an ``EnvironmentFile=``, which looks like shell and is none."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in BLANKS:
            at += 1
        if at < len(text) and text[at] in "#;":
            at = _behind_comment(text, at)
            continue
        end = _end_of_line(text, at)
        equals = text.find("=", at + 1, end)
        if equals < 0:
            at = end
            continue
        name = text[at:equals].strip()
        value, at = _value(text, equals + 1)
        if shell.NAME.fullmatch(name):
            found[name] = value
    return found


def _end_of_line(text: str, at: int) -> int:
    found = re.compile("[\r\n]").search(text, at)
    return found.start() if found else len(text)


def _behind_comment(text: str, at: int) -> int:
    """Return where a comment ends; a backslash has it go on in the next line."""
    while at < len(text) and text[at] != "\n":
        at += 2 if text[at] == "\\" else 1
    return at


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value that begins at ``at``, and where its line ends.

    Quotes count only as long as nothing came before that is bare.
    """
    value = ""
    kept = 0
    begun = False
    while at < len(text) and text[at] not in "\n\r":
        c = text[at]
        at += 1
        if c == "\\":
            begun = True
            if at < len(text) and text[at] not in "\n\r":
                value += text[at]
                kept = len(value)
            at += 1
        elif not begun and c in "'\"":
            piece, at = _quoted(text, at, c)
            value += piece
            kept = len(value)
        elif begun or c not in BLANKS:
            begun = True
            value += c
    return value[:kept] + value[kept:].rstrip(BLANKS), at


def _quoted(text: str, at: int, mark: str) -> tuple[str, int]:
    """Return what is between quotes, and where to go on behind them."""
    value = ""
    while at < len(text) and text[at] != mark:
        if text[at] == "\\" and mark == '"' and at + 1 < len(text):
            at += 1
            if text[at] in '"\\`$':
                value += text[at]
            elif text[at] != "\n":
                value += "\\" + text[at]
        else:
            value += text[at]
        at += 1
    return value, at + 1
