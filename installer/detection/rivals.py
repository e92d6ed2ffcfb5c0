"""Look for scanners in what init systems and cron start: svscan, runsvdir, s6-svscan.

A command counts if it runs a scanner in the end, however it is written. What merely names one
doesn't. Where that can't be told, as with a program that nobody knows or a directory in a
variable, the find is not *sure*, and whoever installs is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from stat import S_ISREG

from slashservice.installer.detection import readers
from slashservice.installer.detection.binaries import runs_nothing
from slashservice.installer.detection.knowledge import LEFT_BEHIND, Knowledge, owners
from slashservice.installer.detection.specifiers import specified
from slashservice.installer.detection.wrappers import (
    INTERPRETERS,
    RUNS_ELSEWHERE,
    RUNS_NOTHING,
    SOURCES,
    Started,
    started,
)
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import SAYS_OURS, ours

SCRIPT_LIMIT = 1 << 20
FOLLOWED_LIMIT = 1 << 16
FOLLOWED_DEPTH = 3

FOLLOWED_FILES = 200
FOLLOWING = ("inittab", "unit", "crontab", "user-crontab", "anacrontab", "shell")
"""Syntaxes of files whose programs are looked into, if these are scripts."""

BOOT_SCRIPTS = "/etc/"
"""Scripts in there may have others run, or read, whose names they don't know."""

NOT_STARTED = ("/etc/init", "/etc/rc", "/usr/local/etc/rc.d/", "/etc/sv/", "/service/")
"""Beginnings of paths that are services called like a scanner."""

NO_PROGRAMS = (*NOT_STARTED, "/var/", "/run/", "/etc/")
PROGRAM_FOLDERS = ("bin", "sbin", "command", "libexec")
VALUED = {"svscan": "g", "s6-svscan": "cCtdXL"}
"""Letters of scanners' options that take a value."""

STARTERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("service", "invoke-rc.d", "rc-service"), ("start", "restart", "reload")),
    **dict.fromkeys(("systemctl", "initctl", "rcctl"), ("start", "restart", "reload-or-restart")),
}
"""Commands that start a service by its name, and their words for that."""


ASKING = ("--help", "--version", "-h", "-V", "-?")
"""With these a scanner only tells something of itself."""

SENDS = ("stop", "status")
LOOPED = re.compile(r"\$\{?(\w+)\}?")
ENDS_PATH = re.compile(r"[\s\x01()`'\"]+")


@dataclass(frozen=True)
class Find:
    """A scanner that a file has started: lines, program, scan directory, and how sure that is.

    ``path`` is the file that the lines are in, where that is one that the file reads, or runs
    without knowing its name.
    """

    first: int
    last: int
    program: str
    directory: str
    sure: bool = True
    path: str = ""


