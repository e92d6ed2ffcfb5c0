"""The two ways the installer ends badly: it refuses, or something failed."""

from __future__ import annotations

import os
import re


class Refusal(Exception):  # noqa: N818 - nothing went wrong, we decline
    """The request would be wrong on this host; nothing has been changed.

    ``what`` is one line; ``advice`` are lines that say what the administrator can do.
    """

    def __init__(self, what: str, *advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class WrongUse(Refusal):
    """A word of the command line is one that no host could take."""


class Trouble(Exception):  # noqa: N818 - the counterpart of Refusal
    """Something failed. All is as before, or the message says what could not be put back.

    ``advice`` are lines that say what the administrator can do.
    """

    def __init__(self, what: str, why: str = "", *advice: str) -> None:
        super().__init__(f"{what}: {why}" if why else what)
        self.advice = advice


def reason(error: BaseException) -> str:
    """Say in a few words what ``error`` is about, for the end of a message."""
    if isinstance(error, OSError):
        name = error.filename2 or error.filename  # of a link, the link and not where it leads
        where = f"{_known(name)!r}: " if name else ""
        return f"{where}{error.strerror or error}"
    return str(error) or type(error).__name__


def _known(name: object) -> object:
    """Return the name that people know of what is being made beside it, as ``.NAME{new}``.

    A folder may be such, or what is in one.
    """
    if not isinstance(name, (str, bytes)):
        return name
    return re.sub(r"(^|/)\.?([^/]+)\{new\}(?=/|$)", r"\1\2", os.fsdecode(name))


def internal(error: BaseException) -> str:
    """Say where something went wrong that nobody thought of.

    Not what: the text of such an error may hold anything that we were given, a secret too.
    """
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = ""
    if at is not None:
        file = at.tb_frame.f_code.co_filename
        where = f" in {os.path.basename(file)}, line {at.tb_lineno}"
    return f"internal error: {type(error).__name__}{where}"
