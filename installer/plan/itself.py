"""Whether a script runs, reads or changes itself: then a line more in it may change what it does.

Such a script may skip so many lines of itself, be run twice, or be gone at the next boot. So
each command is looked at that is told the script's name, in whatever way the name is come by.
It must be known to do no harm: it only says the name, looks at the file's place or mode, or
makes a copy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from slashservice.installer.detection import shell
from slashservice.installer.detection.shell import ASSIGNMENT, HERE, Simple, Variables
from slashservice.installer.detection.wrappers import SHELLS, Started, started

PATHS = ("/etc/rc.d/rc.local", "/etc/rc.local")
"""Names of one and the same script, on many a host."""

PASSES = 5
"""What a variable or a function's argument is may be known only at the next look."""

LOOKS = frozenset(
    (
        *(":", "true", "false", "test", "[", "[[", "case", "expr", "return", "exit", "break"),
        *("cd", "pushd", "popd", "basename", "dirname", "readlink", "realpath", "getopt"),
        *("ls", "stat", "file", "du", "date", "touch", "chown", "chgrp", "restorecon", "chcon"),
        *("getfacl", "lsattr", "which", "type", "hash", "whereis", "pidof", "pidofproc", "pgrep"),
        *("pkill", "kill", "killall", "ps", "fuser", "lsof", "tar", "cpio", "scp", "flock"),
        *("mail", "mailx", "wall", "notify", "sendmail", "set", "shift", "unset", "for", "}"),
        *("getopts", "select"),
    )
)  # fmt: skip
"""Commands that do not depend on what is in a file, and leave it as it is."""

SAYS = re.compile(
    r"e?(?:log|msg|message|info|warn|warning|err|error|debug|notice|say|die|fail|abort|usage"
    r"|echo|print|printf|begin|end|status|notify)|log\w+|\w+(?:log|msg|info|warn|error)|logger"
)
"""A part of the name of a command, or function, that tells somebody something."""

COPIES = ("cp", "ln", "rsync", "install")
CHANGES = ("rm", "mv", "chmod", "chattr", "gzip", "bzip2", "xz", "truncate", "shred")
"""What may be done to a copy; its text is of no account."""

PATTERN_FIRST = re.compile(r"[ef]?grep|[gmn]?awk|sed")
"""Commands whose first word is no file."""

MODE = re.compile(r"[0-7]{3,4}|[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*")
FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+([\w.-]+)|([\w.-]+)[ \t]*\([ \t]*\))", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A line of a script, with its number."""

    number: int
    line: str


def place(path: str, text: bytes) -> Place | None:
    """Return where the script at ``path`` may run, read or change itself; ``None`` if nowhere."""
    script = text.decode("latin-1")
    number = _Reader(path, script).find()
    return Place(number, script.split("\n")[number - 1].strip()) if number else None


class _Sticky(Variables):
    """Variables of which those that once name the script go on naming it."""

    def __init__(self, reader: _Reader, known: Variables) -> None:
        super().__init__(known)
        self.reader = reader

    def __setitem__(self, name: str, value: str) -> None:
        if not self.reader.mentions(self.get(name, "")) or self.reader.mentions(value):
            super().__setitem__(name, value)


