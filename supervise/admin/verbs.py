"""The verbs that steer services: their command lines."""

from __future__ import annotations

import errno
import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.admin import output
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.main import VERBS
from slashservice.supervise.admin.orders import ORDERS, SIGNALS, Order, signalled
from slashservice.supervise.admin.steering import Steering
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 30.0
"""How long is waited unless ``-w`` or ``$SVWAIT`` says otherwise."""

DIGITS = 10
"""Of a number of seconds: more than that no clock waits for."""

OPTIONS = """
  -w SECONDS         wait so long at most (30, or $SVWAIT); also --wait
  --json             say what came of it for programs, at the end
  --service-dir DIR  the scan directory; --user: your own

NAME is a service in the scan directory, or the path of one; NAME/log is its log.
Exit status: 0 done, 1 not in time, or not well, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

SIGNAL = """
  -s SIGNAL          send this one instead: {}; also --signal,
                     and -HUP or -1 as for kill(1)"""

VALUED = ("-s", "--signal", "-w", "--wait", "-t", "--timeout", "--service-dir")
"""Options of ``kill`` whose value is the next word."""

KNOWN = {"wait": True, "json": False}
SHORT = {"-w": "wait", "-t": "wait", "--timeout": "wait"}
"""``wait`` has the other names: they can't be told apart by heart."""


def help_of(verb: str, what: str) -> str:
    """Return the help for a verb that does ``what``."""
    kill = verb == "kill"
    signal = " [-s SIGNAL]" if kill else ""
    usage = f"slashservice {verb} [-w SECONDS]{signal} [--json] [--service-dir DIR] NAME..."
    more = SIGNAL.format(", ".join(SIGNALS)) if kill else ""
    return f"{usage}\n\n{what}\n{more}{OPTIONS}"


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Do what ``verb`` says."""
    known, short = KNOWN, SHORT
    if verb == "kill":
        known, short = {**KNOWN, "signal": True}, {**SHORT, "-s": "signal"}
        argv = signal_options(argv)
    given = Arguments(argv, help_of(verb, VERBS[verb][1]), known, short, directory)
    if not given.words:
        raise given.wrong("which service?")
    asked = given.given.get("wait")
    seconds = number_of_seconds(asked or os.environ.get("SVWAIT") or str(SECONDS))
    if seconds is None:
        raise given.wrong(f"{'-w' if asked else 'SVWAIT'} takes a number of seconds")
    name = signal_of(given.given.get("signal", "KILL"))
    if name not in SIGNALS:
        raise given.wrong(f"{name} is none of {', '.join(SIGNALS)}")
    services = distinct(given.words, given.directory)
    quiet = "json" in given.given
    steering = Steering(_order(verb, name), services, seconds, given.directory, quiet=quiet)
    signals.signal(signal_numbers.SIGINT, _interrupted)
    try:
        good = steering.run()
        if quiet:
            output.write([_json(steering)])
        return 0 if good else 1
    except KeyboardInterrupt:
        left = [one.name for one in steering.waited_for()]
        were = "was told, and is" if len(left) == 1 else "were told, and are"
        what = f"interrupted: {', '.join(left)} {were} not waited for any longer"
        raise output.fatal(what) from None


def _json(steering: Steering) -> str:
    """Return what came of it as an object; slashservice(8) has what is in it."""
    import json

    from slashservice.supervise.printable import printable_json

    plain = {"version": 1, "services": steering.to_json()}
    return printable_json(json.dumps(plain, indent=2))


def signal_options(argv: Sequence[str]) -> list[str]:
    """Return the words with signals in the form of kill(1), as ``-9`` and ``-HUP``, behind -s."""
    end = argv.index("--") if "--" in argv else len(argv)
    found: list[str] = []
    for word in argv[:end]:
        is_value = bool(found) and found[-1] in VALUED
        is_signal = word[:1] == "-" and signal_of(word[1:]) in SIGNALS
        found += ["-s", word[1:]] if is_signal and not is_value else [word]
    return [*found, *argv[end:]]


def signal_of(word: str) -> str:
    """Return the name of a signal, without ``SIG``, that is named so or by its number."""
    name = signal_numbers.name(int(word)) if word.isdecimal() and len(word) < 4 else word.upper()
    return (name or word).removeprefix("SIG")


def _order(verb: str, signal: str) -> Order:
    return ORDERS.get(verb) or signalled(verb, "HUP" if verb == "reload" else signal)


def plain(word: str) -> str:
    """Return a word without the slashes that a shell puts behind the name of a directory.

    They stay on what is a directory here.
    """
    bare = word.rstrip("/")
    return bare if bare and not os.path.isdir(word) else word


def path_of(word: str, directory: str) -> str:
    """Return the path of the service that a word names: in the scan directory, or a path.

    One that svscan still has, though it was removed there, is found by its name, too.
    """
    word = plain(word)
    if not places.is_name(os.fsencode(word)):
        return os.path.abspath(word)
    path = os.path.join(directory, word)
    if os.path.lexists(path):
        return path
    from slashservice.supervise.admin.everything import unlinked

    return unlinked(directory, word) or path


def refuse_what_is_none(path: str) -> None:
    """Raise ``FileNotFoundError`` for a directory that is no service: without a run script.

    So a slip of the hand changes nothing in some other directory.
    """
    if os.path.isdir(path) and not os.path.lexists(os.path.join(path, "run")):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def distinct(words: Sequence[str], directory: str) -> list[tuple[str, str]]:
    """Return the words, each with the path of its service; no service twice."""
    found: dict[str, tuple[str, str]] = {}
    for word in map(plain, words):
        path = path_of(word, directory)
        found.setdefault(os.path.realpath(path), (word, path))
    return list(found.values())


def number_of_seconds(text: str) -> float | None:
    """Return the number of seconds that a word says; None if it is no such number."""
    plain = text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) <= DIGITS
    return float(text) if plain else None


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt
