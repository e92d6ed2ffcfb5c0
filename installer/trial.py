"""Watch a new service for its first two seconds: does it stay up?"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from slashservice.supervise.admin.words import ending
from slashservice.supervise.protocol import client, deaths, names
from slashservice.supervise.protocol.deaths import Death

SECONDS = 2.0
"""svscan starts what dies again after a second: within two it shows."""

SECONDS_BETWEEN_LOOKS = 0.02

START = 1.0
"""Seconds after which svscan has tried to start a service, on a machine with much to do."""


@dataclass(frozen=True)
class Trial:
    """How the service is at the end, its pid (0 if down), and how often it died meanwhile.

    ``last`` is its last death, if that was noted. It ``rests`` if it is not started again, as it
    was put down, by its own scripts mostly. It has ``failed`` if it has said that it can't work.
    It is ``finishing`` while its finish script runs, which may do either.
    """

    pid: int
    deaths: int
    last: Death | None = None
    rests: bool = False
    failed: bool = False
    finishing: bool = False

    @property
    def good(self) -> bool:
        """Whether it was up all the time."""
        return bool(self.pid) and not self.deaths

    @property
    def is_done(self) -> bool:
        """Whether it has done its work, and is down for good: that is no trouble."""
        return self.rests and self.last is not None and not self.last.status


def watch(services: Sequence[str], since: bytes, seconds: float = SECONDS) -> list[Trial]:
    """Watch the services at these paths for so long, once svscan has them.

    A death noted after ``since``, a stamp, counts even if nobody was looking.
    """
    seen = [_Seen(service, since) for service in services]
    begun = time.monotonic()
    while True:
        passed = time.monotonic() - begun
        for one in seen:
            one.look(passed > START)
        if passed >= seconds:
            return [one.trial() for one in seen]
        time.sleep(SECONDS_BETWEEN_LOOKS)


class _Seen:
    """What was seen of one service."""

    def __init__(self, service: str, since: bytes) -> None:
        self._path = os.fsencode(service)
        self._since = since
        self._pids: set[int] = set()
        self._ends: set[bytes] = set()
        self._pid = 0
        self._rests = self._finishing = False

    def look(self, late: bool) -> None:
        """Look how it is. What is down and never was up has died, if it is ``late``."""
        try:
            now = client.read_status(self._path)
        except OSError:
            return
        if now is None:
            return
        self._finishing = now.finish
        self._pid = 0 if self._finishing else now.pid
        self._rests = not self._pid and not now.finish and now.want != b"u"
        if self._pid:
            self._pids.add(self._pid)
        elif self._pids or self._ends or late:
            self._ends.add(now.stamp)

    def trial(self) -> Trial:
        """Return what came of it."""
        noted = self._noted()
        seen = max(len(self._ends), len(self._pids) - bool(self._pid), 0 if self._pid else 1)
        return Trial(
            self._pid,
            len(noted) or seen,
            noted[-1] if noted else None,
            bool(noted) and self._rests,
            not self._pid and os.path.lexists(os.path.join(self._path, names.FAILED)),
            self._finishing,
        )

    def _noted(self) -> list[Death]:
        """Return the deaths that the supervisor has noted; none also if it notes none."""
        try:
            found = deaths.read(os.path.join(self._path, names.DEATHS))
        except OSError:
            return []
        return [death for death in found if death.stamp >= self._since]


def words(name: str, trial: Trial, service: str, seconds: float = SECONDS) -> str:
    """Say in one line how a trial went."""
    if trial.good:
        status = os.fsdecode(client.describe(os.fsencode(service)))
        return f"svscan supervises it: {name}: {status}"
    times = "once" if trial.deaths == 1 else f"{trial.deaths} times"
    if trial.is_done:
        return f"{name} ran {times}, and ended: exit 0; it is not started again"
    how = f": {ending(trial.last)}" if trial.last else ""
    now = f"it is up again (pid {trial.pid})" if trial.pid else "it is down"
    if trial.failed:
        now = "it has said that it can't work, and is not started again"
    elif trial.rests:
        now = "it is not started again"
    elif trial.finishing:
        now = "its finish script runs"
    return f"{name} died at once, {times} in {seconds:.0f} seconds{how}; {now}"
