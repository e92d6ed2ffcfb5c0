"""Changes inside files that belong to others: a marked block, or one word in a list.

Each is a pure function on bytes with its own inverse. The inverse is only needed when
someone else has changed the file since; otherwise the bytes from before are put back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from slashservice.installer.errors import Refusal
from slashservice.installer.host.marks import BEGIN, END, block

COMMENT_MARK = "#slashservice# "

Place = Literal["end", "before-exit", "start"]


@dataclass(frozen=True)
class Block:
    """Lines between two marks, at some place of a text file.

    ``before`` is a regular expression: the block goes ahead of the first line it matches,
    where there is one; ``place`` counts otherwise. ``fresh`` is what the file begins with
    when there was none.
    """

    lines: str
    place: Place = "end"
    before: str = ""
    fresh: str = ""

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the block in it, once."""
        text = self.remove(text)
        if text and not text.endswith(b"\n"):
            text += b"\n"
        ours = BEGIN + self.lines.encode() + END
        if not text:
            return self.fresh.encode() + ours
        lines = text.splitlines(keepends=True)
        at = self._place(lines)
        return b"".join([*lines[:at], ours, *lines[at:]])

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the block, all else as it is.

        :class:`~slashservice.installer.host.marks.BrokenMarks` where the marks are no pair.
        """
        found = block(text)
        if found is None:
            return text
        lines = _lines(text)
        return b"".join([*lines[: found[0]], *lines[found[1] + 1 :]])

    def found(self, text: bytes) -> str | None:
        """Return the lines that are between the marks in ``text``, ``None`` without marks."""
        found = block(text)
        if found is None:
            return None
        return b"".join(_lines(text)[found[0] + 1 : found[1]]).decode(errors="replace")

    def _place(self, lines: list[bytes]) -> int:
        """Return the index of the line the block goes before."""
        if self.before:
            pattern = re.compile(self.before.encode())
            for at, line in enumerate(lines):
                if pattern.match(line):
                    return at
        if self.place == "before-exit":
            return final_exit(lines)
        if self.place == "start":
            return next((at for at, line in enumerate(lines) if line[:1] != b"#"), len(lines))
        return len(lines)


def _lines(text: bytes) -> list[bytes]:
    """Return the lines with their ends, cut at newlines alone."""
    return [line for line in re.split(rb"(?<=\n)", text) if line]


@dataclass(frozen=True)
class Word:
    """A word in a ``name=one two three`` line, as of OpenBSD's ``rc.conf.local``."""

    name: str
    word: str

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the word at the end of the last line of that name."""
        if text and not text.endswith(b"\n"):
            text += b"\n"
        lines = text.splitlines(keepends=True)
        at = self._find(lines)
        if at is None:
            return text + f"{self.name}={self.word}\n".encode()
        words = self._words(lines[at])
        if self.word not in words:
            lines[at] = self._line([*words, self.word])
        return b"".join(lines)

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the word, and without the line if it was the only one."""
        lines = text.splitlines(keepends=True)
        at = self._find(lines)
        if at is not None and self.word in self._words(lines[at]):
            rest = [one for one in self._words(lines[at]) if one != self.word]
            lines[at : at + 1] = [self._line(rest)] if rest else []
        return b"".join(lines)

    def _find(self, lines: list[bytes]) -> int | None:
        """Return the index of the last line that sets the name."""
        start = f"{self.name}=".encode()
        found = [at for at, line in enumerate(lines) if line.lstrip().startswith(start)]
        return found[-1] if found else None

    def _words(self, line: bytes) -> list[str]:
        """Return the words a line sets."""
        value = line.decode("latin-1").split("=", 1)[1].split("#", 1)[0].strip()
        return value.strip("\"'").split()

    def _line(self, words: list[str]) -> bytes:
        """Compose a line that sets ``words``."""
        return f"{self.name}={' '.join(words)}\n".encode("latin-1")


@dataclass(frozen=True)
class CommentOut:
    """One line of another supervisor's wiring, put out of force."""

    line: str
    mark: str = COMMENT_MARK

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the line turned into a comment."""
        old, new = self.line.encode("latin-1"), (self.mark + self.line).encode("latin-1")
        return b"".join(
            line.replace(old, new) if line.rstrip(b"\n") == old else line
            for line in text.splitlines(keepends=True)
        )

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` with the line in force again."""
        return text.replace((self.mark + self.line).encode("latin-1"), self.line.encode("latin-1"))


