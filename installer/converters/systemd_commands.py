"""The commands of a unit of systemd, as lines of shell: systemd.service(5), "Command lines"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote

from slashservice.installer.converters.systemd_unit import Reading
from slashservice.installer.converters.unit_file import Setting
from slashservice.installer.converters.unit_words import command, split_marked
from slashservice.installer.converters.wanted import Step, Wanted

PREFIXES = "-@:+!|"
HANGUP = re.compile(r"(?:\S*/)?kill (?:-s ?HUP|-HUP|-SIGHUP|-1) \"?\$\{?MAINPID\}?\"?")
"""What ``ExecReload=`` mostly is, and what ``svc -h`` does anyhow."""


@dataclass
class Command:
    """A command: its first words, its name if that is another, and the line that runs it."""

    step: Step
    program: str
    argv0: str
    expands: bool
    odd: list[str]


def read(reading: Reading, made: Wanted) -> None:
    """Read all commands into ``made``, whose variables are known."""
    starts = _all(reading, "ExecStart", made)
    if not starts:
        return
    if len(starts) > 1 and not made.once:
        one = reading.all("ExecStart")[-1]
        raise reading.refusal(one, " is there twice, which only Type=oneshot may")
    *work, main = starts
    made.work = [one.step for one in work]
    one = reading.all("ExecStart")[-1]
    _take(reading, made, main, one)
    for other in _all(reading, "ExecStartPre", made):
        made.before.append(other.step)
    for other in _all(reading, "ExecStartPost", made):
        other.step.beside = True
        made.before.append(other.step)
    for one in reading.all("ExecStartPost"):
        reading.lost(one, " is run beside the service, and not after its start")
    made.stop = [other.step for other in _all(reading, "ExecStop", made)]
    made.after = [other.step for other in _all(reading, "ExecStopPost", made)]
    made.after_knows = True
    if any(not HANGUP.fullmatch(other.value) for other in reading.all("ExecReload")):
        made.reload = [other.step for other in _all(reading, "ExecReload", made)]


def _take(reading: Reading, made: Wanted, main: Command, one: Setting) -> None:
    """Have the service be a command."""
    made.program = main.program
    made.argv0 = main.argv0
    made.by_shell = main.expands
    made.line = main.step.line
    if main.expands:
        made.line = main.step.line.replace("set -f; ", "set -f; exec ", 1)
    if main.argv0 and main.expands:
        made.argv0 = ""
        reading.lost(one, f"@: its name is {main.program}, and not {main.argv0}")
    if main.step.ignored and made.restart == "on-failure":
        reading.lost(one, "-: an exit status other than 0 is a failure all the same")
    if main.step.as_root and made.user:
        reading.lost(one, "+ or !: it runs as root")
        made.user, made.group, made.groups = "", "", []


def _all(reading: Reading, key: str, made: Wanted) -> list[Command]:
    """Return the commands of a key."""
    return [found for one in reading.all(key) for found in _of_setting(reading, one, made)]


def _of_setting(reading: Reading, one: Setting, made: Wanted) -> list[Command]:
    """Return the commands of an assignment, which lone semicolons keep apart."""
    marked = reading.read(one, split_marked)
    parts: list[list[str]] = [[]]
    for word, is_bare in marked:
        if word == ";" and is_bare:
            parts.append([])
        else:
            parts[-1].append(";" if word == "\\;" else word)
    return [_command(reading, one, words, made) for words in parts if words]


def _command(reading: Reading, one: Setting, words: list[str], made: Wanted) -> Command:
    """Return a command of words, whose first one may have prefixes."""
    first = words[0].lstrip(PREFIXES)
    prefixes = words[0][: len(words[0]) - len(first)]
    if not first or "|" in prefixes:
        raise reading.refusal(one, f"{words[0]} is no program")
    words = [reading.filled(one, word) for word in [first, *words[1:]]]
    argv0 = ""
    if "@" in prefixes:
        if len(words) < 2:
            raise reading.refusal(one, "@ has no name for the program behind it")
        argv0 = words.pop(1)
    if ":" in prefixes:
        line, expands = " ".join(quote(word) for word in words), False
        odd: list[str] = []
    else:
        line, expands, odd = command(words, made.environment)
    for name in odd:
        reading.lost(one, f" has the words of ${name} as they are now: there are quotes in it")
    line = f"set -f; {line}" if expands else line
    step = Step(line, ignored="-" in prefixes, as_root=bool(set("+!") & set(prefixes)))
    return Command(step, words[0], argv0, expands, odd)
