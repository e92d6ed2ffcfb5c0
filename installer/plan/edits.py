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
from slashservice.installer.plan.scripts import head_end
from slashservice.installer.plan.words import Word

COMMENT_MARK = "#slashservice# "

Place = Literal["end", "start", "before-exit"]
"""Where a block goes: "start" is below the leading comments. Receipts of older versions have
"before-exit", of a place that was guessed; it counts as "start"."""


def lines_of(text: bytes) -> list[bytes]:
    """Return the lines of a text, each with its newline; a carriage return ends none."""
    return re.findall(rb"[^\n]*\n|[^\n]+", text)


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
        ours = BEGIN + self.lines.encode() + END
        if not text:
            return self.fresh.encode() + ours
        at = self._place(text)
        if at == len(text) and not text.endswith(b"\n"):
            return text + b"\n" + ours
        return text[:at] + ours + text[at:]

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the block, all else as it is.

        :class:`~slashservice.installer.host.marks.BrokenMarks` where the marks are no pair.
        """
        found = block(text)
        if found is None:
            return text
        lines = lines_of(text)
        return b"".join([*lines[: found[0]], *lines[found[1] + 1 :]])

    def found(self, text: bytes) -> str | None:
        """Return the lines that are between the marks in ``text``, ``None`` without marks."""
        found = block(text)
        if found is None:
            return None
        return b"".join(lines_of(text)[found[0] + 1 : found[1]]).decode(errors="replace")

    def _place(self, text: bytes) -> int:
        """Return where in ``text`` the block goes: at the beginning of a line, or the end."""
        if self.before:
            pattern = re.compile(self.before.encode())
            at = 0
            for line in lines_of(text):
                if pattern.match(line):
                    return at
                at += len(line)
        return len(text) if self.place == "end" else head_end(text)


@dataclass(frozen=True)
class CommentOut:
    """One line of another supervisor's wiring, put out of force."""

    line: str
    mark: str = COMMENT_MARK

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the line turned into a comment."""
        old, new = self.line.encode("latin-1"), (self.mark + self.line).encode("latin-1")
        return b"".join(
            line.replace(old, new) if line.rstrip(b"\n") == old else line for line in lines_of(text)
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
