"""Where a verb writes, and how: in colour or not, and how wide.

Names, and what logs hold, are others' bytes: see ``supervise/printable.py``.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages
from slashservice.supervise.messages import Quit, write_all
from slashservice.supervise.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAM = "slashservice"

RED, GREEN, YELLOW, DIM, BOLD = "31", "32", "33", "2", "1"

COLOUR_WHEN = ("auto", "always", "never")


def is_coloured(when: str = "auto") -> bool:
    """Tell whether standard output is to be coloured."""
    if when != "auto":
        return when == "always"
    return os.isatty(1) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def cells() -> int | None:
    """Return how wide the screen is; None where there is none, and lines are as long as they are.

    Whoever reads a pipe wants all there is.
    """
    if not os.isatty(1):
        return None
    try:
        return os.get_terminal_size(1).columns or None
    except OSError:
        return None


def rows() -> int | None:
    """Return how many lines the screen has; None where there is none."""
    try:
        return os.get_terminal_size(1).lines or None
    except OSError:
        return None


def paint(text: str, colour: str) -> str:
    """Put a text into a colour, if one is given."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


goes_on = False
"""Whether a verb goes on with its work where nobody can be told of it. Set once, at the start."""

unsaid: list[OSError] = []
"""Why not all could be written, if it goes on."""


def say(*lines: str) -> None:
    """Write lines to standard output, each harmless to a terminal. Raises ``Quit``."""
    write(map(printable, lines))


def write(lines: Iterable[str]) -> None:
    """Write lines, which are harmless, to standard output. Raises ``Quit``."""
    write_text("".join(f"{line}\n" for line in lines))


def write_text(text: str) -> None:
    """Write text to standard output. Raises ``Quit``."""
    try:
        write_all(1, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        if not goes_on:
            raise fatal("unable to write output", error) from None
        unsaid.append(error)


def complain(*lines: str) -> None:
    """Write a complaint to standard error, further lines below it, harmless to a terminal."""
    text = "\n    ".join(map(printable, lines))
    messages.complain(f"slashservice: {text}\n".encode("utf-8", "backslashreplace"))


def unknown(names: Sequence[str], directory: str) -> Quit:
    """Make the end of a verb that was given names of which there are no services."""
    be = "is no service" if len(names) == 1 else "are no services"
    return fatal(f"there {be} {', '.join(names)} in {directory}")


def fatal(what: str, error: OSError | None = None) -> Quit:
    """Make the end of a verb by trouble, to be raised; it is said harmlessly."""
    return messages.fatal(PROGRAM, printable(what).encode("utf-8", "backslashreplace"), error)


def usage(what: str, *lines: str) -> Quit:
    """Make the end of a verb that was called wrongly, to be raised; it is said harmlessly."""
    return messages.usage(PROGRAM, "\n    ".join(map(printable, (what, *lines))))
