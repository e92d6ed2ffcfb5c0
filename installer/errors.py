"""The two ways the installer ends badly: it refuses, or something failed."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - nothing went wrong, we decline
    """The request would be wrong on this host; nothing has been changed.

    ``what`` is one line; ``advice`` are lines that say what the administrator can do.
    """

    def __init__(self, what: str, *advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class Trouble(Exception):  # noqa: N818 - the counterpart of Refusal
    """Something failed. All is as before, or the message says what could not be put back."""

    def __init__(self, what: str, why: str = "") -> None:
        super().__init__(f"{what}: {why}" if why else what)


def reason(error: BaseException) -> str:
    """Say in a few words what ``error`` is about, for the end of a message."""
    if isinstance(error, OSError):
        where = f"{error.filename!r}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error) or type(error).__name__