class Search:
    """Looks into the files of one host."""

    def __init__(self, host: Host, systems: Mapping[str, Knowledge], defaults: Mapping[str, str]):
        self.host = host
        self.systems = systems
        self.defaults = defaults
        self.named = re.compile("|".join(re.escape(name) for name in defaults))
        self._places: dict[str, str] = {}

    def find(self, path: str, syntax: str, text: str) -> list[Find]:
        """Return the scanners that a file has started, each line and program once."""
        follow = syntax in FOLLOWING and not path.startswith(("/usr/", "/lib/"))
        if not follow and not self.named.search(text):
            return []
        found: dict[tuple[str, int, str], Find] = {}
        for part in self._instances(path, syntax, text):
            for one in self._in(readers.read(syntax, part), 0 if follow else FOLLOWED_DEPTH):
                known = found.setdefault((one.path, one.first, one.program), one)
                if one.sure and not known.sure:
                    found[one.path, one.first, one.program] = one
        return list(found.values())

    def _instances(self, path: str, syntax: str, text: str) -> list[str]:
        """Return what a unit says of each of its instances; the text where there is none."""
        if syntax != "unit" or "%" not in text:
            return [text]
        systems = owners(self.systems.values(), path)
        names = [name for system in systems for name in system.instances(self.host, path)]
        return [specified(text, name) for name in names] or [text]

    def _in(self, reading: readers.Reading, depth: int) -> Iterator[Find]:
        """Yield the scanners that the commands of a file start."""
        loops = {
            one.words[1]: one.words[3:]
            for one in reading.commands
            if one.words[:1] == ("for",) and one.words[2:3] == ("in",)
        }
        for simple in reading.commands:
            for program in started(simple.words, simple.directory, "", reading.variables):
                for one in _turns(program, loops):
                    for found in self._by(one, depth):
                        sure = found.sure and reading.sure
                        if found.path:
                            yield replace(found, sure=sure)
                        else:
                            yield replace(found, first=simple.first, last=simple.last, sure=sure)

    def _by(self, one: Started, depth: int) -> Iterator[Find]:
        """Yield the scanners that one program starts: itself, or a script, or perhaps."""
        if self._is_scanner(one.program):
            if not set(ASKING) & set(one.arguments):
                directory, sure = self._directory(one)
                yield Find(0, 0, one.program, directory, sure)
            return
        if one.name in (*RUNS_NOTHING, *RUNS_ELSEWHERE) or one.program.startswith(("-", "]", ")")):
            return
        if depth < FOLLOWED_DEPTH and not set(SENDS) & set(one.arguments):
            behind = [
                found
                for path, syntax, part in self._leads_to(one)
                for found in self._behind(path, syntax, one.arguments, depth, part)
            ]
            if behind:
                yield from behind
                return
        if one.name not in (*STARTERS, *SOURCES, "run-parts"):
            yield from self._perhaps(one)

    def _is_scanner(self, program: str) -> bool:
        """Tell whether a program is a scanner, by its name or path."""
        if program in self.defaults:
            return True
        return program.rsplit("/", 1)[-1] in self.defaults and not program.startswith(NOT_STARTED)

    def _leads_to(self, one: Started) -> Iterator[tuple[str, str, bool]]:
        """Yield the files that describe what a program starts, with their syntaxes.

        The last is whether what is found there stands for itself: one of many, or read.
        """
        words = STARTERS.get(one.name, ())
        if words:
            if set(words) & set(one.arguments):
                for word in one.arguments:
                    yield from ((*found, False) for found in self._services(word))
        elif one.name in SOURCES:
            for word in one.arguments[:1]:
                yield from ((path, "shell", True) for path in self._matching(word, one.directory))
        elif one.name == "run-parts":
            for word in one.arguments[-1:]:
                for path in self._matching(f"{word.rstrip('/')}/*", one.directory):
                    if self.host.is_executable(path):
                        yield path, "shell", True
        elif INTERPRETERS.fullmatch(one.name):
            script = next((word for word in one.arguments if not word.startswith("-")), "")
            yield from ((path, "other", False) for path in self._matching(script, one.directory))
        elif _is_glob(one.program):
            yield from ((path, "shell", True) for path in self._matching(one.program, ""))
        elif path := one.program if one.program.startswith("/") else self._which(one.program):
            yield path, "shell", False

    def _which(self, program: str) -> str:
        """Return where a program is, empty where it isn't."""
        if program not in self._places:
            self._places[program] = self.host.which(program) or ""
        return self._places[program]

    def _matching(self, pattern: str, directory: str) -> list[str]:
        """Return the files that a path names, or a pattern of a shell's."""
        if not pattern.startswith("/"):
            pattern = f"{directory}/{pattern}"
        if not pattern.startswith("/"):
            return []
        found = [""]
        for part in pattern.strip("/").split("/"):
            if _is_glob(part):
                found = [
                    f"{folder}/{name}"
                    for folder in found
                    for name in self.host.list(folder or "/")
                    if fnmatchcase(name, part) and not LEFT_BEHIND.search(name)
                ][:FOLLOWED_FILES]
            else:
                found = [f"{folder}/{part}" for folder in found]
        return [path for path in found if self.host.is_file(path)]

    def _services(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the files of the service that is called ``name``."""
        if not re.fullmatch(r"[\w@.-]+", name) or name in ("start", "restart"):
            return
        for system in self.systems.values():
            for place in system.places:
                ending = place.ending or ""
                if place.ending is not None and not place.below:
                    path = f"{place.path}/{name.removesuffix(ending)}{ending}"
                    if self.host.is_file(path):
                        yield path, place.syntax

    def _behind(
        self, path: str, syntax: str, arguments: tuple[str, ...], depth: int, part: bool
    ) -> Iterator[Find]:
        """Yield the scanners that the script at ``path`` starts, besides those of our lines."""
        text = self._text(path)
        if not text:
            return
        if syntax == "other" and readers.is_shell(text):
            reading = readers.inline(text)
        else:
            reading = readers.read("shell" if syntax == "other" else syntax, text, *arguments)
        own = ours(text.encode("latin-1"))
        for one in self._in(reading, depth + 1):
            if one.path or one.first not in own:
                yield replace(one, path=path) if part and not one.path else one

    def _text(self, path: str) -> str:
        """Return the text of a small script, or unit, that is not ours; empty where it isn't."""
        status = self.host.stat(path)
        if status is None or status.st_size > FOLLOWED_LIMIT or not S_ISREG(status.st_mode):
            return ""
        data = self.host.read(path) or b""
        if b"\0" in data or any(said in data for said in SAYS_OURS):
            return ""
        text = data.decode("latin-1")
        return text if path.startswith(BOOT_SCRIPTS) or self.named.search(text) else ""

    def _perhaps(self, one: Started) -> Iterator[Find]:
        """Yield the scanners that a program may start which nobody knows: its words name them."""
        if runs_nothing(self.host, self._which(one.program)):
            return
        if INTERPRETERS.fullmatch(one.name):
            for word in one.arguments:
                if self.named.search(word) and set(" (;") & set(word):
                    yield from self._in(readers.inline(word), FOLLOWED_DEPTH)
            return
        program = one.program.replace("\x01", " ")
        if ("$(" in program or "`" in program) and self.named.search(program):
            named = self.named.findall(program)[-1]
            yield self._doubtful(replace(one, program=named))
        for at, word in enumerate(one.arguments):
            rest = one.arguments[at + 1 :]
            if " " in word:
                for inner in started(("sh", "-c", word), one.directory):
                    if self._is_scanner(inner.program) and _plausible(inner.arguments):
                        yield self._doubtful(inner)
            elif self._is_scanner(word) and _plausible(rest) and self._may_be_program(word, rest):
                yield self._doubtful(replace(one, program=word, arguments=rest))

    def _may_be_program(self, word: str, rest: Sequence[str]) -> bool:
        """Tell whether a word among others looks like a scanner that is to be run."""
        if set(ASKING) & set(rest):
            return False
        directory = next((one for one in rest if not one.startswith("-")), "")
        if os.path.basename(os.path.dirname(directory)) in PROGRAM_FOLDERS:
            return False
        if "/" not in word:
            return directory.startswith("/") if rest else word.endswith(("boot", "-start"))
        if word.startswith(NO_PROGRAMS):
            return False
        folder = os.path.basename(os.path.dirname(word))
        return folder in PROGRAM_FOLDERS or self.host.is_executable(word)

    def _doubtful(self, one: Started) -> Find:
        return Find(0, 0, one.program, self._directory(one)[0], sure=False)

    def _directory(self, one: Started) -> tuple[str, bool]:
        """Return what a scanner scans, and whether that can be told."""
        default = self.defaults.get(one.program) or self.defaults.get(one.name, "")
        if one.program in self.defaults and "/" in one.program:
            return default, True
        path = one.program if "/" in one.program else self._which(one.program)
        script = self._text(path) if path else ""
        if script.startswith("#!") and "slashservice" not in script and readers.is_shell(script):
            reading = readers.read("shell", script, *one.arguments)
            inner = next(self._in(replace(reading, sure=True), FOLLOWED_DEPTH), None)
            if inner is not None:
                return inner.directory, inner.sure
        argument = directory_argument(one)
        if argument and not argument.startswith("/"):
            argument = f"{one.directory.rstrip('/')}/{argument}"
        elif not argument and one.name in VALUED:
            argument = one.directory
        if re.search(r"[$`]|%[A-Za-z]", argument):
            return default, False
        argument = os.path.normpath(f"{one.root}{argument}") if argument else default
        return argument, True


def _is_glob(word: str) -> bool:
    """Tell whether a shell takes a word for a pattern of files."""
    return bool(set("*?[") & set(word))


def _turns(one: Started, loops: Mapping[str, Sequence[str]]) -> Iterator[Started]:
    """Yield what a program is in each turn of a loop whose variable names it.

    What a turn has that is not known counts as anything.
    """
    read = one.name in SOURCES and one.arguments
    word = one.arguments[0] if read else one.program
    found = next((found for found in LOOPED.finditer(word) if found[1] in loops), None)
    if found is None:
        yield one
        return
    for value in dict.fromkeys(loops[found[1]][:FOLLOWED_FILES]):
        if set("$`\x01") & set(value):
            value = next(
                (one for one in ENDS_PATH.split(value) if "/" in one and _is_glob(one)), "*"
            )
        turn = word.replace(found[0], value)
        if read:
            yield replace(one, arguments=(turn, *one.arguments[1:]))
        else:
            yield replace(one, program=turn)


def directory_argument(one: Started) -> str:
    """Return the first argument of a scanner that is no option, empty if there is none."""
    words = iter(one.arguments)
    for word in words:
        if not word.startswith("-") or word == "-":
            return word
        if word[-1] in VALUED.get(one.name, ""):
            next(words, None)
    return ""


def _plausible(arguments: Sequence[str]) -> bool:
    """Tell whether words may be the arguments of a scanner, and no sentence about one."""
    return all(
        word[:1] in ("-", "/", "$", "&", ">", "<", "|") or word.isdigit() for word in arguments
    )