@dataclass(frozen=True)
class Target:
    """A script in insserv's ``.depend.start`` or ``.depend.stop``.

    startpar goes by these files, and not by the numbers of links. They have the form of a
    makefile: ``TARGETS =`` all scripts, then lines ``script: those that it waits for``. With
    ``first`` all others wait for the script. insserv writes the files anew from the scripts'
    headers, whenever a package has it run, and comes to the same result.
    """

    script: str
    first: bool = False

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the script in it."""
        lines = self.remove(text).decode("latin-1").splitlines()
        if not lines or not lines[0].startswith("TARGETS ="):
            return text
        targets = lines[0].removeprefix("TARGETS =").split()
        lines[0] = " ".join(["TARGETS =", *targets, self.script])
        waiting = {line.split(":")[0] for line in lines[1:] if ":" in line}
        if self.first:  # directly: a script that is not to be stopped holds back nobody else
            lines[1:] = [f"{one} {self.script}" if ":" in one else one for one in lines[1:]]
            lines += [f"{one}: {self.script}" for one in targets if one not in waiting]
        return ("\n".join(lines) + "\n").encode("latin-1")

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the script."""
        kept = []
        for line in text.decode("latin-1").splitlines():
            name, colon, rest = line.partition(":")
            if line.startswith("TARGETS ="):
                words = [word for word in line.split()[2:] if word != self.script]
                line = " ".join(["TARGETS =", *words])
            elif colon and self.script in (name, *rest.split()):
                words = [word for word in rest.split() if word != self.script]
                line = f"{name}: {' '.join(words)}"
                if name == self.script or not words:
                    continue
            kept.append(line)
        return ("\n".join(kept) + "\n").encode("latin-1")


@dataclass(frozen=True)
class SchemeBlock:
    """Lines between two marks, at the end of a file of Scheme, whose comments begin otherwise."""

    lines: str
    mark: str = ";;"

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the block at its end, once."""
        text = self.remove(text)
        newline = b"\n" if text and not text.endswith(b"\n") else b""
        begin, end = self._marks()
        return text + newline + begin + self.lines.encode() + end

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the block, all else as it is."""
        begin, end = self._marks()
        if text.count(begin) != text.count(end) or text.count(begin) > 1:
            raise Refusal("the marks of slashservice's own lines are broken: remove them by hand")
        start = text.find(begin)
        return text if start < 0 else text[:start] + text[text.index(end) + len(end) :]

    def _marks(self) -> tuple[bytes, bytes]:
        """Return the lines around ours."""
        return BEGIN.replace(b"#", self.mark.encode()), END.replace(b"#", self.mark.encode())


Editor = Block | Word | CommentOut | Target | SchemeBlock
EDITORS: dict[str, type[Any]] = {
    "block": Block,
    "word": Word,
    "comment-out": CommentOut,
    "target": Target,
    "scheme-block": SchemeBlock,
}


def check_text(data: bytes, name: str) -> None:
    """Refuse to edit what is no plain Unix text."""
    if b"\0" in data:
        raise Refusal(f"{name} has NUL bytes: it is no text file to put lines into")
    if b"\r\n" in data:
        raise Refusal(
            f"{name} has lines that end in carriage returns",
            "The programs that read it would take them for part of the command: convert it first.",
        )


OPENERS = re.compile(rb"(if|case|for|while|until|select|\{|\()(\s|$|;)")
CLOSERS = re.compile(rb"(fi|esac|done|\}|\))(\s|$|;|&|\|)")
ENDS = re.compile(rb"(exit|exec)(\s|$|;)")
HERE = re.compile(rb"<<-?\s*[\"'\\]?(\w+)")
ONE_LINE = re.compile(rb"(^|[;\s])(fi|esac|done)\s*($|[;&|#])")


def final_exit(lines: list[bytes]) -> int:
    """Return the index of the first line of a shell script after which nothing would run.

    That is an ``exit`` or ``exec`` outside any ``if``, loop, function or here-document;
    the number of lines where there is none.
    """
    depth = 0
    here = b""
    for at, line in enumerate(lines):
        text = line.strip()
        if here:
            here = b"" if text == here else here
            continue
        if text.startswith(b"#"):
            continue
        if depth == 0 and ENDS.match(text) and not _redirects_only(text):
            return at
        found = HERE.search(text)
        here = found.group(1) if found else b""
        if OPENERS.match(text) and not ONE_LINE.search(text):
            depth += 1
        elif CLOSERS.match(text):
            depth = max(0, depth - 1)
        elif re.match(rb"[\w-]+\s*\(\)\s*\{?\s*$", text) and text.endswith(b"{"):
            depth += 1
    return len(lines)


def _redirects_only(text: bytes) -> bool:
    """Tell an ``exec`` that only redirects the script's own output, as in ``exec 2>&1``."""
    words = text.split()
    return words[0] == b"exec" and all(re.match(rb"\d*[<>]", word) for word in words[1:2])
