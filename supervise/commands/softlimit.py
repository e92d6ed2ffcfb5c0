"""softlimit: run a program with other soft resource limits."""

from __future__ import annotations

from slashservice.supervise import numbers
from slashservice.supervise.chain import pathexec
from slashservice.supervise.chain.limits import RESOURCES
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.messages import Quit

NAME = "softlimit"

WORDS = {
    "a": "allbytes",
    "c": "corebytes",
    "d": "databytes",
    "f": "filebytes",
    "l": "lockbytes",
    "m": "membytes",
    "o": "openfiles",
    "p": "processes",
    "r": "residentbytes",
    "s": "stackbytes",
    "t": "cpusecs",
}


def main(argv: Sequence[bytes]) -> int:
    """Be ``softlimit [-a BYTES] ... CHILD``."""
    options = Options(NAME, argv, "".join(f"{letter}:" for letter in RESOURCES))
    for letter, value in options:
        if letter == BAD:
            raise misuse()
        for number in RESOURCES[letter]:
            lower(number, value)
    if not options.rest:
        raise misuse()
    pathexec.run_or_fail(NAME, options.rest)


def misuse() -> Quit:
    """Make the end by a wrong call."""
    words = " ".join(f"[-{letter} {word}]" for letter, word in WORDS.items())
    return usage(NAME, f"{NAME} {words} child")


def lower(number: int, value: bytes) -> None:
    """Set the soft limit on a resource to ``value``: digits, or ``=`` for the hard limit."""
    limits = PENDING.soft_limits()
    try:
        _, hard = limits.get(number)
    except OSError as error:
        raise fatal(NAME, b"getrlimit failed", error) from None
    soft = hard if value == b"=" else numbers.unsigned(value)
    if soft is None:
        raise misuse()
    try:
        limits.set(number, min(soft, hard))
    except OSError as error:
        raise fatal(NAME, b"setrlimit failed", error) from None
