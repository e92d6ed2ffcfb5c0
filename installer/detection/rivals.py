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

from slashservice.installer.detection import readers
from slashservice.installer.detection.knowledge import Knowledge
from slashservice.installer.detection.wrappers import RUNS_NOTHING, Started, started
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import WRITTEN_BY_US, ours

SCRIPT_LIMIT = 1 << 20
FOLLOWED_LIMIT = 1 << 16
FOLLOWED_DEPTH = 3

FOLLOWING = ("inittab", "unit", "crontab", "user-crontab")
"""Syntaxes of files whose programs are looked into, if these are scripts."""

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


@dataclass(frozen=True)
class Find:
    """A scanner that a file has started: lines, program, scan directory, and how sure that is."""

    first: int
    last: int
    program: str
    directory: str
    sure: bool = True


class Search:
    """Looks into the files of one host."""

    def __init__(self, host: Host, systems: Mapping[str, Knowledge], defaults: Mapping[str, str]):
        self.host = host
        self.systems = systems
        self.defaults = defaults
        self.named = re.compile("|".join(re.escape(name) for name in defaults))

    def find(self, path: str, syntax: str, text: str) -> list[Find]:
        """Return the scanners that a file has started, each line and program once."""
        follow = syntax in FOLLOWING and not path.startswith(("/usr/", "/lib/"))
        follow = follow or path.endswith("/rc.local")
        if not follow and not self.named.search(text):
            return []
        found: dict[tuple[int, str], Find] = {}
        for one in self._in(readers.read(syntax, text), 0 if follow else FOLLOWED_DEPTH):
            known = found.setdefault((one.first, one.program), one)
            if one.sure and not known.sure:
                found[one.first, one.program] = one
        return list(found.values())

    def _in(self, reading: readers.Reading, depth: int) -> Iterator[Find]:
        """Yield the scanners that the commands of a file start."""
        for simple in reading.commands:
            for one in started(simple.words, simple.directory, "", reading.variables):
                for found in self._by(one, depth):
                    sure = found.sure and reading.sure
                    yield replace(found, first=simple.first, last=simple.last, sure=sure)

    def _by(self, one: Started, depth: int) -> Iterator[Find]:
        """Yield the scanners that one program starts: itself, or a script, or perhaps."""
        if self._is_scanner(one.program):
            directory, sure = self._directory(one)
            yield Find(0, 0, one.program, directory, sure)
            return
        if one.name in RUNS_NOTHING or one.program.startswith(("-", "]", ")")):
            return
        if depth < FOLLOWED_DEPTH and not {"stop", "status"} & set(one.arguments):
            behind = [
                found
                for path, syntax in self._leads_to(one)
                for found in self._behind(path, syntax, one.arguments, depth)
            ]
            if behind:
                yield from behind
                return
        if one.name not in STARTERS:
            yield from self._perhaps(one)

    def _is_scanner(self, program: str) -> bool:
        """Tell whether a program is a scanner, by its name or path."""
        if program in self.defaults:
            return True
        return program.rsplit("/", 1)[-1] in self.defaults and not program.startswith(NOT_STARTED)

    def _leads_to(self, one: Started) -> Iterator[tuple[str, str]]:
        """Yield the files that describe what a program starts, with their syntaxes."""
        words = STARTERS.get(one.name, ())
        if words:
            if set(words) & set(one.arguments):
                for word in one.arguments:
                    yield from self._services(word)
        elif path := one.program if one.program.startswith("/") else self.host.which(one.program):
            yield path, "shell"

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
        self, path: str, syntax: str, arguments: tuple[str, ...], depth: int
    ) -> Iterator[Find]:
        """Yield the scanners that the script at ``path`` starts, besides those of our lines."""
        text = self._text(path)
        if text and (syntax != "shell" or (text.startswith("#!") and readers.is_shell(text))):
            own = ours(text.encode("latin-1"))
            for one in self._in(readers.read(syntax, text, *arguments), depth + 1):
                if one.first not in own:
                    yield one

    def _text(self, path: str) -> str:
        """Return the text of a small script, or unit, that is not ours; empty where it isn't."""
        status = self.host.stat(path)
        if status is None or status.st_size > FOLLOWED_LIMIT:
            return ""
        data = self.host.read(path) or b""
        if b"\0" in data or WRITTEN_BY_US in data or not self.named.search(data.decode("latin-1")):
            return ""
        return data.decode("latin-1")

    def _perhaps(self, one: Started) -> Iterator[Find]:
        """Yield the scanners that a program may start which nobody knows: its words name them."""
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
        if "/" not in word:
            directory = next((one for one in rest if not one.startswith("-")), "")
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
        path = one.program if "/" in one.program else self.host.which(one.program) or ""
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
        if "$" in argument or "`" in argument:
            return default, False
        argument = os.path.normpath(f"{one.root}{argument}") if argument else default
        return argument, True


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
