"""A service that is looked at because it does not do what it should, and what is found."""

from __future__ import annotations

import os

from slashservice.supervise.admin import health, typed
from slashservice.supervise.admin.run_script import RunScript
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.platform import processes
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen

LINES = 5
"""Of its log, in which a reason is looked for."""


class Cause:
    """What is wrong, in a sentence, and what to type. A ``note`` is nothing wrong."""

    __slots__ = ("is_note", "remedy", "what")

    def __init__(self, what: str, remedy: str = "", *, is_note: bool = False) -> None:
        self.what = printable(what)
        self.remedy = remedy
        self.is_note = is_note


class Case:
    """A service, as it was seen at the Unix time ``now``; ``svscan`` is the pid of its svscan."""

    def __init__(self, seen: Seen, directory: str, svscan: int, now: float) -> None:
        self.seen = seen
        self.directory = directory
        self.svscan = svscan
        self.now = now
        self.state = health.state(seen, now)
        self.run = RunScript(os.path.join(seen.path, "run"))
        self.lines = last_words(seen, LINES)

    @property
    def path(self) -> str:
        """The path of the service, as a shell takes it."""
        return typed.word(self.seen.path)

    def command(self, verb: str, *more: str) -> str:
        """Return the command that has a verb done to it."""
        return typed.command(verb, self.seen.name, *more)

    def search_path(self) -> str:
        """Return the PATH on which its programs are looked for."""
        own = processes.variable(self.svscan, "PATH") if self.svscan else ""
        return own or os.fsdecode(scan_directory.PATH)
