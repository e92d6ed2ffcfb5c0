"""Read the commands out of files that init systems and cron read, each in its own syntax."""

from __future__ import annotations

import itertools
import plistlib
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from slashservice.installer.detection.shell import HERE, Simple, Variables, commands
from slashservice.installer.detection.wrappers import SHELLS

UNIT_PREFIXES = "-@:+!|"
"""Characters before the program of an ``ExecStart=``."""

UNIT_COMMANDS = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost")
ON_OFF = ("on", "onifconsole", "onifexists")
CRON_FIELDS = re.compile(r"-?(?:@\w+|(?:[\w*,/~-]+[ \t]+){4}[\w*,/~-]+)[ \t]+(.*)")
ANACRON_FIELDS = re.compile(r"(?:@\w+|\d+)[ \t]+\d+[ \t]+\S+[ \t]+(.*)")
CRON_SETTING = re.compile(r"[ \t]*[\w\"']+[ \t]*=")
STANZA = re.compile(
    r"\s*(?:(?:pre-start|post-start|exec|respawn|main)\s+)*(?:exec|respawn)\s+(\S.*)"
)
SCRIPT = re.compile(r"\s*(?:(?:pre-start|post-start|main)\s+)?script\s*(?:#.*)?")
END_SCRIPT = re.compile(r"\s*end\s+script\b.*")
SETTING = re.compile(r"\s*([\w-]+)\s*(?:=|:|\+=)\s*(.*)")
FINIT_OWN = re.compile(
    r"\[[^]]*\]|<[^>]*>|[\w/-]+:\S*|@\S+|nowarn|manual:\S*|log(?::\S*)?|notify:\S*"
)

SCRIPT_LIBRARIES = ("openrc-run", "runscript", "init-d-script", "rc.common")
"""Interpreters of scripts that are a shell with functions of their own."""

READ_COMMANDS = (*SHELLS, "at", "batch")
"""Programs that run what they read on their standard input."""

WORD = re.compile(r"[\w./+-]+")

BY_VARIABLES = (("command", "command_args"), ("daemon", "daemon_flags"), ("DAEMON", "DAEMON_ARGS"))
"""Variables that name what a script's own library starts: OpenRC's, the BSDs', Debian's."""


@dataclass(frozen=True)
class Reading:
    """The commands in a file, and the variables that it sets.

    ``sure`` is false where the syntax isn't known, so that any word may be a command.
    """

    commands: list[Simple]
    variables: Variables = field(default_factory=dict)
    sure: bool = True


def read(syntax: str, text: str, *arguments: str) -> Reading:
    """Read a file whose syntax has that name; any word counts where it is not known.

    ``arguments`` are those of a script.
    """
    if syntax == "shell":
        return _script(text, arguments)
    return READERS.get(syntax, _words)(text)


def _words(text: str) -> Reading:
    """Read a file of a syntax that isn't known: each word may be a program."""
    found = [
        Simple(tuple(words[at:]), number, number)
        for number, line in enumerate(text.split("\n"), 1)
        if not line.lstrip().startswith(("#", ";"))
        for words in [_split(line.rstrip("\r"))]
        for at in range(len(words))
    ]
    return Reading(found)


def _split(line: str) -> list[str]:
    """Return the words of a line that no shell reads."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def is_shell(text: str) -> bool:
    """Tell whether a script is one that a shell reads, by its first line."""
    if not text.startswith("#!"):
        return True
    names = [word.rsplit("/", 1)[-1] for word in text[2:].split("\n", 1)[0].split()]
    return any(name in SHELLS or name in SCRIPT_LIBRARIES for name in names)


def _script(text: str, arguments: tuple[str, ...]) -> Reading:
    """Read a script: in a language that isn't known, whatever looks like a path or a name."""
    if is_shell(text):
        return _shell(text, arguments)
    return Reading(_names(text, "#"), sure=False)


