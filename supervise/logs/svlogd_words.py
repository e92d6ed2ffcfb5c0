"""What svlogd says of its log directories, in runit's words."""

from __future__ import annotations

from slashservice.supervise.logs.steps import Attempts, Pause
from slashservice.supervise.logs.svlogd_arguments import PROGRAM
from slashservice.supervise.messages import complain, message, warn

WORDS = {
    b"unable to write to %s/current": b"unable to write to current",
    b"unable to write %s/current to disk": b"unable to fsync current logfile",
    b"unable to set mode of %s/current": b"unable to set mode of current",
    b"unable to create %s/current": b"unable to create new current",
    b"unable to open directory %s": b"unable to open log directory",
    b"unable to lock directory %s": b"unable to lock directory",
}
"""Its words, by those of multilog, where the same code says them."""


class SvlogdAttempts(Attempts):
    """Attempts of svlogd, all about the log directory ``name``."""

    __slots__ = ("name",)

    pause = Pause(3.0)

    def __init__(self, name: bytes) -> None:
        super().__init__(PROGRAM, name)
        self.name = name

    def _in_words(self, trouble: bytes) -> bytes:
        return WORDS.get(trouble, trouble) + b": " + self.name

    def _say(self, text: bytes, meanwhile: bytes, error: OSError | None) -> None:
        kind = b"pausing" if meanwhile == b"pausing" else b"warning"
        complain(message(PROGRAM, kind, text, error))

    def warn(self, what: bytes, error: OSError | None = None) -> None:
        """Complain once, without an attempt that goes on."""
        warn(PROGRAM, what + b": " + self.name, error)


def inform(what: bytes) -> None:
    """Say what ``-v`` has it say."""
    complain(message(PROGRAM, b"info", what))
