"""A word in the value of a setting, as of OpenBSD's ``pkg_scripts=one two``.

The value keeps its quotes, its comment, its blanks and the lines that it goes on in. Where it
is written in a way that can't be read with certainty, it is left to the administrator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slashservice.installer.errors import Refusal

BLANKS = rb"(?:[ \t]|\\\n)*"
"""Between words, and behind them: a backslash at the end of a line goes on in the next."""

NAME = rb"[\w./+@-]+"
LIST = rb"(?:%s(?:(?:[ \t]|\\\n)+%s)*)?" % (NAME, NAME)
QUOTED = rb"(?:[ \t\n]|\\\n)*(?:%s(?:(?:[ \t\n]|\\\n)+%s)*)?(?:[ \t\n]|\\\n)*" % (NAME, NAME)
VALUE = rb"(?:\"(?P<double>%s)\"|'(?P<single>%s)'|(?P<bare>%s))" % (QUOTED, QUOTED, LIST)
REST = rb"%s(?:(?<=[ \t])#[^\n]*)?(?:\n|$)" % BLANKS


@dataclass(frozen=True)
class Word:
    """A word in a ``name=one two three`` line, as of OpenBSD's ``rc.conf.local``."""

    name: str
    word: str

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the word behind the others of the last line of that name.

        Where the value goes on in other lines it is the last of the first line: a reader that
        knows of no lines that go on finds it there as well.
        """
        found = self._find(text)
        if found is None:
            whole = text if not text or text.endswith(b"\n") else text + b"\n"
            return whole + f"{self.name}={self.word}\n".encode()
        start, end = found
        value = text[start:end]
        if self.word.encode() in _words(value):
            return text
        line = re.split(rb"\\?\n", value, maxsplit=1)[0]
        at = start + len(line.rstrip(b" \t"))
        before = text[start:at]
        space = b" " if before else b""
        after = b" " if not before and line != value and value.strip() else b""
        return text[:at] + space + self.word.encode() + after + text[at:]

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the word, and without the line if it says nothing else."""
        try:
            found = self._find(text)
        except Refusal:
            return text  # nobody can tell: what starts is gone anyhow
        if found is None or self.word.encode() not in _words(text[slice(*found)]):
            return text
        start, end = found
        word = re.escape(self.word.encode())
        value = re.sub(rb"(?:^|[ \t]+)%s(?![\w./+@-])" % word, b"", text[start:end], count=1)
        if value == text[start:end]:  # the first of a line that goes on
            value = re.sub(rb"(?<![\w./+@-])%s[ \t]*" % word, b"", value, count=1)
        value = value.lstrip(b" \t") if not text[start:end].startswith((b" ", b"\t")) else value
        left = text[:start] + value + text[end:]
        line_start = text.rfind(b"\n", 0, start) + 1
        line_end = left.find(b"\n", line_start) + 1 or len(left)
        alone = left[line_start:line_end].strip() == f"{self.name}=".encode()
        return left[:line_start] + left[line_end:] if alone else left

    def holds(self, text: bytes) -> bool:
        """Tell whether the word is in the list already."""
        try:
            found = self._find(text)
        except Refusal:
            return re.search(rb"\b%s\b" % re.escape(self.word.encode()), text) is not None
        return found is not None and self.word.encode() in _words(text[slice(*found)])

    @property
    def own(self) -> str:
        """What we put into the file."""
        return self.word

    def found(self, text: bytes) -> str | None:
        """Return what is there of our part of the file: the word, or nothing."""
        return self.word if self.holds(text) else None

    def _find(self, text: bytes) -> tuple[int, int] | None:
        """Return where the last value of that name begins and ends, without its quotes.

        :class:`Refusal` where it is written in some other way.
        """
        name = re.escape(self.name.encode())
        settings = list(re.finditer(rb"^[ \t]*%s[ \t]*(\+?=)[ \t]*" % name, text, re.M))
        if not settings:
            return None
        at = settings[-1].end()
        value = re.compile(VALUE + REST).match(text, at)
        if value is None or settings[-1][1] != b"=":
            line = text[settings[-1].start() :].split(b"\n", 1)[0].decode(errors="replace")
            raise Refusal(
                f"what {self.name} is set to can't be told: {line.strip()}",
                f"Put {self.word} into it yourself, as in {self.name}=one two {self.word}.",
            )
        group = next(one for one in ("double", "single", "bare") if value[one] is not None)
        start, end = value.span(group)
        return (settings[-1].end(1),) * 2 if group == "bare" and start == end else (start, end)


def _words(value: bytes) -> list[bytes]:
    """Return the words of a value."""
    return value.replace(b"\\\n", b" ").split()