def _names(text: str, comment: str) -> list[Simple]:
    """Return what a text of another language may run, as commands.

    That is all that looks like a path, and names in quotes of their own, with options or paths
    behind them, or at the beginning of a line. Other names are words of a sentence.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(comment):
            continue
        words = list(WORD.finditer(line))
        for at, one in enumerate(words):
            name = one.group()
            behind = [word.group() for word in words[at + 1 :] if word.group() != name]
            told = list(itertools.takewhile(lambda word: word[0] in "-/", behind))
            around = line[: one.start()][-1:], line[one.end() :][:1]
            quoted = around[0] != "" and around[0] in "'\"" and around[1] == around[0]
            first = not line[: one.start()].strip()
            if "/" in name or quoted or first or any(word[0] == "/" for word in told):
                found.append(Simple((name, *told), number, number))
    return found


def inline(text: str) -> Reading:
    """Read a program of another language that stands on a command line."""
    return Reading(_names(text, "#"), sure=False)


def _shell(text: str, arguments: tuple[str, ...]) -> Reading:
    """Read a shell script, and what a library of its is told by variables."""
    variables: Variables = {str(at): word for at, word in enumerate(arguments, 1)}
    if arguments:
        variables |= dict.fromkeys("@*", " ".join(arguments))
    found = commands(text, variables)
    found += _fed(found, variables)
    for program, more in BY_VARIABLES:
        value = variables.get(program, "")
        if value and "$" not in value:
            words = (*_split(value), *_split(variables.get(more, "")))
            at = _line_of(text, program)
            found.append(Simple(words, at, at))
    return Reading(found, variables)


def _fed(found: list[Simple], variables: Variables) -> Iterator[Simple]:
    """Yield the commands that a script hands to a shell, or to at: a here-document, or a pipe."""
    before = Simple(())
    for one in list(found):
        named = [word.rsplit("/", 1)[-1] for word in one.words]
        if any(name in READ_COMMANDS for name in named) and "chroot" not in named:
            texts = [(to, one.last + 1) for operator, to in one.redirections if operator in HERE]
            texts += [(to, one.last) for operator, to in one.redirections if operator == "<<<"]
            bare = named[0] in ("at", "batch") or all(word[:1] == "-" for word in named[1:])
            if before.words[:1] in (("echo",), ("printf",)) and before.last == one.first and bare:
                texts.append(("\n".join(before.words[1:]), one.first))
            for text, line in texts:
                for inner in commands(text, variables):
                    at = line + inner.first - 1 if "\n" in text and line > one.last else line
                    yield Simple(inner.words, at, at, inner.directory)
        before = one


def _line_of(text: str, name: str) -> int:
    """Return the number of the line that sets a variable."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip().removeprefix("export ").startswith(f"{name}="):
            return number
    return 1


def _by_shell(line: str, number: int) -> Iterator[Simple]:
    """Yield the commands of a line that a shell reads."""
    for one in commands(line):
        yield Simple(one.words, number, number, one.directory)


def _inittab(text: str) -> Reading:
    """Read an inittab. init itself knows ``+``, BusyBox ``-`` before the program."""
    found: list[Simple] = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.strip().split(":", 3)
        if len(fields) == 4 and not fields[0].startswith("#"):
            found += _by_shell(fields[3].lstrip().lstrip("+-@"), number)
    return Reading(found)


def _ttys(text: str) -> Reading:
    """Read ttys(5) of the BSDs: the second word of a line that is on is a command."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        words = _split(line.split("#", 1)[0])
        if len(words) > 3 and any(word in ON_OFF for word in words[3:]):
            found.append(Simple(tuple(_split(words[1])), number, number))
    return Reading(found)


def _joined(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the lines of a unit, those that a backslash ends put together, with their numbers."""
    first, so_far = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if line.lstrip().startswith(("#", ";")):
            continue
        first = first or number
        if line.endswith("\\"):
            so_far += line[:-1] + " "
            continue
        yield first, number, so_far + line
        first, so_far = 0, ""
    if so_far:
        yield first, first, so_far


