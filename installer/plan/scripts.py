"""Scripts of others that a line is put into: what runs them, and whether the line is reached.

A line of ours is the first command of a script: it goes below the ``#!`` line and the comments
at the top. There it is reached whatever the rest does: it may exit, run a program that never
ends, or have functions, quotes, here-documents and lines that go on.

That place is right by construction, and checked in other ways all the same: see
:mod:`~slashservice.installer.plan.proof`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.trust import distrust
from slashservice.installer.plan import itself

How = Literal["exec", "shell", "read"]
"""How a script is run: by the kernel, which wants a ``#!`` line and an execute bit; by its name
from a shell, which wants the bit; or read by a shell, as in ``sh FILE``, which wants neither."""

SHELL = re.compile(
    r"(sh|ash|bash|dash|ksh|lksh|loksh|mksh|oksh|pdksh|posh|yash|zsh)(-?\d[\w.]*)?(-static)?"
)
"""Names of shells that read ``sh``'s language, some with their version."""

MULTI = ("busybox", "toybox")
"""Programs that are a shell if their first word says so."""

SHELL_OPTIONS = re.compile(r"(|-|--|[-+][aefhkpuvxmbCl]+|--(posix|norc|noprofile|login))")
"""Options under which a shell runs a script as it stands: not ``-n``, ``-t``, ``-r`` or ``-s``."""

EXECLINE_OPTIONS = re.compile(r"(|-[WPpSs0-9]+)")

BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")


def head_end(text: bytes) -> int:
    """Return where the ``#!`` line and the comments that follow it without a gap end."""
    at = 0
    while text[at : at + 1] == b"#":
        newline = text.find(b"\n", at)
        if newline < 0:
            return len(text)
        at = newline + 1
    return at


@dataclass(frozen=True)
class Interpreter:
    """What a ``#!`` line names.

    ``command`` is the program as the kernel runs it, ``argument`` the one word that it adds.
    """

    program: str
    argument: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The words that come before the shell's own options."""
        return (self.program, *self._words[:1])

    @property
    def _words(self) -> list[str]:
        """The words of the argument, where the program only runs another one, by the first."""
        if os.path.basename(self.program) not in ("env", *MULTI):
            return []
        words = self.argument.split()
        return words[1:] if words[:1] == ["-S"] else words

    @property
    def name(self) -> str:
        """The base name of what runs the script in the end."""
        return os.path.basename(self.command[-1])

    @property
    def options(self) -> str:
        """What the interpreter is told beyond the script's name."""
        return " ".join(self._words[1:]) if self._words else self.argument

    @property
    def language(self) -> str:
        """``sh``, ``execline``, or the interpreter's name where it is neither."""
        if SHELL.fullmatch(self.name):
            return "sh"
        return "execline" if self.name == "execlineb" else self.name

    @property
    def argv(self) -> list[str]:
        """The words to which the kernel adds the script's name."""
        return [self.program, *([self.argument] if self.argument else [])]

    @property
    def is_whole(self) -> bool:
        """Whether all words of the argument are told apart: the kernel takes them for one."""
        words = self.argument.split()
        return len(words) < 2 or (words[0] == "-S" and os.path.basename(self.program) == "env")


PLAIN = Interpreter("sh")
"""What reads a script that names no interpreter."""


def interpreter(text: bytes) -> Interpreter | None:
    """Return what a script's ``#!`` line names, as the kernel reads it; ``None`` without one."""
    if not text.startswith(b"#!"):
        return None
    line = text.split(b"\n", 1)[0][2:].decode("latin-1").strip(" \t")
    program, _, argument = line.replace("\t", " ").partition(" ")
    return Interpreter(program, argument.strip())


def language(text: bytes) -> str:
    """Return the language of a script: ``sh``, ``execline``, or the name of something else."""
    found = interpreter(text)
    return found.language if found else "sh"


@dataclass(frozen=True)
class Fault:
    """Why a script does not run, or not as a shell script, and what to do about it."""

    what: str
    remedy: str = ""
    foreign: bool = False
    """Whether it runs, but in another language."""


