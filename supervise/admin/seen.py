"""All that can be seen of a service from outside: its files, read once.

Any of them may be missing, closed to us, or of another supervisor: C's and runit's have a status
and no deaths. Nothing here waits, and nothing is changed.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise import tai
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import client, deaths, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from slashservice.supervise.protocol.deaths import Death
    from slashservice.supervise.protocol.status import Status

LAST = 3
"""So many of the last deaths are looked at."""

LONGEST = 1000
"""Bytes of what a log says of its trouble."""


class Seen:
    """What was seen of the service in the directory ``path``, which is called ``name``.

    ``is_linked`` tells that it is in the scan directory, ``is_deleted`` that the directory is gone
    and its svscan still has it. Of ``log`` the same was seen; None where there is none.
    """

    __slots__ = (
        "deaths",
        "error",
        "is_deleted",
        "is_essential",
        "is_failed",
        "is_linked",
        "is_normally_down",
        "is_supervised",
        "last",
        "log",
        "name",
        "now",
        "path",
        "recorded",
        "said",
        "trouble",
    )

    def __init__(
        self, name: str, path: str, *, is_linked: bool = True, is_deleted: bool = False
    ) -> None:
        self.name = name
        self.path = path
        self.is_linked = is_linked
        self.is_deleted = is_deleted
        self.log: Seen | None = None
        self.error: OSError | None = None
        """Why it can't be told how it is: mostly that only root may know."""
        self.is_supervised = False
        self.now: Status | None = None
        self.said: Status | None = None
        """What a supervisor has said last: that is ``now``, if it is there."""
        self.recorded = 0
        """The pid of its process by its record, where no supervisor tells of it."""
        self.is_normally_down = False
        self.is_essential = False
        self.is_failed = False
        self.deaths = 0
        """How many times it has died since its first start."""
        self.last: list[Death] = []
        """The last of them."""
        self.trouble = ""
        """What keeps a log from being written, in its own words."""
        if is_deleted:  # at its path there may be another one by now
            self.error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        else:
            self._look()

    def _look(self) -> None:
        directory = os.fsencode(self.path)
        try:
            os.stat(directory)
            self.is_normally_down = os.path.lexists(os.path.join(directory, names.DOWN))
            self.is_essential = os.path.lexists(os.path.join(directory, names.ESSENTIAL))
            self.is_supervised = client.is_supervised(directory)
            if self.is_supervised:
                self.said = self.now = client.read_status(directory)
            else:
                self.said = _last_said(directory)
                from slashservice.supervise.protocol import left

                self.recorded = left.behind(directory)
            self._remember(directory)
        except OSError as error:
            self.error = error

    def _remember(self, directory: bytes) -> None:
        """Read what is written of the past. Raises ``OSError``."""
        self.is_failed = os.path.lexists(os.path.join(directory, names.FAILED))
        if self.now is None or self.now.pid or self.now.want != b"d":  # else it is of the past
            self.trouble = _line(os.path.join(directory, names.TROUBLE))
        path = os.path.join(directory, names.DEATHS)
        self.deaths, self.last = deaths.tally(path, LAST)

    @property
    def is_missing(self) -> bool:
        """Whether there is no such directory."""
        missing = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        return self.error is not None and self.error.errno in missing

    @property
    def pid(self) -> int:
        """The pid of its process; 0 if there is none, or none is known."""
        return self.now.pid if self.now else self.recorded * self.is_deleted

    @property
    def finishes(self) -> bool:
        """Whether its finish script runs, or is about to: then ``pid`` is of that, or 0."""
        return self.now is not None and self.now.finish

    @property
    def left(self) -> int:
        """The pid of the process that a supervisor which is gone has left running; mostly 0."""
        return 0 if self.is_supervised or self.is_deleted else self.recorded

    @property
    def restarts(self) -> int:
        """How often it was started again after it had ended; no look finds fewer than one before.

        A death is noted before the supervisor says so. One that none has seen is noted by the next.
        """
        said = self.said
        if said and said.pid and not said.finish:
            runs = not self.last or self.last[-1].stamp < said.stamp
        else:
            runs = False
        return max(0, self.deaths - (not runs))

    @property
    def since(self) -> float | None:
        """The Unix time of its last change between up and down; None if that is not known.

        Each svscan gives what is down a stamp of its own, as each supervise did. The last death
        tells more.
        """
        if not self.now:
            return None
        stamp = self.now.stamp
        if not self.pid and self.last:
            stamp = min(stamp, self.last[-1].stamp)
        return tai.unpack(stamp) / 1e9


def _last_said(directory: bytes) -> Status | None:
    """Return what a supervisor that is gone has said last, as far as that can be read."""
    try:
        return client.read_status(directory)
    except OSError:
        return None


def _line(path: bytes) -> str:
    """Return the line in a file, which is harmless to a terminal; empty if there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | names.AT_ONCE)
    except FileNotFoundError:
        return ""
    try:
        text = os.read(fd, LONGEST).decode("utf-8", "surrogateescape").strip()
    finally:
        os.close(fd)
    return printable(text)


def look(name: str, path: str, *, is_linked: bool = True) -> Seen:
    """Look at a service and its log."""
    seen = Seen(name, path, is_linked=is_linked)
    log = os.path.join(path, "log")
    if not seen.is_missing and os.path.isdir(log):
        seen.log = Seen(f"{name}/log", log)
    return seen


def deleted(name: str, path: str, pids: Mapping[str, int], *, is_linked: bool) -> Seen:
    """Return what is known of a service whose directory is gone, and of its log.

    ``pids`` has the processes of what svscan has still, by the paths that were.
    """
    seen = Seen(name, path, is_linked=is_linked, is_deleted=True)
    seen.recorded = pids.get(path, 0)
    log = os.path.join(path, "log")
    if log in pids:
        seen.log = Seen(f"{name}/log", log, is_linked=is_linked, is_deleted=True)
        seen.log.recorded = pids[log]
    return seen