class _Reader:
    """Looks through one script."""

    def __init__(self, path: str, text: str) -> None:
        self.text = text
        self.names = {path, *(PATHS if path in PATHS else ())}
        self.base = os.path.basename(path)
        self.copies: set[str] = set()
        self.functions = {one or other for one, other in FUNCTION.findall(text)}
        self.variables = _Sticky(self, {"0": path, "BASH_SOURCE": path})

    def find(self) -> int:
        """Return the number of the first line that may do it, 0 where none does."""
        for _ in range(PASSES):
            known = dict(self.variables), len(self.copies)
            for simple in shell.commands(self.text, self.variables):
                if self.is_harmful(simple):
                    return simple.first
            if known == (dict(self.variables), len(self.copies)):
                break
        return 0

    def is_one_of(self, word: str, directory: str = "") -> bool:
        """Tell whether a word is a name of the script, or may be."""
        word = word.strip("\"'")
        if not word.startswith("/") and directory.startswith("/"):
            word = f"{directory}/{word}"
        if os.path.basename(word) == self.base and set("$`") & set(word):
            return True
        return f"/{os.path.normpath(word).lstrip('/')}" in self.names and word.startswith("/")

    def mentions(self, word: str, directory: str = "") -> bool:
        """Tell whether a name of the script is in a word, by itself."""
        return any(self.is_one_of(one, directory) for one in re.split(r"[\s\x01=,;]+", word))

    def is_copy(self, word: str) -> bool:
        """Tell whether a word names a copy that the script has made of itself."""
        return any(one in self.copies for one in re.split(r"[\s\x01=,;]+", word))

    def is_harmful(self, simple: Simple) -> bool:
        """Tell whether a command may run, read or change the script."""
        words, directory = simple.words, simple.directory
        for operator, to in simple.redirections:
            if operator in (*HERE, "<<<"):
                fed = any(os.path.basename(word) in (*SHELLS, "at", "batch") for word in words)
                if fed and self._text_is_harmful(to):
                    return True
            elif self.is_one_of(to, directory) or ("<" in operator and self.is_copy(to)):
                return True
        self._take_assignments(words)
        told = any(self.mentions(word, directory) or self.is_copy(word) for word in words)
        if words[:1] == ("find",):
            return told and not self._only_names(Started("find", words[1:]))
        if words[:1] == ("trap",):
            return any(self._text_is_harmful(word) for word in words[1:])
        return any(
            self._does_harm(one) for one in started(words, directory, "", dict(self.variables))
        ) or (told and os.path.basename(words[0]) in ("at", "batch"))

    def _text_is_harmful(self, text: str) -> bool:
        return any(self.is_harmful(one) for one in shell.commands(text, self.variables))

    def _take_assignments(self, words: tuple[str, ...]) -> None:
        """Note what is assigned for one command, by a loop, or by ``set --``."""
        if words[:1] == ("for",) and len(words) > 3:
            self._name(words[1], words[3:])
        elif words[:1] == ("set",):
            self._name_arguments(words[1:])
        for word in words:
            found = ASSIGNMENT.fullmatch(word)
            if not found:
                break
            self._name(found[1], (found[2],))

    def _name(self, variable: str, values: tuple[str, ...]) -> None:
        for value in values:
            if self.mentions(value):
                self.variables[variable] = value

    def _name_arguments(self, words: tuple[str, ...]) -> None:
        """Note that the script's name is among a function's arguments, or its own."""
        rest = [word for word in words if word != "--"]
        for at, word in enumerate(rest, 1):
            for variable in (str(at), "@", "*"):
                self._name(variable, (word,))

    def _does_harm(self, one: Started) -> bool:
        """Tell whether one program may run, read or change the script."""
        if self.is_one_of(one.program, one.directory) or self.is_copy(one.program):
            return True
        words = one.arguments
        if one.name in self.functions:
            self._name_arguments(words)
            return False
        if one.name == "alias":
            return any(self._text_is_harmful(word.partition("=")[2] or word) for word in words)
        told = [word for word in words if self.mentions(word, one.directory)]
        copied = [word for word in words if self.is_copy(word)]
        if not (told or copied) or self._only_names(one):
            return False
        if PATTERN_FIRST.fullmatch(one.name):
            return any(
                self.mentions(word, one.directory) or self.is_copy(word)
                for word in _behind_the_pattern(one)
            )
        if one.name in CHANGES and not told:
            return False
        if one.name == "chmod":
            return _takes_the_bit(words)
        if one.name in COPIES:
            return self._copied(one)
        return True

    def _only_names(self, one: Started) -> bool:
        """Tell whether a program does not care what is in a file that it is told."""
        if one.name == "find":
            return not any(
                re.match(r"-(exec|ok|delete|f?print0|fls)", word) for word in one.arguments
            )
        return one.name in LOOKS or any(
            SAYS.fullmatch(part) for part in re.split(r"[_.:-]", one.name.lower())
        )

    def _copied(self, one: Started) -> bool:
        """Note the name of a copy; tell whether it is put in the script's place."""
        words = [word for word in one.arguments if not word.startswith("-")]
        to = words[-1]
        if self.is_one_of(to, one.directory) or "-t" in one.arguments or len(words) < 2:
            return True
        if os.path.basename(to.rstrip("/")) == self.base and set("$`") & set(to):
            return True
        self.copies |= {to, f"{to.rstrip('/')}/{self.base}"}
        return False


def _behind_the_pattern(one: Started) -> Iterator[str]:
    """Yield the words of grep, sed or awk that are files."""
    given = any(re.match(r"-\w*[ef]", word) for word in one.arguments if one.name != "awk")
    value = False
    for word in one.arguments:
        if value or (word.startswith("-") and word != "-"):
            value = not value and word in ("-v", "-e", "-f", "-F", "-m", "-A", "-B", "-C")
            if word == "-v" and not one.name.endswith("awk"):
                value = False
            if one.name == "sed" and word.startswith("-i"):
                yield from one.arguments
        elif not given:
            given = True
        else:
            yield word


def _takes_the_bit(words: tuple[str, ...]) -> bool:
    """Tell whether chmod may make a script one that its owner can't run."""
    mode = next((word for word in words if MODE.fullmatch(word)), "")
    if not mode:
        return True
    if mode.isdigit():
        return not int(mode, 8) & 0o100
    for clause in mode.split(","):
        who, changes = re.fullmatch(r"([ugoa]*)(.*)", clause).groups()  # type: ignore[union-attr]
        if who and not set(who) & set("ua"):
            continue
        for sign, bits in re.findall(r"([-+=])(\w*)", changes):
            if (sign == "-" and "x" in bits) or (sign == "=" and not set(bits) & set("xX")):
                return True
    return False
