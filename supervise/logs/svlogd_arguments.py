"""svlogd's options, and the log directories behind them."""

from __future__ import annotations

from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import TROUBLE, Quit
from slashservice.supervise.numbers import leading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "svlogd"

USAGE = b"usage: svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...\n\n"

LONGEST = 1000
"""Characters of a line that are looked at, unless ``-l`` says otherwise."""

BUFFER = 1024
"""C's buffer. Ours has another size, but what C refuses is refused."""

MOST_STAMPS = 3

REPLACEMENT = b"_"

LONGEST_HOSTED = 1600
"""An unfinished line of more characters does not fit into a journal."""


class SvlogdArguments:
    """What ``argv`` says.

    ``stamp`` is how often ``-t`` was given, 3 at most; ``longest`` the number of characters of
    a line that are looked at; ``table`` what to translate lines by, or nothing.
    Raises ``Quit`` if ``argv`` is wrong.
    """

    __slots__ = ("directories", "longest", "stamp", "table", "verbose")

    def __init__(self, argv: Sequence[bytes], options: type[Options] = Options) -> None:
        self.stamp = 0
        self.longest = LONGEST
        self.verbose = False
        buffer = BUFFER
        replacement = characters = b""
        given = options(PROGRAM, argv, "R:r:l:b:tvV")
        for letter, value in given:
            if letter == "R":
                characters = value
                replacement = replacement or REPLACEMENT
            elif letter == "r":
                replacement = value
                if len(value) != 1:
                    raise Quit(TROUBLE, USAGE)
            elif letter == "l":
                self.longest = leading(value) or LONGEST
            elif letter == "b":
                buffer = leading(value) or BUFFER
            elif letter == "t":
                self.stamp = min(self.stamp + 1, MOST_STAMPS)
            elif letter == "v":
                self.verbose = True
            elif letter == "V":
                raise Quit(TROUBLE, b"slashservice's svlogd, as runit has it\n" + USAGE)
            elif letter == BAD:
                raise Quit(TROUBLE, USAGE)
        self.directories = given.rest
        if not self.directories or buffer <= self.longest:
            raise Quit(TROUBLE, USAGE)
        self.table = _table(replacement, characters) if replacement else b""


def _table(replacement: bytes, characters: bytes) -> bytes:
    """Return the table that replaces what can't be printed, and ``characters``."""
    kept = [c for c in range(32, 127) if c not in characters] + [0x0A]
    return bytes(c if c in kept else replacement[0] for c in range(256))


class _Silent(Options):
    """Options that say nothing of a wrong one."""

    def _bad(self, what: bytes, letter: bytes) -> tuple[str, bytes]:
        return BAD, letter


def hosted_directories(argv: Sequence[bytes]) -> list[bytes] | None:
    """Return the log directories of a svlogd with ``argv`` that a log host can run.

    None if it has to be a process of its own: what ``argv`` says is wrong, and only svlogd says
    so; or it is too much for a journal.
    """
    try:
        arguments = SvlogdArguments(argv, _Silent)
    except Quit:
        return None
    return arguments.directories if arguments.longest <= LONGEST_HOSTED else None
