"""Whether a line in a script is reached: asked of shells, not of whoever chose its place.

:mod:`~slashservice.installer.plan.scripts` chooses the place. What is here knows nothing of how:
an expression tells comments from all else; a shell is asked whether a command may begin there;
and, on the host itself, what is above is run with a harmless word in the place of our line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from slashservice.installer.errors import Refusal
from slashservice.installer.host import scratch
from slashservice.installer.host.host import TIMED_OUT, Host, Outcome
from slashservice.installer.host.marks import BEGIN, END
from slashservice.installer.plan.scripts import PLAIN, How, interpreter, language

HEAD = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\n)*")
"""What no command can be in: comments and empty lines. A backslash continues no comment."""

MARK = "slashservice-was-here"
ASK_LIMIT = 20
"""Seconds that an interpreter may take to read a script."""


def ask(host: Host, argv: Sequence[str], script: bytes) -> Outcome | None:
    """Have an interpreter of a host that runs read a script; ``None`` where it isn't there."""
    if host.which(argv[0]) is None:
        return None
    with scratch.folder() as folder:
        copy = os.path.join(folder, "script")
        with open(copy, "wb") as file:
            file.write(script)
        try:
            outcome = host.run([*argv, copy], timeout=ASK_LIMIT)
        except OSError as error:
            return Outcome(126, f"{argv[0]}: {error.strerror}")
    return None if outcome.output == f"{argv[0]}: not found" else outcome


def _check(host: Host, text: bytes, how: How, more: bytes = b"") -> Outcome | None:
    """Have the shell that reads ``text`` check the syntax of it, with ``more`` behind it.

    In an image no program runs; there a shell of our own machine is asked. ``None`` where none is
    there, or it does not answer in time: on a machine with much to do that is no fault of the text.
    """
    found = (interpreter(text) if how != "read" else None) or PLAIN
    if host.live:
        outcome = ask(host, [*found.command, "-n"], text + more)
    else:
        here = Host()
        name = found.name if here.which(found.name) else "sh"
        outcome = ask(here, [name, "-n"], text + more)
    return None if outcome and outcome.status == TIMED_OUT else outcome


def is_complete(host: Host, text: bytes, how: How = "shell") -> bool | None:
    """Ask a shell whether a command may begin where ``text``, the start of a script, ends.

    It may if the shell finds nothing unfinished, and minds a word that only ends something:
    inside a here-document, or behind a backslash, that is a word like any other. ``None`` where
    no shell can be asked.
    """
    alone = _check(host, text, how)
    with_word = _check(host, text, how, b"esac\n")
    if alone is None or with_word is None:
        return None
    return alone.good and not with_word.good


def syntax_error(host: Host, text: bytes, how: How = "shell") -> str:
    """Ask a shell what is wrong with a whole script; empty where nothing is, or none is there."""
    if language(text) != "sh":
        return ""
    outcome = _check(host, text, how)
    return "" if outcome is None or outcome.good else outcome.output or "it finds fault with it"


def prove(host: Host, path: str, text: bytes, how: How) -> None:
    """Refuse a script in which our block would not be the first command to run.

    ``text`` has the block in it. Nothing of what the script does is run.
    """
    above, begin, rest = text.partition(BEGIN)
    block = begin + rest.partition(END)[0] + END
    plain = text.replace(block, b"", 1)
    in_shell = language(text) == "sh"
    why = ""
    if interpreter(text) != interpreter(plain):
        why = "its first line is not the first any more"
    elif not begin or not HEAD.fullmatch(above):
        why = "there is more than comments above them"
    elif in_shell and is_complete(host, above, how) is False:
        why = "a shell finds no place for a command there"
    elif in_shell and is_complete(host, above + block, how) is False:
        why = "a shell does not find them complete"
    elif host.live and not _reaches(host, text, above, how):
        why = "its interpreter does not come to them"
    if why:
        raise Refusal(f"{path} would not run slashservice's lines: {why}")
    problem = syntax_error(host, text, how)
    if problem and not syntax_error(host, plain, how):
        raise Refusal(f"a shell would not read {path} any more", *problem.splitlines()[:5])


def _reaches(host: Host, text: bytes, above: bytes, how: How) -> bool:
    """Run what is above our block, which is comments, and a harmless command in its place."""
    found = (interpreter(text) if how != "read" else None) or PLAIN
    harmless = f"echo {MARK}\n"
    if found.language == "execline":
        harmless = f"foreground {{ {harmless[:-1]} }}\n"
    outcome = ask(host, found.argv, above + BEGIN + harmless.encode() + END)
    return outcome is None or outcome.output.splitlines().count(MARK) == 1


ENDS = re.compile(rb"[ \t]*(?:exit|exec|return)(?=[\s;&|]|$)")
REDIRECTS = re.compile(rb"[ \t]*exec[ \t]+(?:\d*[<>]|\{\w+\}[<>])")


def ends_before(host: Host, text: bytes, at: int) -> bool:
    """Tell whether a script certainly ends before the byte ``at``.

    That is by a line that begins with ``exit``, ``exec`` or ``return`` at a place where a shell
    says that a command may begin: so it is not inside anything.
    """
    start = 0
    for line in text[:at].split(b"\n"):
        if ENDS.match(line) and not REDIRECTS.match(line) and is_complete(host, text[:start]):
            return True
        start += len(line) + 1
    return False


def misplaced(host: Host, text: bytes) -> str:
    """Say why our block in a script may not be reached; empty where it is sure to be.

    Blocks of older versions lie elsewhere than at the top.
    """
    at = text.find(BEGIN)
    if at < 0 or HEAD.fullmatch(text[:at]):
        return ""
    if is_complete(host, text[:at]) is False:
        return "lies inside a command that begins above it"
    if ends_before(host, text, at):
        return "lies behind the end of the script"
    return "lies below other commands, and is reached only if they neither end the script nor hang"