def unit(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield the settings of a unit's ``[Service]``: lines from and to, name, value."""
    section = ""
    for first, last, line in _joined(text):
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped
        elif section == "[Service]" and "=" in stripped:
            name, _, value = stripped.partition("=")
            yield first, last, name.strip(), value.strip()


def _unit(text: str) -> Reading:
    """Read a unit of systemd: its ``ExecStart=`` and what else runs at a start."""
    found: list[Simple] = []
    variables: Variables = {}
    directory = ""
    settings = list(unit(text))
    for _, _, name, value in settings:
        if name == "Environment":
            variables |= dict(one.split("=", 1) for one in _split(value) if "=" in one)
        elif name == "WorkingDirectory":
            directory = value.lstrip("-")
    for first, last, name, value in settings:
        if name not in UNIT_COMMANDS:
            continue
        if not value:
            found = [one for one in found if one.words[:1] != (name,)]  # the list begins anew
        for part in re.split(r"\s;\s", value):
            bare = part.lstrip(UNIT_PREFIXES + " \t")
            prefix = part[: len(part) - len(bare)]
            words = [_expanded(word, variables) for word in _split(bare)]
            if "@" in prefix:
                words[1:2] = []  # what it shall be called
            if words:
                found.append(Simple((name, *words), first, last, directory))
    return Reading(
        [Simple(one.words[1:], one.first, one.last, one.directory) for one in found], variables
    )


def _expanded(word: str, variables: Variables) -> str:
    """Fill in the variables that a unit sets itself."""
    word = word.replace("%%", "%").replace("$$", "$")
    return re.sub(r"\$\{?(\w+)\}?", lambda one: variables.get(one.group(1), one.group()), word)


def _crontab(text: str, with_user: bool) -> Reading:
    """Read a crontab: a ``%`` that nothing escapes ends the command."""
    found: list[Simple] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        entry = CRON_FIELDS.fullmatch(line)
        if line.startswith("#") or CRON_SETTING.match(line) or not entry:
            continue
        command = entry.group(1)
        if with_user:
            command = ([*command.split(None, 1), ""])[1]
        command = re.split(r"(?<!\\)%", command)[0].replace("\\%", "%")
        found += _by_shell(command, number)
    return Reading(found)


def _anacrontab(text: str) -> Reading:
    """Read anacron's table: period, delay, name, command."""
    found: list[Simple] = []
    for number, line in enumerate(text.split("\n"), 1):
        entry = ANACRON_FIELDS.fullmatch(line.strip())
        if entry:
            found += _by_shell(entry.group(1), number)
    return Reading(found)


def _upstart(text: str) -> Reading:
    """Read a job of Upstart: its ``exec`` and its scripts."""
    found: list[Simple] = []
    script: list[str] | None = None
    begun = 0
    for first, last, line in _joined(text):
        if script is not None:
            if END_SCRIPT.fullmatch(line):
                found += [
                    Simple(one.words, begun + one.first, begun + one.last, one.directory)
                    for one in commands("\n".join(script))
                ]
                script = None
            else:
                script += [line, *[""] * (last - first)]
        elif SCRIPT.fullmatch(line):
            script, begun = [], last
        else:
            entry = STANZA.fullmatch(line)
            if entry and not entry.group(1).startswith(("limit", "unlimited")):
                found += [
                    Simple(one.words, first, last, one.directory)
                    for one in commands(entry.group(1))
                ]
    return Reading(found)


def _dinit(text: str) -> Reading:
    """Read a service description of dinit."""
    found = []
    directory = ""
    for first, last, line in _joined(text):
        entry = SETTING.fullmatch(line.split(" #", 1)[0])
        if entry and entry.group(1) == "working-dir":
            directory = entry.group(2).strip()
        elif entry and entry.group(1) == "command":
            found.append(Simple(tuple(_split(entry.group(2))), first, last))
    return Reading([Simple(one.words, one.first, one.last, directory) for one in found])


def _finit(text: str) -> Reading:
    """Read finit's configuration: what stands between its own words and ``--``."""
    found = []
    for first, last, line in _joined(text):
        words = _split(line)
        if words[:1] and words[0] in ("service", "run", "task", "sysv"):
            rest = words[1:]
            while rest and FINIT_OWN.fullmatch(rest[0]):
                rest.pop(0)
            rest = rest[: rest.index("--")] if "--" in rest else rest
            if rest:
                found.append(Simple(tuple(rest), first, last))
    return Reading(found)


def _plist(text: str) -> Reading:
    """Read a property list of launchd."""
    try:
        plain = plistlib.loads(text.encode("latin-1"))
    except Exception:  # whatever its parser says of what is no property list
        return _words(re.sub(r"<[^>]*>", " ", text))
    words = [str(one) for one in plain.get("ProgramArguments", [])]
    program = str(plain.get("Program", "")) or (words[0] if words else "")
    if not program or plain.get("Disabled"):
        return Reading([])
    at = next(
        (number for number, line in enumerate(text.split("\n"), 1) if f">{program}<" in line), 1
    )
    return Reading([Simple((program, *words[1:]), at, at, str(plain.get("WorkingDirectory", "")))])


READERS: dict[str, Callable[[str], Reading]] = {
    "inittab": _inittab,
    "ttys": _ttys,
    "unit": _unit,
    "crontab": lambda text: _crontab(text, with_user=True),
    "user-crontab": lambda text: _crontab(text, with_user=False),
    "anacrontab": _anacrontab,
    "upstart": _upstart,
    "dinit": _dinit,
    "finit": _finit,
    "plist": _plist,
    "scheme": lambda text: Reading(_names(text, ";")),
}
"""The syntaxes, by name: see :class:`~slashservice.installer.detection.knowledge.Place`."""
