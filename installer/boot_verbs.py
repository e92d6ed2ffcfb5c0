"""The verbs ``drain`` and ``running``, which init systems call at boot and at shutdown.

They use the standard library only, and start fast, as :mod:`slashservice.installer.supervision`.
"""

from __future__ import annotations

import os

from slashservice.installer import streams, supervision
from slashservice.installer.waiting import say
from slashservice.supervise import signals
from slashservice.supervise.protocol import names, places
from slashservice.supervise.signal_numbers import SIGINT, SIGTERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = {
    "drain": "slashservice: usage: slashservice drain [-s] [-t SECONDS] [--user | DIR]\n",
    "running": "slashservice: usage: slashservice running [-a] [--user | DIR]\n",
}

DIGITS = 9
"""Those of a number of seconds."""


def main(argv: Sequence[str]) -> int:
    """Be ``slashservice drain`` or ``slashservice running``.

    ``running`` prints the pid of svscan; with ``-a`` the pids of daemons that a dead one has
    left also count. Exit 0 when drained or running; 100 when nothing runs, or for wrong usage;
    111 when the services did not go down in time.
    """
    verb, words = argv[0], list(argv[1:])
    stay, left, limit, own = False, False, float(supervision.LIMIT), False
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--user":
            own = True
        elif word == "-s" and verb == "drain":
            stay = True
        elif word == "-a" and verb == "running":
            left = True
        elif word == "-t" and verb == "drain" and words and _is_number(words[0]):
            limit = float(words.pop(0))
        else:
            streams.complain(USAGE[verb])
            return 100
    if len(words) > 1 or (own and words) or "" in words:
        streams.complain(USAGE[verb])
        return 100
    directory = words[0] if words else places.own_scan_directory()
    if own and not directory:
        return _fatal("you have no services of your own: slashservice install --user")
    directory = directory or names.SCAN_DIRECTORY
    if verb == "running":
        pids = [supervision.running(directory)]
        if left and not pids[0]:
            pids = supervision.daemons(directory) or pids
        if pids[0]:
            streams.say(" ".join(map(str, pids)))
        for error in streams.unsaid:
            return _fatal(f"standard output: {error.strerror}")
        return 0 if pids[0] else 100
    if not os.path.isdir(directory):
        return _fatal(f"there is no directory {directory}")
    for number in (SIGINT, SIGTERM):
        signals.signal(number, _interrupted)
    try:
        if supervision.drain(directory, stay, limit):
            return 0
    except PermissionError:
        whose = f"svscan on {directory} (pid {supervision.running(directory)}) is another account's"
        return _fatal(f"{whose}: try it with sudo")
    except _Interrupted:
        if supervision.running(directory):
            return _fatal(f"interrupted: svscan goes on with taking down {directory}")
        return _fatal(f"interrupted: slashservice drain {directory} goes on")
    return _fatal(
        f"services in {directory} did not go down in time{supervision.still_up(directory)}"
    )


def _fatal(what: str) -> int:
    """Say what is wrong; return the exit status."""
    say(f"fatal: {what}")
    return 111


def _is_number(word: str) -> bool:
    """Tell whether a word is a number of seconds that a clock can wait for."""
    return word.isascii() and word.isdecimal() and len(word) <= DIGITS


class _Interrupted(Exception):  # noqa: N818 - asked for by a signal
    """Somebody does not want to wait for a drain any longer."""


def _interrupted(number: int, frame: object) -> None:
    raise _Interrupted
