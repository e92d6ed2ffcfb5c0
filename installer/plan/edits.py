"""Changes inside files that belong to others: a marked block, or one word in a list.

Each is a pure function on bytes with its own inverse. The inverse is only needed when
someone else has changed the file since; otherwise the bytes from before are put back. ``found``
tells what is there of our part, and ``own`` what we put there: so each knows whether somebody has
changed it.
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


class Marked:
    """Lines of ours between two marks, in a file of somebody else's."""

    lines: str

    @property
    def own(self) -> str:
        """What we put into the file."""
        return self.lines

    @property
    def _marks(self) -> tuple[bytes, bytes]:
        """The lines around ours."""
        return BEGIN, END

    def _block(self) -> bytes:
        """Return our lines, and the marks around them."""
        begin, end = self._marks
        return begin + self.lines.encode() + end

    def remove(self, text: bytes) -> bytes:
        """Return ``text`` without the block, all else as it is.

        :class:`~slashservice.installer.host.marks.BrokenMarks` where the marks are no pair.
        """
        found = block(text, *self._marks)
        if found is None:
            return text
        lines = lines_of(text)
        return b"".join([*lines[: found[0]], *lines[found[1] + 1 :]])

    def found(self, text: bytes) -> str | None:
        """Return what is there of our part of the file, ``None`` if nothing is.

        What is not our own was changed by somebody.
        """
        found = block(text, *self._marks)
        if found is None:
            return None
        return b"".join(lines_of(text)[found[0] + 1 : found[1]]).decode(errors="replace")


@dataclass(frozen=True)
class Block(Marked):
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
        ours = self._block()
        if not text:
            return self.fresh.encode() + ours
        at = self._place(text)
        if at == len(text) and not text.endswith(b"\n"):
            return text + b"\n" + ours
        return text[:at] + ours + text[at:]

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

    @property
    def own(self) -> str:
        """What we put into the file."""
        return self.mark + self.line

    def found(self, text: bytes) -> str | None:
        """Return what is there of our part of the file: the line, or nothing."""
        return self.own if self.remove(text) != text else None


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

    @property
    def own(self) -> str:
        """What we put into the file."""
        return self.script

    def found(self, text: bytes) -> str | None:
        """Return what is there of our part of the file: the script, or nothing.

        What the file says of it is insserv's, which writes the file anew at any time.
        """
        first = text.decode("latin-1").partition("\n")[0]
        is_there = first.startswith("TARGETS =") and self.script in first.split()[2:]
        return self.script if is_there else None


@dataclass(frozen=True)
class SchemeBlock(Marked):
    """Lines between two marks, at the end of a file of Scheme, whose comments begin otherwise."""

    lines: str
    mark: str = ";;"

    def insert(self, text: bytes) -> bytes:
        """Return ``text`` with the block at its end, once."""
        text = self.remove(text)
        newline = b"\n" if text and not text.endswith(b"\n") else b""
        return text + newline + self._block()

    @property
    def _marks(self) -> tuple[bytes, bytes]:
        """The lines around ours."""
        begin, end = (line.replace(b"#", self.mark.encode()) for line in (BEGIN, END))
        return begin, end


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
