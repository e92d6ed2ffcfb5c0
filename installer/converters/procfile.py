"""Read a ``Procfile``, and the ``.env`` beside it, as foreman and honcho do.

Each line is one of shell. It is run in the directory of the Procfile, with the variables of
``.env`` and a PORT: 5000 for the first line, 5100 for the second, and one more for each further
process of a line.
"""

from __future__ import annotations

import os
import re

from slashservice.installer.converters import accounts, dotenv, shell, texts
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.wanted import Wanted
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+?)\s*")
USUAL_PORT = 5000
STEP = 100
"""Ports between two lines."""

KILL_SECONDS = 5.0
"""How long foreman and honcho wait after TERM."""


def read(
    host: Host, path: str, losses: Losses, account: str = "", formation: str = ""
) -> list[Wanted]:
    """Return the services of the Procfile at ``path``, so many of each as ``formation`` says."""
    folder, name = os.path.split(os.path.abspath(path))
    lines = _lines(texts.read(path), name, losses)
    if not lines:
        raise Refusal(f"{path} has no line NAME: COMMAND in it")
    counts = _counts(formation, [name for name, _, _ in lines])
    environment = {}
    if os.path.exists(os.path.join(folder, ".env")):
        environment = dotenv.read(texts.read(os.path.join(folder, ".env")), ".env", losses)
    base = environment.pop("PORT", str(USUAL_PORT))
    if not re.fullmatch("[0-9]{1,5}", base):
        raise Refusal(f"{folder}/.env: PORT={base} is no port")
    if odd := [one for one in environment if not shell.NAME.fullmatch(one)]:
        raise Refusal(f"{folder}/.env: {odd[0]} is no name that a shell has for a variable")
    user = accounts.asked(host, account)
    found = []
    for at, (kind, command, number) in enumerate(lines):
        for copy in range(counts[kind]):
            made = Wanted(kind if counts[kind] == 1 else f"{kind}-{copy + 1}", name)
            made.line, goes = shell.replaced(command)
            made.by_shell = True
            made.program = _program(command, folder)
            made.directory = folder
            made.user = user
            made.environment = {**environment, "PORT": str(int(base) + STEP * at + copy)}
            made.kill_seconds = KILL_SECONDS
            made.stop_group = made.kill_group = not goes
            made.comments = [f"{name}:{number}"]
            found.append(made)
    return found


def _lines(text: str, file: str, losses: Losses) -> list[tuple[str, str, int]]:
    """Return name, command and number of each line."""
    found: list[tuple[str, str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        matched = LINE.fullmatch(line)
        if matched:
            if matched[1] in [name for name, _, _ in found]:
                raise refused(f"{file}:{number}", f"there is a second {matched[1]}")
            found.append((matched[1], matched[2], number))
        elif line.strip() and not line.lstrip().startswith("#"):
            losses.add(f"{file}:{number}", "this is no line NAME: COMMAND, and is left out")
    return found


def _counts(formation: str, names: list[str]) -> dict[str, int]:
    """Return how many processes of each line are wanted: ``all=1,web=2``."""
    counts = dict.fromkeys(names, 1)
    for one in filter(None, formation.split(",")):
        name, _, number = one.strip().partition("=")
        if not re.fullmatch("[0-9]{1,3}", number) or (name not in names and name != "all"):
            raise Refusal(f"--formation {one}: NAME=NUMBER; NAME is {', '.join(names)} or all")
        counts |= dict.fromkeys(names if name == "all" else [name], int(number))
    return counts


def _program(command: str, folder: str) -> str:
    """Return the program that a line starts, by a path that leads there; empty if not plain."""
    program = shell.program_of(command)
    if "/" in program and not program.startswith("/"):
        return os.path.normpath(os.path.join(folder, program))
    return program