def fault(
    host: Host, path: str, text: bytes, how: How, languages: tuple[str, ...] = ("sh", "execline")
) -> Fault | None:
    """Return what keeps the script at ``path`` from running, ``None`` where nothing does.

    One that is in none of ``languages`` counts as well, and one that others can change.
    """
    return _no_use(host, path, text, how, languages) or _given_away(host, path)


def _given_away(host: Host, path: str) -> Fault | None:
    """Tell who besides root can change a script that root runs."""
    why = distrust(host, path) if host.lstat(path) else ""
    if not why:
        return None
    part = why.split(" ", 1)[0]
    what = f"root runs {path} at boot, and somebody else can change it: {why}"
    return Fault(what, f"if that is not meant to be: chown root {part}; chmod go-w {part}")


def _no_use(
    host: Host, path: str, text: bytes, how: How, languages: tuple[str, ...]
) -> Fault | None:
    """Return what keeps a script from running as it stands."""
    first = text.split(b"\n", 1)[0]
    shown = first.decode(errors="replace")
    if text.startswith(BYTE_ORDER_MARKS):
        what = f"{path} never runs: it begins with a byte order mark, ahead of its #! line"
        return Fault(what, f"take it out: sed -i '1s/^[^#]*//' {path}")
    if first.endswith(b"\r") or b"\r\n" in text:
        what = f"{path} never runs: its lines end in carriage returns"
        return Fault(what, f"convert it: sed -i 's/\\r$//' {path}")
    if how != "read" and host.is_file(path) and not host.is_executable(path):
        what = f"{path} never runs: it is not executable"
        return Fault(what, f"if what it says is still wanted: chmod +x {path}")
    found = interpreter(text)
    if found is None:
        return _no_first_line(path, text, shown) if how == "exec" else None
    if not found.program or found.language not in languages:
        return Fault(f"{path} is no shell script: {shown}", foreign=True)
    good = EXECLINE_OPTIONS if found.language == "execline" else SHELL_OPTIONS
    if not good.fullmatch(found.options) or not found.is_whole:
        what = f"{path} is not run as it stands: its first line is {shown}"
        return Fault(what, f"take {found.options or 'the second word'} out of that line")
    missing = "" if how == "read" else _missing(host, found)
    if missing:
        return Fault(
            f"{path} never runs: there is no {missing}, which its first line names: {shown}"
        )
    return None


def _no_first_line(path: str, text: bytes, shown: str) -> Fault | None:
    """Tell of a first line that names no interpreter."""
    if not text:
        return None  # it gets one
    what = f"{path} never runs: its first line is no #! line"
    if re.match(rb"\s*(!#|#\s+!|#!)", text):
        return Fault(f"{what}, but {shown!r}", "make it #!/bin/sh")
    return Fault(what, f"give it one: sed -i '1i #!/bin/sh' {path}")


def _missing(host: Host, found: Interpreter) -> str:
    """Return the program that the kernel, or env, would look for in vain; empty if there."""
    if not found.program.startswith("/") or not host.is_executable(found.program):
        return found.program
    last = found.command[-1]
    return "" if os.path.basename(found.program) in MULTI or host.which(last) else last


def calls(host: Host, path: str, command: str) -> bool:
    """Tell whether a script in some other language runs ``command``, put there by hand."""
    text = host.read(path) or b""
    if language(text) in ("sh", "execline"):
        return False
    return any(
        command in line for line in text.decode("latin-1").split("\n") if "#" not in line[:1]
    )


def refuse_useless(host: Host, path: str, text: bytes, how: How) -> None:
    """Refuse a script into which a line can be put, but would not run, or not once."""
    found = fault(host, path, text, how)
    if found:
        raise Refusal(found.what, *([found.remedy] if found.remedy else []))
    place = itself.place(path, text) if language(text) == "sh" else None
    if place:
        raise Refusal(
            f"{path} runs, reads or changes itself, so a line more in it may change what it does: "
            f"line {place.number}: {place.line}",
            "Move that line into a script of its own, which this one runs. Then install again.",
        )
