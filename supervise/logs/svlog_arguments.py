"""svlog's command line."""

from __future__ import annotations

import sys
import time

from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.logs import moments
from slashservice.supervise.logs.choice import Choice
from slashservice.supervise.logs.stamps import EVER, NEVER
from slashservice.supervise.messages import fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.grep import Grep

USAGE = (
    "svlog [-afijrv] [-n number] [-s time] [-U time] [-g pattern] [-c auto|always|never] "
    "[-p file] [-u name] dir|name ..."
)

LONG = {
    b"--all": b"-a",
    b"--follow": b"-f",
    b"--ignore-case": b"-i",
    b"--json": b"-j",
    b"--raw": b"-r",
    b"--invert": b"-v",
    b"--lines": b"-n",
    b"--since": b"-s",
    b"--until": b"-U",
    b"--unit": b"-u",
    b"--grep": b"-g",
    b"--pass-on": b"-p",
    b"--color": b"-c",
    b"--colour": b"-c",
}
"""Long names of options, which are easier to remember."""

FLAGS = {
    "a": "all",
    "f": "follow",
    "i": "ignore_case",
    "j": "json",
    "r": "raw",
    "v": "invert",
}

LINES = 10
"""How many lines are shown unless another number is asked for."""


class Wishes:
    """What was asked for. ``number`` is that of the last lines that are wanted; None for all.

    With a ``place``, lines are passed on, and it is the file that holds up to when they were.
    """

    def __init__(self, argv: Sequence[bytes]) -> None:
        self.all = self.follow = self.ignore_case = self.json = self.raw = self.invert = False
        self.number: int | None = None
        self.colour = b"auto"
        since, until = EVER, NEVER
        pattern: bytes | None = None
        self.place: bytes | None = None
        units: list[bytes] = []
        options = Options("svlog", _short(argv), "afijrvn:s:U:u:g:c:p:")
        for letter, value in options:
            if letter in FLAGS:
                setattr(self, FLAGS[letter], True)
            elif letter == "n" and value.isdigit():
                self.number = min(int(value[:20]), sys.maxsize)
            elif letter == "s":
                since = moment(value)
            elif letter == "U":
                until = moment(value)
            elif letter == "p" and value:
                self.place = value
            elif letter == "u":
                units.append(value)
            elif letter == "g":
                pattern = value
            elif letter == "c" and value in (b"auto", b"always", b"never"):
                self.colour = value
            else:
                assert letter in (BAD, "n", "c", "p")
                raise usage("svlog", USAGE)
        self.directories = [*units, *options.rest]
        if not self.directories:
            raise usage("svlog", USAGE)
        chosen = since != EVER or until != NEVER or self.number is not None or self.all
        if self.place is not None and (chosen or self.json or self.raw or self.colour != b"auto"):
            raise usage("svlog", f"-p goes with -f, g, i, u and v only\n    {USAGE}")
        if since > until:
            raise fatal("svlog", b"no line can be since then and until then: -s is after -U")
        if self.follow and until < NEVER:
            raise usage("svlog", f"-f goes on, and -U ends\n    {USAGE}")
        if self.number is None and not self.all and since == EVER:
            self.number = LINES
        self.choice = Choice(since, until, self._grep(pattern), self.invert)

    def _grep(self, pattern: bytes | None) -> Grep | None:
        if pattern is None:
            return None
        from slashservice.supervise.logs.grep import BadPattern, Grep

        try:
            return Grep(pattern, self.ignore_case)
        except BadPattern as error:
            what = b"bad pattern " + pattern + b": " + str(error).encode()
            raise fatal("svlog", what) from None


def _short(argv: Sequence[bytes]) -> list[bytes]:
    """Put short options for the long ones."""
    words: list[bytes] = []
    for at, word in enumerate(argv):
        if word == b"--":
            return [*words, *argv[at:]]
        name, equals, value = word.partition(b"=")
        if word[:2] == b"--" and name not in LONG:
            raise usage("svlog", USAGE)
        if name in LONG:
            words.append(LONG[name])
            if equals:
                words.append(value)
        else:
            words.append(word)
    return words


def moment(text: bytes) -> int:
    """Return the Unix time, in nanoseconds, that ``text`` means now. Raises ``Quit``."""
    try:
        return moments.moment(text, time.time())
    except ValueError:
        raise fatal("svlog", b"not a time: " + text) from None
