"""The files under ``/command``: one launcher of a few lines per command.

A launcher runs the interpreter isolated and without ``site`` (``-I -S``), and in UTF-8 mode
so that any bytes in the arguments survive. It imports its own command and nothing else. It
finds the code by absolute path, through a package object made on the spot. Nothing is added
to ``sys.path``, so nothing beside the code can be imported by accident.
"""

from __future__ import annotations

import os
import sys

EMULATED = ("envdir", "envuidgid", "pgrphack", "setlock", "setuidgid", "softlimit")
"""``chpst``, called by one of these names, is that command: runit has it so."""

CHAIN = (*EMULATED, "chpst", "fghack")
"""These change something about their process and then become another program."""

COMMANDS = tuple(
    sorted(
        (
            *CHAIN,
            "loghost",
            "multilog",
            "readproctitle",
            "runsv",
            "runsvchdir",
            "runsvdir",
            "supervise",
            "sv",
            "svc",
            "svcontainer",
            "svlog",
            "svlogd",
            "svok",
            "svscan",
            "svscanboot",
            "svstat",
            "tai64n",
            "tai64nfrac",
            "tai64nlocal",
        )
    )
)
"""Every command of the suite. Each is a module of :mod:`slashservice.supervise.commands`."""

SHEBANG_LIMIT = 127
"""Some kernels cut off a ``#!`` line that has more bytes."""

FLAGS = "-ISXutf8"

LAUNCHER = """\
import sys
slashservice = type(sys)("slashservice")
slashservice.__path__ = [{home!r}]
sys.modules["slashservice"] = slashservice
from slashservice.supervise.program import run
run({name!r})
"""


def home() -> str:
    """Return the folder that holds this package's code: its ``supervise`` is this one."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def interpreter() -> str:
    """Return the absolute path of the interpreter, outside any virtual environment."""
    return os.path.abspath(getattr(sys, "_base_executable", None) or sys.executable)


def text(name: str, python: str, code: str) -> str:
    """Compose the launcher of command ``name`` for the interpreter and code folder given.

    Where the interpreter's path is too long for a ``#!`` line, the shell starts the interpreter.
    """
    first = f"#!{python} {FLAGS}\n"
    if len(os.fsencode(first)) > SHEBANG_LIMIT or " " in python:
        quoted = python.replace("'", "'\"'\"'")
        first = f"#!/bin/sh\n'''exec' '{quoted}' {FLAGS} \"$0\" \"$@\"\n' '''\n"
    return first + LAUNCHER.format(home=code, name=name)


def parse(data: bytes) -> str | None:
    """Return which command ``data`` launches; None if it is no launcher of ours, to the byte.

    Ours is what :func:`text` composes for this interpreter and this code.
    """
    name = os.fsdecode(data.rpartition(b"\nrun('")[2].partition(b"'")[0])
    if name in COMMANDS and data == os.fsencode(text(name, sys.executable, home())):
        return name
    return None


def command(name: str) -> list[bytes]:
    """Return the words that start command ``name`` of this same code.

    That is the launcher beside the one that started us. Where there is none, it is the
    interpreter with the code that would be in it.
    """
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), name)
    try:
        with open(beside, "rb") as file:
            ours = parse(file.read()) == name
    except OSError:
        ours = False
    if ours and os.access(beside, os.X_OK):
        return [os.fsencode(beside)]
    code = LAUNCHER.format(home=home(), name=name)
    return [os.fsencode(word) for word in (sys.executable, FLAGS, "-c", code)]


def write(directory: str, python: str | None = None, code: str | None = None) -> list[str]:
    """Write a launcher for every command into ``directory``; return their paths.

    The directory is made when missing. Each file is 0755 and appears whole or not at all.
    Errors are the ``OSError`` of the call that failed.
    """
    os.makedirs(directory, exist_ok=True)
    written = []
    for name in COMMANDS:
        path = os.path.join(directory, name)
        replace_file(path, text(name, python or interpreter(), code or home()).encode(), 0o755)
        written.append(path)
    return written


def replace_file(path: str, data: bytes, mode: int) -> None:
    """Put ``data`` at ``path`` in one step, durably, with ``mode``.

    What is there under the name that is written to goes first: it may be a link of somebody else's.
    """
    new = f"{path}{{new}}"
    try:
        os.unlink(new)
    except FileNotFoundError:
        pass
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
        os.fchmod(fd, mode)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(new, path)
