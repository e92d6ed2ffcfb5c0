"""``update-service --add|--remove|--list|--check``: services are linked as Debian's users do it.

It is a command of packages alone. Exit status: 0 done, 1 no, 100 wrong usage, 111 trouble.
"""

from __future__ import annotations

import os
import sys

from slashservice.installer import streams

USAGE = """\
update-service: usage: update-service --add|--remove DIRECTORY [NAME]
                       update-service --list|--check [NAME]
"""


class _No(Exception):  # noqa: N818 - an answer
    """It can't be done, and why; with the exit status."""

    def __init__(self, what: str, status: int = 1) -> None:
        super().__init__(what)
        self.status = status


def run(vendor: str = "") -> None:
    """Be the command. Never returns."""
    streams.guard()
    if vendor:
        sys.path.append(vendor)
    try:
        status = _run(sys.argv[1:])
    except _No as no:
        streams.complain(f"update-service: fatal: {no}\n")
        status = no.status
    except OSError as error:
        from slashservice.installer.errors import reason

        streams.complain(f"update-service: fatal: {reason(error)}\n")
        status = 111
    streams.flush()
    streams.end(status)


def _run(words: list[str]) -> int:
    """Do what the words say; return the exit status."""
    from slashservice.supervise.protocol import places

    verb, rest = (words[0] if words else ""), words[1:]
    folder = os.fsdecode(places.scan_directory())
    if verb in ("-l", "--list", "-c", "--check") and len(rest) <= 1:
        return _list(folder, rest[0] if rest else "", quiet=verb in ("-c", "--check"))
    if verb not in ("-a", "--add", "-r", "--remove") or not 1 <= len(rest) <= 2:
        streams.complain(USAGE)
        return 100
    home = rest[0].rstrip("/")
    if not home.startswith("/"):
        raise _No(f"{rest[0]}: the path of a service directory begins with /", 100)
    name = rest[1] if len(rest) == 2 else os.path.basename(home)
    if name.startswith(".") or "/" in name or not name:
        raise _No(f"{name!r} is no name for a service", 100)
    if os.geteuid():
        raise _No("only root may do that", 111)
    if verb in ("-a", "--add"):
        return _add(home, f"{folder}/{name}", name)
    return _remove(home, f"{folder}/{name}", name)


def _list(folder: str, name: str, *, quiet: bool) -> int:
    if not name:
        names = [] if quiet else sorted(os.listdir(folder))
        for one in names:
            if not one.startswith("."):
                streams.say(one)
        return 0
    link = f"{folder}/{name}"
    if not os.path.islink(link):
        if not quiet:
            streams.complain(f"update-service: {name} is not among the services of {folder}\n")
        return 1
    if not quiet:
        streams.say(f"{name} -> {os.readlink(link)}")
    return 0


def _add(home: str, link: str, name: str) -> int:
    from slashservice.installer import supervision

    if not os.path.isdir(home):
        raise _No(f"{home} is no directory")
    if os.path.lexists(link):
        if not os.path.islink(link) or os.readlink(link).rstrip("/") != home:
            raise _No(f"{link} is there already, and does not lead to {home}")
        streams.say(f"Service {name} already added.")
        return 0
    if supervision.supervised(home):
        raise _No(f"{home} has a supervisor already")
    os.symlink(home, link)
    streams.say(f"Service {name} added.")
    return 0


def _remove(home: str, link: str, name: str) -> int:
    from slashservice.installer import supervision

    if not os.path.islink(link) or os.readlink(link).rstrip("/") != home:
        raise _No(f"{link} does not lead to {home}")
    os.unlink(link)
    supervision.tell(f"{home}/log", b"x")
    supervision.tell(home, b"dx")
    streams.say(f"Service {name} removed; it is told to stop.")
    return 0
