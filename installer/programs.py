"""Whether the program of a service is there, and can be run by the account that shall run it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from shlex import quote

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.supervise.admin import typed
from slashservice.supervise.printable import printable

SHELL_CHARACTERS = frozenset(" \t\n|&;<>()$`\"'*?[]{}~#=")
LATER = "If it comes later: --no-check makes the service all the same."

Numbers = tuple[int, int]
"""Of a user and a group."""


def check(
    host: Host, name: str, command: Sequence[str], path: str, account: str, numbers: Numbers | None
) -> None:
    """Refuse a command that svscan could not start.

    ``path`` is the PATH on which it will be looked for, ``account`` who will run it, empty for
    svscan's own; ``numbers`` are that account's.
    """
    program = command[0]
    whose = account or "svscan"
    if "/" in program and not program.startswith("/"):
        raise Refusal(
            f"{program} would be looked for in the service directory",
            f"Name it by its whole path: {os.path.abspath(program)}",
        )
    found = _search(host, program, path, numbers)
    if not found:
        raise _missing(host, name, command, path, whose)
    _check_interpreter(host, found, path, whose, numbers)


def _search(host: Host, program: str, path: str, numbers: Numbers | None) -> str:
    """Return where a program is that the account can run; empty if there is none."""
    places = [program]
    if "/" not in program:
        places = [f"{folder or '.'}/{program}" for folder in path.split(":")]
    return next((place for place in places if _can_run(host, place, numbers)), "")


def _missing(host: Host, name: str, command: Sequence[str], path: str, whose: str) -> Refusal:
    """Say that there is no such program, and what may have been meant."""
    program, shown = command[0], printable(command[0])
    advice = []
    if len(command) == 1 and SHELL_CHARACTERS & set(program):
        line = typed.word(program)
        advice.append(f"For a line of shell: slashservice add {name} -- sh -c {line}")
    if "/" in program and host.stat(program):
        look = f"See its mode: ls -ldL {typed.word(host.real(program))}"
        return Refusal(f"{shown} can't be run by {whose}", look, LATER)
    if "/" not in program:
        advice.append(f"The PATH of services is {path}")
    return Refusal(f"there is no program {shown} that {whose} can run", *advice, LATER)


def _check_interpreter(
    host: Host, program: str, path: str, whose: str, numbers: Numbers | None
) -> None:
    """Refuse a script whose interpreter is not there: the kernel would call it missing itself."""
    first = (host.read(program) or b"")[:256].split(b"\n", 1)[0]
    words = first[2:].split()
    if first[:2] != b"#!" or not words:
        return
    if first.endswith(b"\r"):
        raise Refusal(
            f"{program} can't be run: its first line ends in a carriage return",
            f"Take those out: sed -i 's/\\r$//' {quote(program)}",
        )
    interpreter = os.fsdecode(words[0])
    wanted = [interpreter]
    if os.path.basename(interpreter) == "env" and len(words) == 2:
        wanted.append(os.fsdecode(words[1]))
    for one in wanted:
        if not _search(host, one, path, numbers):
            raise Refusal(
                f"{program} can't be run: its first line names {one}, which {whose} can't run",
                LATER,
            )


def _can_run(host: Host, path: str, numbers: Numbers | None) -> bool:
    """Tell whether an account can run a program, as the kernel sees it; by its mode in an image."""
    if host.root != "/":
        return host.is_executable(path)
    if numbers is None or os.geteuid() != 0:
        return _is_program(path)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([numbers[1]])
            os.setgid(numbers[1])
            os.setuid(numbers[0])
            os._exit(0 if _is_program(path) else 1)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _is_program(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except OSError:
        return False
